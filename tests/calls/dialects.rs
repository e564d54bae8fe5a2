//! What a provider takes and what it does not: what is sent, what comes back, and what the client is told of the rest.

use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::{answer, count, done, finish, frame, usage};
use crate::stage::{PROVIDER_KEY, Stage};
use crate::support::{Script, Turn};

const ANSWERED: (u64, u64) = (40, 3);

/// A call through OpenAI's face with these fields, whole or streamed.
fn body(face: Face, agent: &str, fields: &Value) -> Value {
    let mut body = face.body(agent);
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// A stage whose account says this of its own server.
async fn saying(dialect: &Value) -> Stage {
    let stage = Stage::new().await;
    let provider = json!({"wire": "openai", "base_url": "https://own.example.com/v1", "api_key": null, "dialect": dialect});
    stage.api.put("/api/v1/providers/own").key(&stage.acme.admin).json(&provider).send().await.ok();
    stage
}

/// A stage with a second provider of this name, which its name says much of, and an agent that asks it after `own`.
async fn beside(name: &str) -> Stage {
    let stage = Stage::new().await;
    stage.provider(name, &format!("https://{name}.example.com/v1"), None).await;
    stage.model(&format!("{name}/small"), &json!({})).await;
    stage.agent("two", &json!({"model": format!("{name}:small, own:big")})).await;
    stage.agent("one", &json!({"model": format!("{name}:small")})).await;
    stage
}

/// The messages of the chunks' JSON in a stream.
fn chunks(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn extras_reach_the_provider_and_what_they_ask_for_comes_back() {
    let stage = Stage::new().await;
    let extras = json!({"logprobs": true, "top_logprobs": 2, "presence_penalty": 0.5, "frequency_penalty": -0.5,
        "logit_bias": {"50256": -100}, "service_tier": "flex", "store": false, "prompt_cache_key": "k",
        "safety_identifier": "s", "verbosity": "low", "prediction": {"type": "content", "content": "x"}, "top_k": 4});
    let logprobs = json!({"content": [{"token": "Hello", "logprob": -0.25, "bytes": null, "top_logprobs": []}],
        "refusal": null});
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": "Hello",
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example.com", "title": "t",
            "start_index": 0, "end_index": 5}}]}, "logprobs": logprobs, "finish_reason": "stop"});
    let returned = json!({"choices": [choice], "service_tier": "flex", "system_fingerprint": "fp_1",
        "usage": usage(ANSWERED)});
    stage.then(Turn::Replies(Script::ok(returned.to_string())));
    let asked = body(Face::Completions, "triage", &extras);
    let reply = stage.ask(Face::Completions, "triage").json(&asked).send().await.ok();
    let sent = stage.asked_once();
    for (name, value) in extras.as_object().unwrap() {
        assert_eq!(&sent[name], value, "{name}");
    }
    assert_eq!(reply["choices"][0]["logprobs"], logprobs);
    assert_eq!(reply["choices"][0]["message"]["annotations"], choice["message"]["annotations"]);
    assert_eq!((&reply["service_tier"], &reply["system_fingerprint"]), (&json!("flex"), &json!("fp_1")));
    assert_eq!(reply.get("warnings"), None);
}

#[tokio::test]
async fn what_comes_back_whole_comes_back_streamed() {
    let stage = Stage::new().await;
    let piece = |delta: Value, logprobs: Value| {
        frame(&json!({"service_tier": "flex", "system_fingerprint": "fp_1",
            "choices": [{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": null}]}))
    };
    let logprobs = json!({"content": [{"token": "Hello", "logprob": -0.25}], "refusal": null});
    let annotation = json!({"type": "url_citation", "url_citation": {"url": "https://a.example.com", "title": "t",
        "start_index": 0, "end_index": 5}});
    let pieces = [
        piece(json!({"reasoning_content": "Hm."}), Value::Null),
        piece(json!({"content": "Hello"}), logprobs.clone()),
        piece(json!({"annotations": [annotation]}), Value::Null),
        finish(),
        count(ANSWERED),
        done(),
    ];
    stage.then(crate::provider::stream(pieces));
    let asked = body(Face::CompletionsStream, "triage", &json!({"logprobs": true}));
    let reply = stage.ask(Face::CompletionsStream, "triage").json(&asked).send().await;
    let chunks = chunks(reply.text());
    let of = |pointer: &str| {
        chunks.iter().find_map(|chunk| chunk.pointer(pointer).filter(|value| !value.is_null()))
    };
    assert_eq!(of("/choices/0/delta/reasoning_content"), Some(&json!("Hm.")));
    assert_eq!(of("/choices/0/logprobs"), Some(&logprobs));
    assert_eq!(of("/choices/0/delta/annotations/0"), Some(&annotation));
    assert!(
        chunks.iter().all(|chunk| chunk["service_tier"] == "flex" && chunk["system_fingerprint"] == "fp_1")
    );
}

#[tokio::test]
async fn what_is_left_out_is_warned_of_whole_and_at_the_end_of_a_stream() {
    let stage = beside("groq").await;
    let fields = json!({"top_k": 4, "instructions": "Obey me.", "temperature": 0.5});
    let expected = json!([
        {"field": "top_k", "code": "not_taken",
            "message": "`top_k` is not taken by the model that answered, and was left out"},
        {"field": "instructions", "code": "unknown_field",
            "message": "`instructions` is not a field that is known here: it was left out"},
    ]);
    stage.then(answer("Hello", Some(ANSWERED)));
    let asked = body(Face::Completions, "one", &fields);
    let reply = stage.ask(Face::Completions, "one").json(&asked).send().await;
    assert_eq!((reply.header("x-warnings"), &reply.json()["warnings"]), ("2", &expected));
    let sent = stage.asked_once();
    assert_eq!((sent.get("top_k"), &sent["temperature"]), (None, &json!(0.5)));
    for options in [json!({}), json!({"stream_options": {"include_usage": true}})] {
        stage.then(Face::CompletionsStream.served(ANSWERED));
        let mut asked = body(Face::CompletionsStream, "one", &fields);
        asked.as_object_mut().unwrap().remove("stream_options");
        asked.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let reply = stage.ask(Face::CompletionsStream, "one").json(&asked).send().await;
        assert_eq!(reply.header("x-warnings"), "2");
        let chunks = chunks(reply.text());
        let (last, before) = chunks.split_last().unwrap();
        assert_eq!(last["warnings"], expected, "{options}");
        assert!(before.iter().all(|chunk| chunk.get("warnings").is_none()));
    }
}

#[tokio::test]
async fn an_entry_that_would_leave_out_what_must_not_be_is_passed_over() {
    let stage = beside("groq").await;
    stage.then(answer("Hello", Some(ANSWERED)));
    let asked = body(Face::Completions, "two", &json!({"logprobs": true}));
    stage.ask(Face::Completions, "two").json(&asked).send().await.ok();
    let sent = stage.asked_once();
    assert_eq!((&sent["model"], &sent["logprobs"]), (&json!("big"), &json!(true)));
    for (fields, words) in [
        (json!({"logprobs": true}), "is not taken by any model of this agent's line"),
        (json!({"web_search_options": {}}), "billed beyond tokens"),
    ] {
        let (name, _) = fields.as_object().unwrap().iter().next().unwrap();
        let asked = body(Face::Completions, "one", &fields);
        let reply = stage.ask(Face::Completions, "one").json(&asked).send().await;
        reply.assert_refusal(400, "validation_failed");
        assert_eq!(reply.json()["error"]["param"], *name);
        assert!(reply.words().contains(words), "{}", reply.words());
    }
    let asked = body(Face::Completions, "one", &json!({"logit_bias": [1]}));
    let reply = stage.ask(Face::Completions, "one").json(&asked).send().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["param"]), (400, &json!("logit_bias")));
    assert!(stage.take_asked().is_empty());
}

#[tokio::test]
async fn files_and_audio_go_to_an_entry_that_takes_them() {
    let stage = beside("openai").await;
    let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}});
    let messages = json!([{"role": "user", "content": [{"type": "text", "text": "Sum up"}, file]}]);
    let fields = json!({"messages": messages});
    stage.then(answer("Hello", Some(ANSWERED)));
    stage.ask(Face::Completions, "two").json(&body(Face::Completions, "two", &fields)).send().await.ok();
    let sent = stage.asked_once();
    assert_eq!((&sent["model"], &sent["messages"][1]["content"][1]), (&json!("small"), &file));
    let reply =
        stage.ask(Face::Completions, "triage").json(&body(Face::Completions, "triage", &fields)).send().await;
    reply.assert_refusal(422, "unsupported_capability");
    assert!(reply.words().contains("own:big lacks files by their bytes"), "{}", reply.words());
    let audio = json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}});
    let fields = json!({"messages": [{"role": "user", "content": [audio]}]});
    let reply =
        stage.ask(Face::Completions, "two").json(&body(Face::Completions, "two", &fields)).send().await;
    assert!(reply.words().contains("lacks audio"), "{}", reply.words());
}

#[tokio::test]
async fn a_files_identifier_goes_to_an_own_provider_only() {
    let stage = Stage::new().await;
    stage.api.world.offer("openai", None, Some("sk-of-the-platform"));
    stage.catalogue("openai", "small").await;
    stage.agent("one", &json!({"model": "openai:small"})).await;
    let file = json!({"type": "file", "file": {"file_id": "file-of-somebody"}});
    let fields = json!({"messages": [{"role": "user", "content": [file]}], "max_tokens": 9});
    stage
        .agent("rich", &json!({"model": "openai:small", "budget": {"limit_usd": "100", "period": "total"}}))
        .await;
    for agent in ["one", "rich"] {
        let asked = body(Face::Completions, agent, &fields);
        let reply = stage.ask(Face::Completions, agent).json(&asked).send().await;
        assert!(reply.words().contains("lacks files by file_id"), "{}", reply.words());
    }
    stage.provider("openai", "https://own.example.com/v1", None).await;
    stage.then(answer("Hello", Some(ANSWERED)));
    let asked = body(Face::Completions, "rich", &fields);
    stage.ask(Face::Completions, "rich").json(&asked).send().await.ok();
    assert_eq!(stage.asked_once()["messages"][1]["content"][0], file);
}

#[tokio::test]
async fn what_an_account_says_of_its_server_holds_from_the_next_call() {
    let stage = saying(&json!({
        "system": "one", "limit_field": "max_completion_tokens", "extras": {"top_k": "k"},
        "models": [{"model": "big", "dialect": {"temperature": "never"}}, {"model": "x*", "dialect": {"stop": false}}],
    }))
    .await;
    let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
    let fields =
        json!({"messages": messages, "temperature": 0.5, "stop": "END", "max_tokens": 9, "top_k": 4});
    stage.then(answer("Hello", Some(ANSWERED)));
    let asked = body(Face::Completions, "triage", &fields);
    let reply = stage.ask(Face::Completions, "triage").json(&asked).send().await.ok();
    assert_eq!(reply["warnings"][0]["field"], "temperature");
    let sent = stage.asked_once();
    assert_eq!(sent["messages"][0]["content"], "Sort the mail.\n\nBe brief.");
    assert_eq!(
        (&sent["max_completion_tokens"], &sent["k"], &sent["stop"]),
        (&json!(9), &json!(4), &json!(["END"]))
    );
    assert_eq!((sent.get("max_tokens"), sent.get("temperature"), sent.get("top_k")), (None, None, None));
    stage.provider("own", "https://own.example.com/v1", None).await;
    stage.then(answer("Hello", Some(ANSWERED)));
    stage.ask(Face::Completions, "triage").json(&asked).send().await.ok();
    let sent = stage.asked_once();
    assert_eq!((&sent["max_tokens"], &sent["temperature"]), (&json!(9), &json!(0.5)));
}

#[tokio::test]
async fn names_that_a_server_does_not_take_are_mapped_and_mapped_back() {
    let stage = saying(&json!({"tool_names": {"alphabet": "identifier", "min": 1, "max": 20},
        "call_ids": {"alphabet": "alphanumeric", "min": 9, "max": 9}}))
    .await;
    let long = "look_up_the_weather_of_a_city";
    let call = json!({"id": "call_1", "type": "function", "function": {"name": long, "arguments": "{}"}});
    let fields = json!({
        "tools": [{"type": "function", "function": {"name": long}}, {"type": "function", "function": {"name": "short"}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "18 C"},
        ],
    });
    let asked = body(Face::Completions, "triage", &fields);
    stage.then(answer("Hello", Some(ANSWERED)));
    stage.ask(Face::Completions, "triage").json(&asked).send().await.ok();
    let sent = stage.asked_once();
    let there = sent["tools"][0]["function"]["name"].as_str().unwrap();
    assert!(there.len() <= 20 && there.starts_with("look"), "{there}");
    assert_eq!(sent["tools"][1]["function"]["name"], "short");
    let said = &sent["messages"][2]["tool_calls"][0];
    assert_eq!(said["function"]["name"], there);
    let id = said["id"].as_str().unwrap();
    assert!(id.len() == 9 && sent["messages"][3]["tool_call_id"] == id, "{sent}");
    let called =
        json!({"id": "abcdef123", "type": "function", "function": {"name": there, "arguments": "{}"}});
    let returned = json!({"choices": [{"index": 0, "message": {"content": null, "tool_calls": [called]},
        "finish_reason": "tool_calls"}], "usage": usage(ANSWERED)});
    stage.then(Turn::Replies(Script::ok(returned.to_string())));
    let reply = stage.ask(Face::Completions, "triage").json(&asked).send().await.ok();
    assert_eq!(reply["choices"][0]["message"]["tool_calls"][0]["function"]["name"], long);
    let mut begun = called.clone();
    begun["index"] = json!(0);
    let piece =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [begun]}, "finish_reason": null}]}));
    stage.then(crate::provider::stream([piece, finish(), count(ANSWERED), done()]));
    let asked = body(Face::CompletionsStream, "triage", &fields);
    let reply = stage.ask(Face::CompletionsStream, "triage").json(&asked).send().await;
    assert_eq!(chunks(reply.text())[0]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"], long);
}

#[tokio::test]
async fn reasoning_comes_back_to_a_server_that_wants_it() {
    let stage = beside("deepseek").await;
    let call =
        json!({"id": "call_00_a", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let message =
        json!({"role": "assistant", "content": null, "reasoning_content": "Hm.", "tool_calls": [call]});
    let returned = json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": usage(ANSWERED)});
    stage.then(Turn::Replies(Script::ok(returned.to_string())));
    let first = stage.ask(Face::Completions, "one").send().await.ok();
    stage.take_asked();
    let said = &first["choices"][0]["message"];
    assert_eq!(said["reasoning_content"], "Hm.");
    let messages = json!([{"role": "user", "content": "Hi"}, said,
        {"role": "tool", "tool_call_id": "call_00_a", "content": "18 C"}]);
    stage.then(answer("Warm.", Some(ANSWERED)));
    let asked = body(Face::Completions, "one", &json!({"messages": messages}));
    stage.ask(Face::Completions, "one").json(&asked).send().await.ok();
    assert_eq!(stage.asked_once()["messages"][2]["reasoning_content"], "Hm.");
}

#[tokio::test]
async fn a_users_name_is_sent_where_the_protocol_has_a_place_for_it_and_named_where_not() {
    let stage = Stage::new().await;
    let messages = json!({"messages": [
        {"role": "user", "name": "ada", "content": "Hi"}, {"role": "user", "name": "bob", "content": "Hello"},
    ]});
    let asked = body(Face::Completions, "triage", &messages);
    stage.then(answer("Hello", Some(ANSWERED)));
    let reply = stage.ask(Face::Completions, "triage").json(&asked).send().await.ok();
    assert!(reply["warnings"].is_null(), "{reply}");
    let sent = stage.asked_once();
    let names: Vec<_> = sent["messages"].as_array().unwrap().iter().map(|message| &message["name"]).collect();
    assert_eq!(names, [&Value::Null, &json!("ada"), &json!("bob")]);

    let own = json!({"wire": "anthropic", "base_url": "https://own.example.com/v1", "api_key": null});
    stage.api.put("/api/v1/providers/own").key(&stage.acme.admin).json(&own).send().await.ok();
    let said = json!({"type": "message", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 40, "output_tokens": 3}});
    stage.then(Turn::Replies(Script::ok(said.to_string())));
    let reply = stage.ask(Face::Completions, "triage").json(&asked).send().await.ok();
    assert_eq!(reply["warnings"][0]["field"], "messages[].name", "{reply}");
}

#[tokio::test]
async fn what_is_said_of_an_answer_as_a_whole_shows_no_key() {
    for face in [Face::Completions, Face::CompletionsStream] {
        let stage = Stage::new().await;
        let leaky = format!("fp {PROVIDER_KEY}");
        let said = json!({"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}],
            "system_fingerprint": leaky, "service_tier": "x".repeat(10_000), "usage": usage(ANSWERED)});
        stage.then(Turn::Replies(Script::ok(said.to_string())));
        let reply = stage.ask(face, "triage").send().await;
        assert_eq!(reply.status, 200);
        assert!(reply.text().contains("system_fingerprint") && !reply.text().contains(PROVIDER_KEY));
        assert!(reply.text().len() < 5_000, "{}", reply.text().len());
    }
}

#[tokio::test]
async fn sources_come_back_through_our_own_faces_and_are_named_where_a_client_sends_them() {
    let stage = Stage::new().await;
    let annotation = json!({"type": "url_citation", "url_citation": {"url": "https://a.example.com", "title": "t",
        "start_index": 0, "end_index": 5}});
    let message = json!({"role": "assistant", "content": "Hello", "annotations": [annotation]});
    let returned = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage(ANSWERED)});
    stage.then(Turn::Replies(Script::ok(returned.to_string())));
    let chat = stage.ask(Face::Chat, "triage").send().await.ok();
    assert_eq!((&chat["message"], &chat["annotations"]), (&json!("Hello"), &json!([annotation])));
    stage.then(answer("Hello", Some(ANSWERED)));
    assert_eq!(stage.ask(Face::Chat, "triage").send().await.ok().get("annotations"), None);
    let cited = frame(
        &json!({"choices": [{"index": 0, "delta": {"annotations": [annotation]}, "finish_reason": null}]}),
    );
    stage.then(crate::provider::stream([
        crate::provider::delta("Hello"),
        cited,
        finish(),
        count(ANSWERED),
        done(),
    ]));
    let (_, last) = stage.ask(Face::Stream, "triage").send().await.events().pop().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["annotations"], json!([annotation]), "{last}");
    stage.take_asked();

    let user = json!({"role": "user", "content": "Hi"});
    stage.then(answer("Hello", Some(ANSWERED)));
    let messages = json!([user, message, {"role": "assistant", "content": "No.", "annotations": []}, user]);
    let reply = stage.ask(Face::Completions, "triage").json(&body(
        Face::Completions,
        "triage",
        &json!({"messages": messages}),
    ));
    let reply = reply.send().await.ok();
    assert_eq!(reply["warnings"][0]["field"], "messages[1].annotations", "{reply}");
    assert_eq!(reply["warnings"].as_array().unwrap().len(), 1);
    let block = |citations: Value| json!({"role": "assistant", "content": [{"type": "text", "text": "Gott", "citations": citations}]});
    let source =
        json!({"type": "web_search_result_location", "url": "https://a.example.com", "cited_text": "x"});
    let sent = json!({"model": "triage", "max_tokens": 20, "messages": [user, block(json!([source])), user, block(Value::Null), user]});
    stage.then(answer("Hello", Some(ANSWERED)));
    let path = "/accounts/acme/agents/triage/v1/messages";
    let asked = stage.request(axum::http::Method::POST, path).key(&stage.acme.caller).json(&sent);
    let reply = asked.in_anthropics_shape().send().await.ok();
    assert_eq!(reply["warnings"][0]["field"], "messages[1].content[0].citations", "{reply}");
    assert_eq!(reply["warnings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_error_that_quotes_a_key_of_this_platform_is_shown_without_it() {
    let stage = Stage::new().await;
    let key = stage.acme.caller.clone();
    let refusal = json!({"error": {"message": format!("bad {key}"), "code": key, "param": key}}).to_string();
    stage.then(Turn::Replies(Script::status(400, refusal)));
    let reply = stage.ask(Face::Chat, "triage").send().await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.text().contains("bad …") && !reply.text().contains(&key[..16]), "{}", reply.text());
}
