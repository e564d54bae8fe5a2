//! Tools in responses: the client's, which end one, and the agent's own, which run here.

use serde_json::{Value, json};

use crate::provider::{count, done, frame, stream};
use crate::responses::{events, get, respond, text, weather};
use crate::stage::Stage;
use crate::support::{Script, Turn};
use crate::threads::{calls, says, sent};

#[tokio::test]
async fn a_clients_tools_are_called_and_answered_in_a_chain() {
    let stage = Stage::new().await;
    for is_stream in [false, true] {
        stage.then(calls("weather", &json!({"city": "Oslo"})));
        let first = respond(&stage, &json!({"tools": weather(), "stream": is_stream})).send().await;
        let first = if is_stream { events(&first).pop().unwrap()["response"].clone() } else { first.ok() };
        assert_eq!(first["status"], "completed", "{first}");
        let call = &first["output"][0];
        assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("weather")));
        assert_eq!(call["arguments"], r#"{"city":"Oslo"}"#);
        let run = get(&stage, &format!("/responses/{}", first["id"].as_str().unwrap())).await;
        assert_eq!(run["output"], first["output"]);

        let follow = json!({"previous_response_id": first["id"], "tools": weather()});
        let on = |input: Value| {
            let mut body = follow.clone();
            body["input"] = input;
            body
        };
        let missing = respond(&stage, &on(json!("Never mind."))).send().await;
        assert_eq!(missing.status, 400, "{}", missing.text());
        assert!(missing.words().contains("No tool output found"), "{}", missing.text());
        let wrong = json!([{"type": "function_call_output", "call_id": "call_1", "output": "rain"}]);
        assert_eq!(respond(&stage, &on(wrong)).send().await.status, 400);

        stage.then(says("It rains."));
        let output = json!([{"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}]);
        let second = respond(&stage, &on(output.clone())).send().await.ok();
        assert_eq!((text(&second), &second["previous_response_id"]), ("It rains.".to_owned(), &first["id"]));
        assert_ne!(second["id"], first["id"]);
        let asked = stage.take_asked();
        assert_eq!(sent(asked.last().unwrap()), ["user: Hi", "assistant: ", "tool: rain"]);

        // The same response again is gone on from otherwise: a branch.
        stage.then(says("It snows."));
        let other = json!([{"type": "function_call_output", "call_id": call["call_id"], "output": "snow"}]);
        let branch = respond(&stage, &on(other)).send().await.ok();
        assert_eq!(text(&branch), "It snows.");
        let asked = stage.take_asked();
        assert_eq!(sent(asked.last().unwrap()), ["user: Hi", "assistant: ", "tool: snow"]);
        let thread = |response: &Value| response["id"].as_str().unwrap()[5..37].to_owned();
        assert_eq!(thread(&first), thread(&second));
        assert_ne!(thread(&first), thread(&branch));

        // Both go on, each its own way.
        for (response, last) in [(&second, "It rains."), (&branch, "It snows.")] {
            stage.then(says("Yes."));
            let asked = json!({"previous_response_id": response["id"], "input": "Sure?"});
            respond(&stage, &asked).send().await.ok();
            let sent = sent(stage.take_asked().last().unwrap());
            assert_eq!(sent[sent.len() - 2..], [format!("assistant: {last}"), "user: Sure?".to_owned()]);
        }
    }
}

fn look() -> Value {
    json!({"type": "http", "name": "look", "description": "Looks.", "url": "https://tools.example.com/look"})
}

/// An answer with a call of the agent's tool and one of the client's.
fn both() -> Turn {
    let call = |index: u8, name: &str| {
        json!({"index": index, "id": format!("c{index}"), "type": "function",
            "function": {"name": name, "arguments": "{}"}})
    };
    let delta = json!({"tool_calls": [call(0, "look"), call(1, "weather")]});
    let choice = |delta: &Value, reason: &Value| {
        frame(&json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}))
    };
    let called = choice(&delta, &Value::Null);
    stream([called, choice(&json!({}), &json!("tool_calls")), count((9, 4)), done()])
}

#[tokio::test]
async fn the_agents_own_tools_run_here_and_appear_as_items() {
    for store in [true, false] {
        let stage = Stage::new().await;
        stage.change("triage", &json!({"tools": [look()]})).await;
        stage.then(both());
        stage.then(Turn::Replies(Script::ok("seen")));
        let asked = json!({"tools": weather(), "store": store});
        let first = respond(&stage, &asked).send().await.ok();
        let kinds = |response: &Value| -> Vec<String> {
            let items = response["output"].as_array().unwrap().iter();
            items.map(|item| item["type"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(kinds(&first), ["mcp_call", "function_call"], "{first}");
        let own = &first["output"][0];
        assert_eq!((&own["name"], &own["server_label"]), (&json!("look"), &json!("retinue")));
        assert_eq!(
            (&own["arguments"], &own["output"], &own["error"]),
            (&json!("{}"), &json!("seen"), &Value::Null)
        );
        assert_eq!(first["status"], "completed");
        stage.then(says("Both done."));
        let output = json!({"type": "function_call_output", "call_id": first["output"][1]["call_id"], "output": "rain"});
        let body = match store {
            true => json!({"previous_response_id": first["id"], "input": [output], "tools": weather()}),
            // All that was said comes back, the agent's own call as it was shown.
            false => json!({"store": false, "tools": weather(), "input": [
                {"role": "user", "content": "Hi"}, first["output"][0], first["output"][1], output]}),
        };
        stage.take_asked();
        let second = respond(&stage, &body).send().await.ok();
        assert_eq!((text(&second), kinds(&second)), ("Both done.".to_owned(), vec!["message".to_owned()]));
        let asked = stage.take_asked();
        let asked: Vec<_> = asked.iter().filter(|asked| asked.to.ends_with("/completions")).collect();
        let heard = match store {
            true => vec!["user: Hi", "assistant: ", "tool: seen", "tool: rain"],
            false => vec!["user: Hi", "assistant: ", "tool: seen", "assistant: ", "tool: rain"],
        };
        assert_eq!(sent(asked.last().unwrap()), heard);
        if store {
            let kept = get(&stage, &format!("/responses/{}", first["id"].as_str().unwrap())).await;
            assert_eq!(kept["output"], first["output"]);
        }
    }
}

#[tokio::test]
async fn the_agents_own_tools_are_bounded_by_the_request() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"tools": [look()]})).await;
    for _ in 0..3 {
        stage.then(calls("look", &json!({})));
        stage.then(Turn::Replies(Script::ok("seen")));
    }
    stage.then(says("Enough."));
    let response = respond(&stage, &json!({"max_tool_calls": 2})).send().await.ok();
    let looked =
        response["output"].as_array().unwrap().iter().filter(|item| item["status"] == "completed").count();
    assert_eq!(looked, 2, "{response}");
    let why = json!({"reason": "max_tool_calls"});
    assert_eq!((&response["status"], &response["incomplete_details"]), (&json!("incomplete"), &why));
}
