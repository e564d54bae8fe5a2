//! A governed call, end to end: what the provider is told, what the client reads, what the ledger keeps.

use hyper::Method;
use serde_json::json;

use crate::emulator::{Output, Price, Script};
use crate::harness::{Tokens, live, money, texts};

const PRICE: Price = Price { input: 150, cached: 75, output: 600 };

fn script() -> Script {
    Script { input_tokens: 100, cached_tokens: 40, ..Script::tokens(100, 9) }
}

/// Long enough that a hundred tokens of input are possible.
fn question() -> String {
    "What is the answer to this question? ".repeat(8)
}

#[test]
fn every_way_to_call_settles_to_the_nano_dollar_on_both_wires() {
    live(async |app| {
        let account = app.account().await;
        for provider in ["emu", "claude"] {
            let model = account.model_of(provider, PRICE, script()).await;
            let agent =
                account.agent(&format!("{provider}:{}", model.code)).capped(1_000_000_000).create().await;
            agent.chat(&question()).await.expect(200);
            agent.stream(&question()).await.all().await;
            let message = json!([{"role": "user", "content": question()}]);
            agent.completion(&json!({"messages": message})).send().await.expect(200);
            agent.completion(&json!({"messages": message, "stream": true})).open().await.all().await;

            let books = agent.closed_books().await;
            let each = 60 * 150 + 40 * 75 + 9 * 600;
            assert_eq!(books.budget.settled, 4 * each);
            assert_eq!(model.invoice(), 4 * each, "the provider would bill the same");
            assert_eq!(books.calls.len(), 4);
            for call in &books.calls {
                assert_eq!(Tokens::of(call), Tokens { input: 100, cached: 40, output: 9 });
                assert_eq!((&call["usage"], money(&call["cost_usd"])), (&json!("reported"), each), "{call}");
                assert_eq!((&call["status"], &call["version"]), (&json!("ok"), &json!(1)));
                assert_eq!(call["model"], format!("{provider}:{}", model.code));
                assert_eq!(call["key"], account.caller.id);
                assert!(money(&call["held_usd"]) >= each);
                assert!(call["first_token_ms"].as_u64() <= call["duration_ms"].as_u64());
            }
        }
    });
}

#[test]
fn a_chat_reply_says_all_about_the_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, script()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let reply = agent.chat(&question()).await.expect(200);
        assert_eq!(reply.header("content-type"), "application/json");
        for phase in ["resolve", "admit", "upstream"] {
            assert!(reply.header("server-timing").contains(&format!("{phase};dur=")), "{reply:?}");
        }
        assert_eq!(reply.header("x-agent-version"), "1");
        let body = reply.json();
        assert_eq!(body["call_id"], reply.header("x-call-id"));
        assert_eq!(body["message"], "w0 w1 w2 ");
        assert_eq!((&body["agent"], &body["agent_version"]), (&json!(agent.slug), &json!(1)));
        assert_eq!(body["model"], format!("emu:{}", model.code));
        assert_eq!(money(&body["cost_usd"]), model.invoice());
        assert_eq!(Tokens::of_usage(&body["usage"]), Tokens { input: 100, cached: 40, output: 9 });
        let row = agent.settled_call(reply.header("x-call-id")).await;
        assert_eq!(money(&row["cost_usd"]), model.invoice());
    });
}

#[test]
fn a_stream_is_deltas_and_one_done() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, script()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let stream = agent.stream(&question()).await;
        assert_eq!((stream.status, stream.header("content-type")), (200, "text/event-stream"));
        assert!(!stream.header("x-call-id").is_empty() && stream.header("x-agent-version") == "1");
        assert!(stream.header("server-timing").contains("upstream;dur="));
        let id = stream.header("x-call-id").to_owned();
        let events = stream.all().await;
        let (done, deltas) = events.split_last().expect("a stream has events");
        assert_eq!(done.name, "done");
        assert!(deltas.iter().all(|event| event.name == "delta"), "{events:?}");
        assert_eq!(
            deltas
                .iter()
                .map(|event| event.json()["text"].as_str().unwrap_or("").to_owned())
                .collect::<String>(),
            "w0 w1 w2 "
        );
        let done = done.json();
        assert_eq!((&done["call_id"], money(&done["cost_usd"])), (&json!(id), model.invoice()));
        assert_eq!(done["message"], "w0 w1 w2 ");
        assert_eq!(Tokens::of_usage(&done["usage"]), Tokens { input: 100, cached: 40, output: 9 });
    });
}

#[test]
fn an_openai_stream_has_openais_shape() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, script()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        for include_usage in [false, true] {
            let more = json!({"stream": true, "stream_options": {"include_usage": include_usage}});
            let mut events = agent.completion(&more).open().await.all().await;
            let end = events.pop().expect("a stream ends");
            assert_eq!(end.data, "[DONE]");
            let chunks: Vec<_> = events.iter().map(|event| event.json()).collect();
            assert!(events.iter().all(|event| event.name.is_empty()), "OpenAI's events have no name");
            assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk"));
            assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]), "one id");
            assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
            assert_eq!(texts(&chunks), "w0 w1 w2 ");
            let finishes =
                chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop").count();
            assert_eq!(finishes, 1);
            let told: Vec<_> = chunks.iter().filter(|chunk| chunk["usage"].is_object()).collect();
            assert_eq!(told.len(), usize::from(include_usage));
            if let Some(last) = told.first() {
                assert_eq!(
                    (last["choices"].as_array().map(Vec::len), &last["usage"]["prompt_tokens"]),
                    (Some(0), &json!(100))
                );
                assert_eq!(last["usage"]["completion_tokens"], 9);
            }
        }
    });
}

#[test]
fn an_openai_completion_has_openais_shape() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model_of("claude", PRICE, script()).await;
        let agent = account.agent(&format!("claude:{}", model.code)).create().await;
        let body = agent.completion(&json!({"max_tokens": 9})).send().await.expect(200).json();
        assert_eq!((&body["object"], &body["choices"][0]["index"]), (&json!("chat.completion"), &json!(0)));
        assert_eq!(body["choices"][0]["message"]["content"], "w0 w1 w2 ");
        assert_eq!(body["choices"][0]["finish_reason"], "length", "the answer filled the limit");
        assert_eq!(body["usage"]["total_tokens"], 109);
        assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 40);
        assert!(body["created"].as_i64() > Some(1_700_000_000), "{body}");

        let models = account
            .anonymous(Method::GET, &agent.path("/v1/models"))
            .key(&account.caller.secret)
            .send()
            .await;
        let models = models.expect(200).json();
        assert_eq!(models["object"], "list");
        assert!(
            models["data"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == agent.slug)),
            "{models}"
        );

        let wrong = agent.completion(&json!({"model": "gpt-999"})).send().await.expect(404).json();
        assert_eq!(
            (&wrong["error"]["type"], &wrong["error"]["code"]),
            (&json!("invalid_request_error"), &json!("model_not_found"))
        );
        assert!(wrong["error"]["message"].as_str().is_some_and(|text| text.contains("gpt-999")));
    });
}

#[test]
fn the_agents_instructions_come_first_and_its_key_is_the_providers() {
    live(async |app| {
        let account = app.account().await;
        for (provider, header) in [("emu", "authorization"), ("claude", "x-api-key")] {
            let model = account.model_of(provider, PRICE, Script::default()).await;
            let agent = account.agent(&format!("{provider}:{}", model.code));
            let agent = agent.with("instructions", json!("FIRST the agent's.")).create().await;
            let messages = json!([
                {"role": "system", "content": "THEN the client's."},
                {"role": "user", "content": "hello"},
            ]);
            agent.completion(&json!({"messages": messages, "max_tokens": 33})).send().await.expect(200);
            let seen = model.last();
            let (first, then) = (seen.system().find("FIRST"), seen.system().find("THEN"));
            assert!(first.is_some() && first < then, "{}", seen.body);
            assert_eq!(seen.limit(), Some(33));
            assert_eq!(seen.header(header).trim_start_matches("Bearer "), account.provider_key);
            let leaked = seen
                .headers
                .values()
                .any(|value| value.to_str().is_ok_and(|v| v.contains(&account.caller.secret)));
            assert!(!leaked, "the caller's key is not the provider's to see");
        }
    });
}

#[test]
fn a_model_lines_parameters_yield_to_the_clients_but_its_limit_does_not() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, Script { output: Output::UpToLimit, ..script() }).await;
        let agent =
            account.agent(&format!("emu:{}?temperature=0.25&max_tokens=50", model.code)).create().await;
        agent.completion(&json!({})).send().await.expect(200);
        assert_eq!((model.last().limit(), &model.last().body["temperature"]), (Some(50), &json!(0.25)));
        agent.completion(&json!({"temperature": 1, "max_completion_tokens": 20})).send().await.expect(200);
        assert_eq!((model.last().limit(), model.last().body["temperature"].as_f64()), (Some(20), Some(1.0)));
        agent.completion(&json!({"max_tokens": 5_000})).send().await.expect(200);
        assert_eq!(model.last().limit(), Some(50));
    });
}

#[test]
fn an_agent_answers_to_its_slug_and_its_id_and_a_key_in_either_header() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        for (account_name, agent_name) in [(&account.slug, &agent.slug), (&account.id, &agent.id)] {
            let path = format!("/accounts/{account_name}/agents/{agent_name}/chat");
            let call = account.anonymous(Method::POST, &path).header("x-api-key", &account.caller.secret);
            call.json(&json!({"message": "hello"})).send().await.expect(200);
        }
    });
}
