//! Which model answers, and why sometimes none can.

use retinue::domain::secret::Secret;
use retinue::ports::Settings;
use serde_json::json;

use crate::ask::Face;
use crate::provider::{answer, status};
use crate::stage::{PROVIDER_KEY, Stage};
use crate::support::{MASTER_KEY, settings};

#[tokio::test]
async fn a_model_is_named_by_the_agent_or_by_the_line() {
    let stage = Stage::new().await;
    let agent = stage.agent("two", &json!({"model": "own:big, other:small"})).await;
    for (name, asked) in [
        ("two", "big"),
        (agent["id"].as_str().unwrap(), "big"),
        ("big", "big"),
        ("own:big", "big"),
        ("small", "small"),
        ("other:small", "small"),
    ] {
        for face in [Face::Completions, Face::CompletionsStream] {
            let mut body = face.body("two");
            body["model"] = json!(name);
            stage.then(face.served((10, 5)));
            assert_eq!(stage.ask(face, "two").json(&body).send().await.status, 200, "{name}");
            assert_eq!(stage.asked_once()["model"], asked, "{name}");
        }
    }
}

#[tokio::test]
async fn any_other_model_is_openais_404() {
    let stage = Stage::new().await;
    for face in [Face::Completions, Face::CompletionsStream] {
        for name in ["gpt-4o", "small", "other:small", "Triage", "own:", ":big", "own:big?temperature=0"] {
            let mut body = face.body("triage");
            body["model"] = json!(name);
            let reply = stage.ask(face, "triage").json(&body).send().await;
            reply.assert_refusal(404, "model_not_found");
            assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
            assert!(reply.words().contains(name));
        }
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn what_no_model_can_do_is_422_and_named() {
    let stage = Stage::new().await;
    stage.model("own/plain", &json!({"capabilities": [], "context_tokens": 2_000})).await;
    stage.agent("plain", &json!({"model": "own:plain"})).await;
    let image = json!([{"type": "image_url", "image_url": {"url": "https://a.example.com/b.png"}}]);
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    let schema = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}});
    for (changes, missing) in [
        (json!({"messages": [{"role": "user", "content": image}]}), "images"),
        (json!({"tools": [tool]}), "tools"),
        (json!({"response_format": schema}), "json_schema"),
        (json!({"stream": true}), "streaming"),
    ] {
        let mut body = Face::Completions.body("plain");
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let reply = stage.ask(Face::Completions, "plain").json(&body).send().await;
        reply.assert_refusal(422, "unsupported_capability");
        let words = reply.words();
        assert!(words.contains("own:plain") && words.contains(missing), "{words}");
    }
    stage.ask(Face::Stream, "plain").send().await.assert_refusal(422, "unsupported_capability");
    stage.assert_untouched("plain").await;
}

#[tokio::test]
async fn a_prompt_that_is_probably_too_long_goes_to_other_entries_first_and_is_tried_all_the_same() {
    let stage = Stage::new().await;
    stage.model("own/short", &json!({"context_tokens": 2_000})).await;
    stage.agent("mixed", &json!({"model": "own:short, other:small"})).await;
    stage.agent("short", &json!({"model": "own:short"})).await;
    let mut body = Face::Completions.body("mixed");
    body["messages"][0]["content"] = json!("word ".repeat(4_000));
    for (agent, model) in [("mixed", "small"), ("short", "short")] {
        body["model"] = json!(agent);
        stage.then(answer("Hello", Some((4_010, 5))));
        stage.ask(Face::Completions, agent).json(&body).send().await.ok();
        assert_eq!(stage.asked_once()["model"], model);
    }
}

#[tokio::test]
async fn an_entry_that_lacks_what_is_needed_is_passed_over() {
    let stage = Stage::new().await;
    stage.model("own/plain", &json!({"capabilities": []})).await;
    stage.agent("mixed", &json!({"model": "own:plain, other:small"})).await;
    for (face, model) in [(Face::Chat, "plain"), (Face::Stream, "small")] {
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "mixed").send().await.status, 200);
        assert_eq!(stage.asked_once()["model"], model);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_configured_is_said_to_be() {
    let stage = Stage::new().await;
    stage.agent("lost", &json!({"model": "openai:gpt-4.1-mini", "budget": null})).await;
    for face in Face::ALL {
        let reply = stage.ask(face, "lost").send().await;
        assert!(reply.status == 424, "{reply:?}");
        assert!(reply.words().contains("PUT /api/v1/providers/openai"), "{}", reply.words());
    }
    assert!(stage.take_asked().is_empty());
}

#[tokio::test]
async fn the_platforms_own_provider_serves_accounts_that_have_none() {
    let stage = Stage::new().await;
    stage.api.world.offer("openai", None, Some("sk-of-the-platform"));
    stage.catalogue("openai", "gpt-4.1-mini").await;
    stage.agent("main", &json!({"model": "openai:gpt-4.1-mini", "budget": null})).await;
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "main").send().await.ok();
    let asked = stage.take_asked().remove(0);
    assert_eq!(asked.to, "https://api.openai.com/v1/chat/completions");
    assert!(asked.headers.contains(&("authorization", "Bearer sk-of-the-platform".to_owned())));
}

#[tokio::test]
async fn an_accounts_own_row_of_a_model_counts_only_where_its_own_provider_answers() {
    let stage = Stage::new().await;
    stage.api.world.offer("openai", None, Some("sk-of-the-platform"));
    stage.catalogue("openai", "gpt").await;
    let free = json!({"input_usd_per_mtok": "0", "output_usd_per_mtok": "0", "cached_input_usd_per_mtok": "0",
        "max_output_tokens": 90_000});
    for name in ["openai/gpt", "openai/unknown"] {
        stage.model(name, &free).await;
    }
    stage.agent("main", &json!({"model": "openai:gpt"})).await;
    stage.agent("dark", &json!({"model": "openai:unknown"})).await;
    stage.ask(Face::Chat, "dark").send().await.assert_refusal(422, "unpriced_model");
    stage.then(answer("Hello", Some((10, 5))));
    let reply = stage.ask(Face::Chat, "main").send().await.ok();
    assert_eq!(reply["cost_usd"], "0.000020", "the platform's price, for its key pays");
    assert_eq!(stage.asked_once()["max_completion_tokens"], 1_000, "the platform's limit");
    // A binding is the platform's, too, whatever the row that leads to it is called.
    let bound = json!({"wire": "workers-ai"});
    let put = stage.api.put("/api/v1/providers/mine").key(&stage.acme.admin).json(&bound).send().await;
    assert!(put.status.is_success(), "{put:?}");
    stage.model("mine/llama", &free).await;
    stage.agent("bound", &json!({"model": "mine:llama"})).await;
    stage.ask(Face::Chat, "bound").send().await.assert_refusal(422, "unpriced_model");
    // From now on the account's own key pays.
    stage.provider("openai", "https://own.example.com/v1", Some("sk-own")).await;
    stage.then(answer("Hello", Some((10, 5))));
    assert_eq!(stage.ask(Face::Chat, "main").send().await.ok()["cost_usd"], "0.000000");
    assert_eq!(stage.asked_once()["max_completion_tokens"], 90_000);
}

#[tokio::test]
async fn the_platforms_own_url_may_point_inside_but_must_be_one() {
    let stage = Stage::new().await;
    for (name, base_url) in [("near", "http://10.0.0.1:8000/v1/"), ("far", "https://user:pass@far.example")] {
        stage.api.world.offer(name, Some(base_url), None);
        stage.agent(name, &json!({"model": format!("{name}:m"), "budget": null})).await;
    }
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "near").send().await.ok();
    assert_eq!(stage.take_asked().remove(0).to, "http://10.0.0.1:8000/v1/chat/completions");
    let reply = stage.ask(Face::Chat, "far").send().await;
    assert!(reply.status == 424 && reply.words().contains("provider `far`"), "{reply:?}");
    assert!(!reply.text().contains("pass@") && stage.take_asked().is_empty());
}

#[tokio::test]
async fn a_key_goes_to_its_own_provider_and_to_no_other() {
    let stage = Stage::new().await;
    stage.agent("two", &json!({"model": "own:big, other:small"})).await;
    stage.then(status(500, "boom")).then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "two").send().await.ok();
    let asked = stage.take_asked();
    let keys = |n: usize| asked[n].headers.iter().filter(|(name, _)| *name == "authorization").count();
    assert_eq!((keys(0), keys(1)), (1, 0));
    assert!(asked[0].headers.contains(&("authorization", format!("Bearer {PROVIDER_KEY}"))));
    let caller = &stage.acme.caller;
    for request in &asked {
        let all = format!("{:?} {}", request.headers, String::from_utf8_lossy(&request.body));
        assert!(!all.contains(caller.as_str()), "the caller's key is not the provider's to know");
    }
}

#[tokio::test]
async fn without_the_master_key_only_what_needs_it_fails_and_nothing_leaks() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"model": "other:small"})).await;
    let other = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    assert_ne!(other, MASTER_KEY);
    let keys = [None, Some(""), Some("too short"), Some(other)];
    for key in keys {
        let master_key = key.map(|key| Secret::new(key.to_owned()));
        let stage = stage.under(Settings { master_key, ..settings() });
        for face in Face::ALL {
            let reply = stage.ask(face, "triage").send().await;
            assert!(reply.status == 424, "{reply:?}");
            let words = reply.words();
            assert!(words.contains("`own`") && words.contains("PUT it again"), "{words}");
            assert!(!words.contains("MASTER_KEY"), "{words}");
            assert!(stage.take_asked().is_empty(), "the provider is not asked without its key");
            stage.then(face.served((10, 5)));
            assert_eq!(stage.ask(face, "open").send().await.status, 200);
            stage.take_asked();
        }
        let log = stage.log();
        assert!(log.contains("MASTER_KEY") && !log.contains(other), "{log}");
    }
    let books = stage.books("triage").await;
    assert_eq!((books.settled, books.held), (0, 0), "{books:?}");
}

#[tokio::test]
async fn an_entry_whose_key_cannot_be_opened_is_left_for_the_next() {
    let stage = Stage::new().await;
    stage.agent("two", &json!({"model": "own:big, other:small"})).await;
    let stage = stage.under(Settings { master_key: None, ..settings() });
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "two").send().await.status, 200);
        assert_eq!(stage.asked_once()["model"], "small");
    }
}

#[tokio::test]
async fn a_base_url_that_points_inside_is_not_called_though_it_is_stored() {
    let stage = Stage::new().await;
    for url in [
        "http://own.example.com/v1",
        "https://127.0.0.1:8787/v1",
        "https://[::1]/v1",
        "https://10.0.0.1/v1",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/v1",
        "https://2130706433/v1",
        "https://localhost/v1",
        "https://metadata.google.internal/v1",
        "https://user:pass@own.example/v1",
        "https://own.example.com/v1?key=1",
        "ftp://own.example.com",
        "not a url",
    ] {
        let sql = "UPDATE providers SET base_url = ? WHERE name = 'own'";
        stage.api.world.database().with(|db| db.execute(sql, [url]).unwrap());
        let stage = stage.elsewhere();
        for face in Face::ALL {
            let reply = stage.ask(face, "triage").send().await;
            assert!(reply.status == 424, "{url}: {reply:?}");
            assert!(reply.words().contains("provider `own`"), "{url}: {}", reply.words());
        }
        assert!(stage.take_asked().is_empty(), "{url}");
    }
    let books = stage.books("triage").await;
    assert_eq!((books.settled, books.held), (0, 0), "{books:?}");
}

#[tokio::test]
async fn loopback_is_called_only_while_the_operator_allows_it() {
    let dev = || Settings { allow_loopback: true, ..settings() };
    let stage = Stage::with(dev()).await;
    stage.provider("near", "http://127.0.0.1:9000/v1", None).await;
    stage.agent("near", &json!({"model": "near:m", "budget": null})).await;
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "near").send().await.ok();
    assert_eq!(stage.take_asked().remove(0).to, "http://127.0.0.1:9000/v1/chat/completions");
    let live = stage.under(settings());
    let reply = live.ask(Face::Chat, "near").send().await;
    assert!(reply.status == 424 && reply.words().contains("ALLOW_LOOPBACK"), "{reply:?}");
    assert!(live.take_asked().is_empty());
}

#[tokio::test]
async fn the_lines_parameters_stand_where_the_caller_sets_none() {
    let stage = Stage::new().await;
    let line = "own:big?temperature=0.25&max_tokens=33&seed=4&timeout=5";
    stage.agent("tuned", &json!({"model": line})).await;
    stage.then(answer("Hello", Some((10, 5)))).then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "tuned").send().await.ok();
    let asked = stage.take_asked().remove(0);
    assert_eq!(asked.timeout_ms, 5_000);
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        (&body["temperature"], &body["max_tokens"], &body["seed"]),
        (&json!(0.25), &json!(33), &json!(4))
    );
    let mut body = Face::Completions.body("tuned");
    body["temperature"] = json!(1.5);
    body["max_tokens"] = json!(12);
    stage.ask(Face::Completions, "tuned").json(&body).send().await.ok();
    let asked = stage.asked_once();
    assert_eq!((&asked["temperature"], &asked["max_tokens"]), (&json!(1.5), &json!(12)));
}

#[tokio::test]
async fn an_alias_stands_for_its_line_and_follows_it() {
    let stage = Stage::new().await;
    let alias = |line: &str| {
        let body = json!({"model": line});
        let api = stage.api.clone();
        let admin = stage.acme.admin.clone();
        async move { api.put("/api/v1/aliases/fast").key(&admin).json(&body).send().await }
    };
    assert!(alias("own:big").await.status.is_success());
    stage.agent("quick", &json!({"model": "fast"})).await;
    for (line, model) in [("own:big", "big"), ("other:small", "small")] {
        assert!(alias(line).await.status.is_success());
        stage.then(answer("Hello", Some((10, 5))));
        stage.ask(Face::Chat, "quick").send().await.ok();
        assert_eq!(stage.asked_once()["model"], model);
    }
}

#[tokio::test]
async fn every_wire_is_asked_at_its_own_address_with_its_own_key() {
    let stage = Stage::with(Settings { has_workers_ai: true, ..settings() }).await;
    for (line, provider, url, header) in [
        ("anthropic:m", "anthropic", "https://api.anthropic.com/v1/messages", ("x-api-key", "sk-theirs")),
        (
            "gemini:m",
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent",
            ("x-goog-api-key", "sk-theirs"),
        ),
        (
            "openai:m",
            "openai",
            "https://api.openai.com/v1/chat/completions",
            ("authorization", "Bearer sk-theirs"),
        ),
    ] {
        let body = json!({"api_key": "sk-theirs"});
        let path = format!("/api/v1/providers/{provider}");
        let put = stage.api.put(&path).key(&stage.acme.admin).json(&body).send().await;
        assert!(put.status.is_success(), "{put:?}");
        stage.agent(provider, &json!({"model": line, "budget": null})).await;
        stage.then(status(401, "no such key sk-theirs"));
        let reply = stage.ask(Face::Chat, provider).send().await;
        reply.assert_refusal(424, "upstream_denied");
        assert!(!reply.text().contains("sk-theirs") && !stage.log().contains("sk-theirs"));
        let asked = stage.take_asked().remove(0);
        assert_eq!((asked.method.as_str(), asked.to.as_str()), ("POST", url));
        assert!(asked.headers.contains(&("content-type", "application/json".to_owned())));
        assert!(asked.headers.contains(&(header.0, header.1.to_owned())), "{:?}", asked.headers.len());
    }
    stage.catalogue("workers-ai", "@cf/meta/llama").await;
    stage.agent("bound", &json!({"model": "workers-ai:@cf/meta/llama", "budget": null})).await;
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "bound").send().await.ok();
    let asked = stage.take_asked().remove(0);
    assert_eq!(asked.to, "workers-ai:@cf/meta/llama");
    assert!(asked.headers.iter().all(|(name, _)| *name != "authorization"));
}

/// A provider's URL may lead to this product again; without an end to that, one call becomes hundreds.
#[tokio::test]
async fn a_call_that_comes_back_is_refused_and_one_from_another_deployment_is_not() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        let sent = stage.take_asked().remove(0);
        let (_, own) = sent.headers.iter().find(|(name, _)| *name == "x-retinue-via").unwrap();
        let own = own.clone();
        let others = ["0123456789abcdef", "1123456789abcdef", "2123456789abcdef", "3123456789abcdef"];
        let junk = "x".repeat(4_000);
        for via in
            [own.clone(), format!("{},{own}", others[0]), others.join(", "), format!("{junk},é, {own} ,")]
        {
            let reply = stage.ask(face, "triage").header("x-retinue-via", &via).send().await;
            reply.assert_refusal(400, "invalid_request");
            assert!(reply.words().contains("leads back here"), "{via}: {}", reply.words());
            assert_eq!(reply.header("x-should-retry"), "false");
        }
        assert!(stage.take_asked().is_empty(), "no provider was asked");
        // What no deployment writes is passed to no provider.
        let other = others[0];
        let shouted = other.to_uppercase();
        for (via, passed) in [
            (other.to_owned(), format!("{other}, {own}")),
            (format!("{junk}, {other}, {shouted}, a, b, c, d"), format!("{other}, {own}")),
            (junk.clone(), own.clone()),
        ] {
            stage.then(face.served((10, 5)));
            assert_eq!(stage.ask(face, "triage").header("x-retinue-via", &via).send().await.status, 200);
            let sent = stage.take_asked().remove(0);
            assert!(sent.headers.contains(&("x-retinue-via", passed)), "{:?}", sent.headers);
        }
    }
}
