//! Answers that must be JSON of the agent's schema: checked, mended once, or said to be none.

use axum::http::Method;
use bytes::Bytes;
use retinue::ports::Settings;
use serde_json::{Value, json};

use crate::ask::{Face, Reply};
use crate::provider::{count, delta, done, finish, frame, stream};
use crate::stage::Stage;
use crate::support::{Asked, Turn, settings};
use crate::threads::{events, get, post, sent};
use crate::throwaway::{call, calls, says};
use crate::turns::text;

const FITS: &str = r#"{"city":"Oslo"}"#;
const OTHER: &str = r#"{"city":7}"#;

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false})
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"output": {"schema": schema(), "name": "place"}})).await;
    stage
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// A wire's answer, streamed.
fn wire_says(wire: &str, text: &str) -> Turn {
    match wire {
        "anthropic" => stream([
            event(
                "message_start",
                &json!({"type": "message_start", "message": {"id": "m", "type": "message",
                "role": "assistant", "model": "m", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}}),
            ),
            event(
                "content_block_start",
                &json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": ""}}),
            ),
            event(
                "content_block_delta",
                &json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": text}}),
            ),
            event("content_block_stop", &json!({"type": "content_block_stop", "index": 0})),
            event(
                "message_delta",
                &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 5}}),
            ),
            event("message_stop", &json!({"type": "message_stop"})),
        ]),
        "gemini" => stream([frame(&json!({"candidates": [{"index": 0, "finishReason": "STOP",
            "content": {"parts": [{"text": text}], "role": "model"}}],
            "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}}))]),
        "workers-ai" => stream([
            frame(&json!({"response": text})),
            frame(
                &json!({"response": "", "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}),
            ),
            done(),
        ]),
        _ => says(text),
    }
}

/// Whether the schema is asked for by a field, and not in words.
fn has_field(wire: &str, body: &Value) -> bool {
    match wire {
        "anthropic" => {
            body["output_config"]["format"]["schema"]["required"] == json!(["city"])
                || body["output_format"]["schema"]["required"] == json!(["city"])
        }
        "gemini" => body["generationConfig"]["responseJsonSchema"] == schema(),
        "openai" => {
            let format = &body["response_format"]["json_schema"];
            format["schema"] == schema() && format["name"] == "place" && format["strict"] == true
        }
        _ => false,
    }
}

#[tokio::test]
async fn an_answer_is_mended_on_every_wire_and_every_face() {
    let stage = Stage::with(Settings { has_workers_ai: true, ..settings() }).await;
    for provider in ["openai", "anthropic", "gemini"] {
        let path = format!("/api/v1/providers/{provider}");
        let put =
            stage.api.put(&path).key(&stage.acme.admin).json(&json!({"api_key": "sk-theirs"})).send().await;
        assert!(put.status.is_success(), "{put:?}");
    }
    for (provider, code) in [
        ("openai", "gpt-5"),
        ("anthropic", "claude-sonnet-5-1"),
        ("anthropic", "claude-haiku-4-4"),
        ("gemini", "gemini-2.5-flash"),
        ("workers-ai", "@cf/meta/llama"),
    ] {
        stage.catalogue(provider, code).await;
    }
    let tool = json!([{"type": "client", "name": "look", "parameters": {"type": "object"}}]);
    for (wire, line, field, with_tools) in [
        ("openai", "openai:gpt-5", true, true),
        ("anthropic", "anthropic:claude-sonnet-5-1", true, true),
        ("anthropic", "anthropic:claude-haiku-4-4", false, false),
        ("gemini", "gemini:gemini-2.5-flash", true, false),
        ("workers-ai", "workers-ai:@cf/meta/llama", false, false),
    ] {
        for face in Face::ALL {
            for tools in [json!([]), tool.clone()] {
                let output = json!({"schema": schema(), "name": "place"});
                stage.change("triage", &json!({"model": line, "output": output, "tools": tools})).await;
                stage.then(wire_says(wire, OTHER)).then(wire_says(wire, FITS));
                let reply = call(&stage, face, &json!({})).send().await;
                assert_eq!(text(face, &reply), FITS, "{line} {face:?}: {}", reply.text());
                let asked = stage.take_asked();
                assert_eq!(asked.len(), 2, "{line}");
                let is_taken = if tools == json!([]) { field } else { with_tools };
                let first = body(&asked[0]);
                assert_eq!(has_field(wire, &first), is_taken, "{line} {tools}: {first}");
                assert_eq!(first.to_string().contains("valid under this JSON Schema"), !is_taken, "{first}");
                let again = body(&asked[1]).to_string();
                assert!(again.contains("/city: must be of type string, is number"), "{again}");
                assert!(again.contains(r#"{\"city\":7}"#), "the answer stands before it: {again}");
            }
        }
    }
}

#[tokio::test]
async fn a_mended_answer_costs_both_and_is_one_step() {
    let stage = stage().await;
    stage.then(says("I think it is Oslo.")).then(says(FITS));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Where?"})).await.json();
    assert_eq!((&run["status"], &run["message"]), (&json!("completed"), &json!(FITS)), "{run}");
    assert_eq!((&run["typed"], &run["output"]), (&json!(true), &json!({"city": "Oslo"})));
    assert_eq!((&run["cost_usd"], &run["steps"]), (&json!("0.000040"), &json!(1)));
    let id = run["id"].as_str().unwrap();
    let steps = get(&stage, &format!("/runs/{id}/steps")).await;
    let [first, second] = steps["steps"].as_array().unwrap().as_slice() else { panic!("{steps}") };
    assert_eq!(first["model_call"]["output_errors"][0]["at"], "");
    assert!(
        first["model_call"]["output_errors"][0]["message"].as_str().unwrap().contains("is not JSON"),
        "{first}"
    );
    assert_eq!(second["model_call"].get("output_errors"), None);
    assert_eq!(
        (&first["model_call"]["cost_usd"], &second["model_call"]["cost_usd"]),
        (&json!("0.000020"), &json!("0.000020"))
    );
    let items = get(&stage, "/threads/t/items").await;
    assert_eq!(items["items"].as_array().unwrap().len(), 2, "what was taken back is no item: {items}");
    let books = stage.books("triage").await;
    assert_eq!((books.ledger.len(), books.settled), (2, 40_000));

    for face in [Face::Chat, Face::Completions] {
        stage.then(says("Oslo")).then(says(FITS));
        let reply = call(&stage, face, &json!({})).send().await.ok();
        let tokens =
            if face.is_openai() { &reply["usage"]["total_tokens"] } else { &reply["usage"]["output_tokens"] };
        assert_eq!(tokens, &json!(if face.is_openai() { 30 } else { 10 }), "{reply}");
        if face == Face::Chat {
            assert_eq!(
                (&reply["output"], &reply["cost_usd"]),
                (&json!({"city": "Oslo"}), &json!("0.000040"))
            );
        }
    }
}

#[tokio::test]
async fn watchers_hold_exactly_the_answer() {
    let stage = stage().await;
    for (answers, held) in [
        (vec![says("Oslo"), says(FITS)], FITS),
        (
            vec![stream([delta("```json\n"), delta(FITS), delta("\n```"), finish(), count((10, 5)), done()])],
            FITS,
        ),
    ] {
        for answer in answers {
            stage.then(answer);
        }
        let reply = post(&stage, "/threads/t/runs", &json!({"message": "Where?", "stream": true})).await;
        let events = events(reply.text());
        let mut text = String::new();
        for (_, name, data) in &events {
            match name.as_str() {
                "text.delta" => {
                    let offset = usize::try_from(data["offset"].as_u64().unwrap()).unwrap();
                    text = text.chars().take(offset).collect::<String>() + data["delta"].as_str().unwrap();
                }
                "step.restarted" => text.clear(),
                _ => {}
            }
        }
        assert_eq!(
            (text.as_str(), events.last().unwrap().1.as_str()),
            (held, "run.completed"),
            "{}",
            reply.text()
        );
        assert!(events.iter().any(|(_, name, _)| name == "step.restarted"));
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_mended_is_no_answer() {
    for face in Face::ALL {
        let stage = stage().await;
        stage.then(says(OTHER)).then(says("Oslo."));
        let reply = call(&stage, face, &json!({})).send().await;
        if face.streams() {
            assert!(reply.text().contains("output_invalid"), "{}", reply.text());
            assert_eq!(text(face, &reply), "", "nothing of it was said");
        } else {
            reply.assert_refusal(424, "output_invalid");
            assert_eq!(reply.header("x-should-retry"), "false");
            assert!(reply.text().contains("is not JSON"), "{}", reply.text());
        }
        assert_eq!(stage.take_asked().len(), 2);
        let run = get(&stage, &format!("/runs/{}", reply.header("x-run"))).await;
        assert_eq!(
            (&run["status"], &run["reason"]),
            (&json!("incomplete"), &json!("output_invalid")),
            "{run}"
        );
        assert_eq!((&run["message"], run.get("output")), (&json!("Oslo."), None));
        assert!(run["output_errors"][0]["message"].as_str().unwrap().contains("is not JSON"), "{run}");
    }
}

#[tokio::test]
async fn a_stream_has_the_answer_alone_also_behind_tools() {
    let stage = stage().await;
    let output = json!({"schema": schema()});
    stage.change("triage", &json!({"output": output, "tools": ["current_time"]})).await;
    for face in Face::ALL {
        let call_with_words = stream([
            delta("Let me look."),
            frame(
                &json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c", "type": "function",
                "function": {"name": "current_time", "arguments": "{}"}}]}, "finish_reason": null}]}),
            ),
            frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})),
            count((10, 5)),
            done(),
        ]);
        stage.then(call_with_words).then(says(OTHER)).then(says(FITS));
        let reply = call(&stage, face, &json!({})).send().await;
        assert_eq!(text(face, &reply), FITS, "{face:?}: {}", reply.text());
    }
}

#[tokio::test]
async fn what_a_client_asks_of_the_format_must_be_the_agents() {
    let stage = stage().await;
    let format = |schema: Value| json!({"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}});
    let reordered = json!({"required": ["city"], "additionalProperties": false,
        "properties": {"city": {"type": "string"}}, "type": "object"});
    for fields in [
        json!({"response_format": {"type": "text"}}),
        json!({"response_format": {"type": "json_object"}}),
        format(schema()),
        format(reordered),
    ] {
        stage.then(says(FITS));
        let reply = call(&stage, Face::Completions, &fields).send().await;
        assert_eq!(text(Face::Completions, &reply), FITS);
        assert_eq!(body(&stage.take_asked()[0])["response_format"]["json_schema"]["name"], "place");
    }
    let reply = call(&stage, Face::Completions, &format(json!({"type": "object"}))).send().await;
    reply.assert_refusal(400, "validation_failed");
    assert_eq!(reply.json()["error"]["param"], "response_format");
    call(&stage, Face::Completions, &json!({"n": 2})).send().await.assert_refusal(400, "validation_failed");
    assert!(stage.take_asked().is_empty());
}

#[tokio::test]
async fn a_refusal_and_an_answer_that_is_cut_stay_what_they_are() {
    let stage = stage().await;
    let refused =
        frame(&json!({"choices": [{"index": 0, "delta": {"refusal": "No."}, "finish_reason": null}]}));
    stage.then(stream([refused, finish(), count((10, 5)), done()]));
    let reply = call(&stage, Face::Completions, &json!({})).send().await.ok();
    assert_eq!(reply["choices"][0]["finish_reason"], "content_filter", "{reply}");
    let cut = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}));
    stage.then(stream([delta("{\"city\""), cut, count((10, 5)), done()]));
    let reply = call(&stage, Face::Completions, &json!({})).send().await.ok();
    assert_eq!(reply["choices"][0]["finish_reason"], "length", "{reply}");
    assert_eq!(stage.take_asked().len(), 2, "nothing was asked again");
}

#[tokio::test]
async fn our_own_faces_say_how_an_answer_ended_that_is_not_whole() {
    let stage = stage().await;
    for face in [Face::Chat, Face::Stream] {
        let ends = async |reason: &str| {
            let end = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}));
            stage.then(stream([delta(FITS), end, count((10, 5)), done()]));
            let reply = call(&stage, face, &json!({})).send().await;
            let last = if face == Face::Chat { reply.json() } else { events(reply.text()).pop().unwrap().2 };
            (last["finish_reason"].clone(), last["output"].clone())
        };
        for reason in ["length", "content_filter"] {
            assert_eq!(ends(reason).await, (json!(reason), Value::Null), "{face:?}");
        }
        assert_eq!(ends("stop").await, (Value::Null, json!({"city": "Oslo"})), "{face:?}");
    }
    stage.change("triage", &json!({"output": null})).await;
    let cut = || frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}));
    stage.then(stream([delta("He"), cut(), count((10, 5)), done()]));
    let streamed = call(&stage, Face::Stream, &json!({})).send().await;
    assert_eq!(
        events(streamed.text()).pop().unwrap().2["finish_reason"],
        "length",
        "of a call that is no run"
    );
}

#[tokio::test]
async fn a_member_that_stands_twice_does_not_fit() {
    let stage = stage().await;
    stage.then(says(r#"{"city":5,"city":"Oslo"}"#)).then(says(FITS));
    let reply = call(&stage, Face::Chat, &json!({})).send().await;
    assert_eq!(text(Face::Chat, &reply), FITS);
    let asked = stage.take_asked();
    assert!(sent(&asked[1]).last().unwrap().contains("has a member twice: `city`"), "{:?}", sent(&asked[1]));
}

#[tokio::test]
async fn what_is_asked_for_in_words_is_what_the_schema_wants_also_when_it_is_mended() {
    let stage = stage().await;
    stage.model("own/plain", &json!({"capabilities": ["tools", "streaming"]})).await;
    let list = json!({"type": "array", "items": {"type": "integer"}});
    stage.change("triage", &json!({"model": "own:plain", "output": {"schema": list}})).await;
    stage.then(says("{}")).then(says("[1]"));
    let reply = call(&stage, Face::Chat, &json!({})).send().await;
    assert_eq!(text(Face::Chat, &reply), "[1]");
    for asked in stage.take_asked() {
        let asked = body(&asked).to_string();
        assert!(asked.contains("one valid JSON array") && !asked.contains("JSON object"), "{asked}");
    }
}

#[tokio::test]
async fn a_model_without_schemas_is_asked_in_words_and_not_passed_over() {
    let stage = stage().await;
    stage.model("own/plain", &json!({"capabilities": ["tools", "streaming"]})).await;
    stage.change("triage", &json!({"model": "own:plain", "output": {"schema": schema()}})).await;
    stage.then(says(FITS));
    let reply = call(&stage, Face::Chat, &json!({})).send().await;
    assert_eq!(text(Face::Chat, &reply), FITS);
    let asked = body(&stage.take_asked()[0]);
    assert_eq!(asked.get("response_format"), None);
    assert!(asked.to_string().contains("valid under this JSON Schema"), "{asked}");
}

#[tokio::test]
async fn the_last_word_at_a_limit_is_no_answer() {
    let stage = stage().await;
    let fields = json!({"output": {"schema": schema()}, "tools": ["current_time"], "run": {"max_steps": 1}});
    stage.change("triage", &fields).await;
    stage.then(calls(&["current_time"])).then(says("I looked at the clock."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Where?"})).await.json();
    assert_eq!(
        (&run["reason"], &run["message"]),
        (&json!("max_steps"), &json!("I looked at the clock.")),
        "{run}"
    );
    let asked = stage.take_asked();
    assert_eq!(body(&asked[1]).get("response_format"), None);
    assert!(sent(&asked[1]).last().unwrap().contains("has reached its limit"));
}

#[tokio::test]
async fn a_run_keeps_the_schema_of_its_version() {
    let stage = stage().await;
    let output = json!({"schema": schema()});
    stage.change("triage", &json!({"upgrade": "new_threads", "output": output})).await;
    stage.then(says(FITS));
    assert_eq!(post(&stage, "/threads/old/runs", &json!({"message": "Where?"})).await.status, 201);
    stage.change("triage", &json!({"output": null})).await;
    for face in Face::ALL {
        stage.then(says(OTHER)).then(says(FITS));
        let reply = call(&stage, face, &json!({})).header("x-thread", "old").send().await;
        assert_eq!(text(face, &reply), FITS, "{face:?}: {}", reply.text());
    }
    stage.then(says("In Oslo."));
    let run = post(&stage, "/threads/new/runs", &json!({"message": "Where?"})).await.json();
    assert_eq!((&run["message"], run.get("typed")), (&json!("In Oslo."), None), "{run}");
}

async fn seen(stage: &Stage, run: &Reply) -> Value {
    get(stage, &format!("/runs/{}", run.json()["id"].as_str().unwrap())).await
}

#[tokio::test]
async fn what_does_not_fit_of_another_agents_answer_is_an_error_for_the_model() {
    let stage = stage().await;
    stage.agent("expert", &json!({"output": {"schema": schema()}})).await;
    stage
        .change(
            "triage",
            &json!({"output": null, "tools": [{"type": "agent", "agent": "expert", "description": "Knows"}]}),
        )
        .await;
    let asks = || crate::threads::calls("expert", &json!({"message": "Where?"}));
    stage.then(asks()).then(says(OTHER)).then(says(FITS)).then(says("Oslo it is."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Ask."})).await;
    assert_eq!(seen(&stage, &run).await["message"], "Oslo it is.");
    let asked = stage.take_asked();
    assert_eq!(sent(&asked[3]).last().unwrap(), &format!("tool: {FITS}"));
    stage.then(asks()).then(says(OTHER)).then(says(OTHER)).then(says("Nobody knows."));
    post(&stage, "/threads/t/runs", &json!({"message": "Ask again."})).await;
    let last = sent(&stage.take_asked()[3]).last().unwrap().clone();
    assert!(last.contains("does not fit its schema") && last.contains(OTHER), "{last}");
}

#[tokio::test]
async fn a_provider_that_breaks_off_does_not_lose_the_repair() {
    let stage = stage().await;
    stage.then(says(OTHER)).then(crate::provider::status(503, "later")).then(says(FITS));
    let ask =
        stage.request(Method::POST, "/accounts/acme/agents/triage/threads/t/runs").key(&stage.acme.caller);
    let run = ask.json(&json!({"message": "Where?", "background": true})).send().await.json();
    stage.until_asked(2).await;
    let path = format!("/accounts/acme/agents/triage/runs/{}/resume", run["id"].as_str().unwrap());
    crate::threads::until(&stage, run["id"].as_str().unwrap(), "waiting").await;
    stage.request(Method::POST, &path).key(&stage.acme.caller).send().await.ok();
    let run = crate::threads::until(&stage, run["id"].as_str().unwrap(), "completed").await;
    assert_eq!(run["output"], json!({"city": "Oslo"}));
    let asked = stage.take_asked();
    assert_eq!(asked.len(), 3);
    assert!(sent(&asked[2]).last().unwrap().contains("is not valid"), "{:?}", sent(&asked[2]));
}
