//! OpenAI's Responses and Conversations: what its clients send by default is answered in its own shapes, as runs on threads.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Reply};
use crate::provider::{answer, count, cut, delta, done, hello, stream};
use crate::stage::Stage;
use crate::threads::{calls, says, sent};

const V1: &str = "/accounts/acme/agents/triage/v1";

fn request<'a>(stage: &'a Stage, method: Method, path: &str) -> Ask<'a> {
    stage.request(method, &format!("{V1}{path}")).key(&stage.acme.caller).in_openais_shape()
}

pub fn respond<'a>(stage: &'a Stage, body: &Value) -> Ask<'a> {
    let mut all = json!({"model": "triage", "input": "Hi"});
    all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    request(stage, Method::POST, "/responses").json(&all)
}

pub async fn get(stage: &Stage, path: &str) -> Value {
    request(stage, Method::GET, path).send().await.ok()
}

/// The data of a stream's events, each under its own name, and the word at the end.
pub fn events(reply: &Reply) -> Vec<Value> {
    let all = reply.events();
    let (last, events) = all.split_last().unwrap();
    assert_eq!(last.1, "[DONE]");
    let read = |(name, data): &(String, String)| {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["type"], name.as_str());
        data
    };
    let events: Vec<Value> = events.iter().map(read).collect();
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
    events
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

pub fn text(response: &Value) -> String {
    let messages = response["output"].as_array().unwrap().iter().filter(|item| item["type"] == "message");
    let parts = messages.flat_map(|item| item["content"].as_array().unwrap());
    parts.filter_map(|part| part["text"].as_str()).collect()
}

pub fn weather() -> Value {
    json!([{"type": "function", "name": "weather", "description": "d", "parameters": {"type": "object"}}])
}

#[tokio::test]
async fn a_response_is_a_run_on_a_thread_and_is_kept() {
    let stage = Stage::new().await;
    stage.then(hello((40, 3)));
    let asked = json!({"instructions": "Be brief.", "metadata": {"a": "b"}, "temperature": 0.5, "max_output_tokens": 99});
    let reply = respond(&stage, &asked).send().await;
    let response = reply.ok();
    assert_eq!((&response["object"], &response["status"]), (&json!("response"), &json!("completed")));
    assert_eq!(response["id"], format!("resp_{}", reply.header("x-run")));
    let message = &response["output"][0];
    assert_eq!((&message["type"], &message["role"]), (&json!("message"), &json!("assistant")));
    assert!(message["id"].as_str().unwrap().starts_with("msg_"), "{message}");
    assert_eq!(
        message["content"],
        json!([{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}])
    );
    assert_eq!(
        (
            &response["usage"]["input_tokens"],
            &response["usage"]["output_tokens"],
            &response["usage"]["total_tokens"]
        ),
        (&json!(40), &json!(3), &json!(43))
    );
    for (field, value) in [
        ("instructions", json!("Be brief.")),
        ("metadata", json!({"a": "b"})),
        ("temperature", json!(0.5)),
        ("max_output_tokens", json!(99)),
        ("store", json!(true)),
        ("model", json!("triage")),
        ("previous_response_id", Value::Null),
        ("text", json!({"format": {"type": "text"}})),
    ] {
        assert_eq!(response[field], value, "{field}");
    }
    let asked = stage.asked_once();
    let told = asked["messages"].as_array().unwrap();
    assert_eq!((&told[0]["content"], &told[1]["content"]), (&json!("Sort the mail."), &json!("Be brief.")));

    // It is there, in the same words, also as a run.
    let path = format!("/responses/{}", response["id"].as_str().unwrap());
    let kept = get(&stage, &path).await;
    for field in ["id", "created_at", "output", "usage", "metadata", "instructions", "status", "model"] {
        assert_eq!(kept[field], response[field], "{field}");
    }
    let said = get(&stage, &format!("{path}/input_items")).await;
    assert_eq!(said["data"][0]["content"], json!([{"type": "input_text", "text": "Hi"}]));
    assert_eq!((&said["object"], &said["has_more"]), (&json!("list"), &json!(false)));
    let gone = request(&stage, Method::DELETE, &path).send().await.ok();
    assert_eq!(gone["deleted"], true);
    assert_eq!(request(&stage, Method::GET, &path).send().await.status, 404);
    assert_eq!(stage.books("triage").await.ledger.len(), 1);
}

#[tokio::test]
async fn a_stream_has_its_events_in_their_order_and_can_be_heard_again_from_any_letter() {
    let stage = Stage::new().await;
    stage.then(hello((40, 3)));
    let reply = respond(&stage, &json!({"stream": true})).send().await;
    let live = events(&reply);
    assert_eq!(
        types(&live)[..4],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
        ]
    );
    assert_eq!(
        types(&live)[types(&live).len() - 4..],
        [
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let said = |events: &[Value]| -> String {
        let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
        deltas.map(|event| event["delta"].as_str().unwrap()).collect()
    };
    assert_eq!(said(&live), "Hello");
    let whole = live.last().unwrap()["response"].clone();
    assert_eq!((text(&whole), &whole["usage"]["output_tokens"]), ("Hello".to_owned(), &json!(3)));
    let path = format!("/responses/{}", whole["id"].as_str().unwrap());
    assert_eq!(get(&stage, &path).await["output"], whole["output"]);

    let last = live.last().unwrap()["sequence_number"].as_u64().unwrap();
    for known in 0..last {
        let again = request(&stage, Method::GET, &format!("{path}?stream=true&starting_after={known}"));
        let again = events(&again.send().await);
        assert!(again.iter().all(|event| event["sequence_number"].as_u64().unwrap() > known), "{known}");
        // What was seen and what comes is all, and nothing twice.
        let seen: Vec<Value> = live
            .iter()
            .filter(|event| event["sequence_number"].as_u64().unwrap() <= known)
            .cloned()
            .collect();
        let number = |event: &Value| event["sequence_number"].as_u64().unwrap();
        let chars = |event: &Value| event["delta"].as_str().unwrap().len() as u64;
        let is_between = live.iter().any(|event| {
            event["type"] == "response.output_text.delta"
                && (number(event) - chars(event) + 1..number(event)).contains(&known)
        });
        if !is_between {
            assert_eq!(said(&seen) + &said(&again), "Hello", "{known}");
        }
        assert_eq!(again.last().unwrap()["response"]["output"], whole["output"]);
    }
}

#[tokio::test]
async fn two_that_go_on_from_the_same_response_at_once_are_two_branches() {
    let stage = Stage::new().await;
    stage.then(says("One."));
    let first = respond(&stage, &json!({})).send().await.ok();
    stage.then(says("Two."));
    stage.then(says("Two."));
    let on = json!({"previous_response_id": first["id"], "input": "And?"});
    let (one, other) = tokio::join!(respond(&stage, &on).send(), respond(&stage, &on).send());
    let (one, other) = (one.ok(), other.ok());
    assert_eq!((text(&one), text(&other)), ("Two.".to_owned(), "Two.".to_owned()));
    assert_ne!(one["id"].as_str().unwrap()[..37], other["id"].as_str().unwrap()[..37]);
    for asked in &stage.take_asked()[1..] {
        assert_eq!(sent(asked), ["user: Hi", "assistant: One.", "user: And?"]);
    }
}

#[tokio::test]
async fn items_are_named_instead_of_sent_again() {
    let stage = Stage::new().await;
    stage.then(calls("weather", &json!({"city": "Oslo"})));
    let first = respond(&stage, &json!({"tools": weather()})).send().await.ok();
    let call = &first["output"][0];
    stage.then(says("It rains."));
    let input = json!([
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "item_reference", "id": call["id"]},
        {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"},
    ]);
    let second = respond(&stage, &json!({"input": input, "tools": weather()})).send().await.ok();
    let asked = stage.take_asked();
    assert_eq!(sent(asked.last().unwrap()), ["user: Hi", "assistant: ", "tool: rain"]);
    let message = &second["output"][0];
    stage.then(says("You are welcome."));
    let input = json!([{"role": "user", "content": "Hi"}, {"id": message["id"]}, {"role": "user", "content": "Thanks"}]);
    respond(&stage, &json!({"input": input})).send().await.ok();
    let asked = stage.take_asked();
    assert_eq!(sent(asked.last().unwrap()), ["user: Hi", "assistant: It rains.", "user: Thanks"]);
    for unknown in ["msg_1", "msg_019b0000000070008000000000000000000000-1"] {
        let input = json!([{"type": "item_reference", "id": unknown}]);
        let refused = respond(&stage, &json!({"input": input})).send().await;
        assert!(matches!(refused.status.as_u16(), 400 | 404), "{}", refused.text());
        assert_eq!(refused.json()["error"]["param"], "input[0].id");
    }
    // Nobody else's.
    let id = message["id"].as_str().unwrap();
    stage.agent("other", &json!({})).await;
    let path = "/accounts/acme/agents/other/v1/responses";
    let stolen = json!({"input": [{"type": "item_reference", "id": id}]});
    let stolen = stage.request(Method::POST, path).key(&stage.acme.caller).in_openais_shape().json(&stolen);
    assert_eq!(stolen.send().await.status, 404);
    let followed = json!({"input": "Hi", "previous_response_id": second["id"]});
    let followed =
        stage.request(Method::POST, path).key(&stage.acme.caller).in_openais_shape().json(&followed);
    followed.send().await.assert_refusal(400, "previous_response_not_found");
}

#[tokio::test]
async fn what_is_not_kept_is_answered_and_gone() {
    let stage = Stage::new().await;
    stage.then(answer("Hello", Some((40, 3))));
    let asked = json!({"store": false, "instructions": "Be brief."});
    let response = respond(&stage, &asked).send().await.ok();
    assert_eq!((text(&response), &response["store"]), ("Hello".to_owned(), &json!(false)));
    let path = format!("/responses/{}", response["id"].as_str().unwrap());
    assert_eq!(request(&stage, Method::GET, &path).send().await.status, 404);
    let told = stage.asked_once();
    assert_eq!(told["messages"][1]["content"], "Be brief.");
    stage.then(hello((40, 3)));
    let streamed = events(&respond(&stage, &json!({"store": false, "stream": true})).send().await);
    assert_eq!(text(&streamed.last().unwrap()["response"]), "Hello");
    // All that was said comes again, with the call of a tool.
    stage.then(says("It rains."));
    let input = json!([
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "abc"},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "rain"}]},
    ]);
    let asked = json!({"store": false, "input": input, "tools": weather(), "stream": true});
    respond(&stage, &asked).send().await;
    let asked = stage.take_asked();
    assert_eq!(sent(asked.last().unwrap()), ["user: Hi", "assistant: ", "tool: rain"]);
    let unpaired = json!([{"type": "function_call_output", "call_id": "call_1", "output": "rain"}]);
    let refused = respond(&stage, &json!({"store": false, "input": unpaired})).send().await;
    assert_eq!(refused.status, 400);
    for (body, param) in [
        (json!({"store": false, "previous_response_id": response["id"]}), "store"),
        (json!({"store": false, "background": true}), "background"),
        (json!({"prompt": {"id": "pmpt_1"}}), "prompt"),
        (json!({"input": [{"type": "computer_call"}]}), "input[0].type"),
        (json!({"include": ["message.output_text.logprobs"]}), "include"),
        (json!({"input": ""}), "input"),
    ] {
        let refused = respond(&stage, &body).send().await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["param"]),
            (400, &json!(param)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_conversation_has_items_and_responses() {
    let stage = Stage::new().await;
    let items = json!([{"type": "message", "role": "user", "content": "I am Ada."}]);
    let made = json!({"metadata": {"topic": "x"}, "items": items});
    let made = request(&stage, Method::POST, "/conversations").json(&made).send().await.ok();
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("conv_"), "{id}");
    assert_eq!((&made["object"], &made["metadata"]), (&json!("conversation"), &json!({"topic": "x"})));
    stage.then(says("You are Ada."));
    let asked = json!({"conversation": id, "input": "Who am I?"});
    let response = respond(&stage, &asked).send().await.ok();
    assert_eq!(response["conversation"], json!({"id": id}));
    let told = stage.take_asked();
    assert_eq!(sent(told.last().unwrap()), ["user: I am Ada.", "user: Who am I?"]);
    let path = format!("/conversations/{id}");
    let all = get(&stage, &format!("{path}/items?order=asc")).await;
    let said: Vec<&str> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["content"][0]["text"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["I am Ada.", "Who am I?", "You are Ada."]);
    let last = all["last_id"].as_str().unwrap();
    assert_eq!(get(&stage, &format!("{path}/items/{last}")).await, all["data"][2]);
    let more = json!({"items": [{"role": "user", "content": "Thanks"}]});
    let more = request(&stage, Method::POST, &format!("{path}/items")).json(&more).send().await.ok();
    assert_eq!(more["data"][0]["content"][0]["text"], "Thanks");
    let page = get(&stage, &format!("{path}/items?limit=2")).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (2, &json!(true)));
    let changed = json!({"metadata": {"other": "y"}});
    let changed = request(&stage, Method::POST, &path).json(&changed).send().await.ok();
    assert_eq!(changed["metadata"], json!({"other": "y"}));
    assert_eq!(get(&stage, &path).await, changed);
    // It is a thread like any other.
    let thread = stage.request(Method::GET, &format!("/accounts/acme/agents/triage/threads/{}", &id[5..]));
    assert_eq!(thread.key(&stage.acme.caller).send().await.ok()["metadata"], json!({"other": "y"}));
    let whole = format!("/accounts/acme/v1{path}");
    let same = stage.request(Method::GET, &whole).key(&stage.acme.caller).in_openais_shape();
    assert_eq!(same.send().await.ok(), changed, "a base URL of the account finds it");
    let gone = request(&stage, Method::DELETE, &path).send().await.ok();
    assert_eq!((&gone["object"], &gone["deleted"]), (&json!("conversation.deleted"), &json!(true)));
    assert_eq!(request(&stage, Method::GET, &path).send().await.status, 404);
    let refused = respond(&stage, &json!({"conversation": id})).send().await;
    assert_eq!(refused.status, 404, "{}", refused.text());
}

#[tokio::test]
async fn a_response_in_the_background_is_asked_for_later() {
    let stage = Stage::new().await;
    stage.then(says("Done."));
    let begun = respond(&stage, &json!({"background": true})).send().await.ok();
    assert!(matches!(begun["status"].as_str(), Some("queued" | "in_progress")), "{begun}");
    assert_eq!((&begun["background"], &begun["output"]), (&json!(true), &json!([])));
    let id = begun["id"].as_str().unwrap();
    crate::threads::until(&stage, &id[5..], "completed").await;
    let over = get(&stage, &format!("/responses/{id}")).await;
    assert_eq!((&over["status"], text(&over).as_str()), (&json!("completed"), "Done."));
    let heard = events(&request(&stage, Method::GET, &format!("/responses/{id}?stream=true")).send().await);
    assert_eq!(heard.last().unwrap()["response"]["output"], over["output"]);
    let cancelled = request(&stage, Method::POST, &format!("/responses/{id}/cancel")).send().await.ok();
    assert_eq!(cancelled["status"], "completed", "what is over stays as it is");
}

#[tokio::test]
async fn a_response_that_fails_says_so_at_the_end_of_its_stream() {
    let stage = Stage::new().await;
    stage.then(cut([delta("Hel")]));
    let broken = events(&respond(&stage, &json!({"store": false, "stream": true})).send().await);
    let last = broken.last().unwrap();
    assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(last["response"]["error"]["code"], "upstream_error");
    stage.set_budget("triage", &json!({"limit_usd": "0.000001", "period": "day"})).await;
    for store in [false, true] {
        let spent = respond(&stage, &json!({"store": store})).send().await;
        assert_eq!(
            (spent.status.as_u16(), spent.header("x-should-retry")),
            (402, "false"),
            "{}",
            spent.text()
        );
        assert_eq!(spent.json()["error"]["type"], "insufficient_quota");
    }
}

#[tokio::test]
async fn who_has_no_key_is_answered_and_nothing_is_kept() {
    let stage = Stage::new().await;
    let block = json!({"limit_usd": "1", "period": "day", "action": "block"});
    stage.change("triage", &json!({"access": "public", "budget": block})).await;
    stage.then(answer("Hello", Some((40, 3))));
    let response = respond(&stage, &json!({})).anonymous().send().await.ok();
    assert_eq!((text(&response), &response["store"]), ("Hello".to_owned(), &json!(false)));
    for body in [
        json!({"store": true}),
        json!({"previous_response_id": format!("resp_{}00000001", "019b".repeat(8))}),
    ] {
        let refused = respond(&stage, &body).anonymous().send().await;
        assert!(matches!(refused.status.as_u16(), 400 | 401), "{}", refused.text());
    }
}

#[tokio::test]
async fn lengths_end_an_answer_with_its_reason() {
    let stage = Stage::new().await;
    let length = || {
        let finish = crate::provider::frame(
            &json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}),
        );
        stream([delta("Hel"), finish, count((10, 5)), done()])
    };
    for store in [false, true] {
        stage.then(length());
        let cut = events(&respond(&stage, &json!({"store": store, "stream": true})).send().await);
        let last = cut.last().unwrap();
        assert_eq!(last["type"], "response.incomplete", "{store}");
        assert_eq!(last["response"]["incomplete_details"], json!({"reason": "max_output_tokens"}));
        assert_eq!(last["response"]["output"][0]["status"], "incomplete");
    }
}

#[tokio::test]
async fn what_was_said_is_made_shorter_and_counted() {
    let stage = Stage::new().await;
    // The agent's own tools do not run for that.
    stage.change("triage", &json!({"tools": [{"type": "client", "name": "look", "description": "d"}]})).await;
    stage.then(answer("They agreed on Tuesday.", Some((40, 3))));
    let said = json!([{"role": "user", "content": "We launch on Tuesday."}, {"role": "assistant", "content": "Yes."}]);
    let compact = |body: &Value| request(&stage, Method::POST, "/responses/compact").json(body);
    let compacted = compact(&json!({"model": "triage", "input": said})).send().await.ok();
    assert_eq!(compacted["object"], "response.compaction");
    assert_eq!(
        (&compacted["usage"]["input_tokens"], &compacted["usage"]["output_tokens"]),
        (&json!(40), &json!(3))
    );
    let told = stage.asked_once();
    assert!(told["messages"][1]["content"].as_str().unwrap().contains("We launch on Tuesday."), "{told}");
    assert!(!told["messages"][0]["content"].as_str().unwrap().contains("Sort the mail."), "{told}");
    let item = &compacted["output"][0];
    stage.then(says("On Tuesday."));
    let input = json!([item, {"role": "user", "content": "When?"}]);
    respond(&stage, &json!({"input": input})).send().await.ok();
    let sent = sent(stage.take_asked().last().unwrap());
    assert!(sent[0].contains("They agreed on Tuesday.") && sent[1] == "user: When?", "{sent:?}");
    for (body, param) in [
        (json!({"input": said}), "model"),
        (json!({"model": "triage"}), "input"),
        (
            json!({"model": "triage", "input": [{"type": "compaction", "encrypted_content": "x"}]}),
            "input[0].encrypted_content",
        ),
    ] {
        let refused = compact(&body).send().await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["param"]),
            (400, &json!(param)),
            "{body}"
        );
    }
    let count = async |body: &Value| {
        let counted = request(&stage, Method::POST, "/responses/input_tokens").json(body).send().await.ok();
        assert_eq!(counted["object"], "response.input_tokens");
        counted["input_tokens"].as_u64().unwrap()
    };
    let short = count(&json!({"model": "triage", "input": "Hi"})).await;
    let long =
        count(&json!({"model": "triage", "input": "Hi", "instructions": "Be brief. ".repeat(100)})).await;
    assert!(short > 0 && long > short + 100, "{short} {long}");
}

#[tokio::test]
async fn outputs_on_a_conversation_count_once_and_answer_what_is_open() {
    let stage = Stage::new().await;
    let made = request(&stage, Method::POST, "/conversations").json(&json!({})).send().await.ok();
    stage.then(calls("weather", &json!({})));
    let first = respond(&stage, &json!({"conversation": made["id"], "tools": weather()})).send().await.ok();
    let call = &first["output"][0]["call_id"];
    let on = |input: Value| json!({"conversation": made["id"], "input": input});
    let missing = respond(&stage, &on(json!("Never mind."))).send().await;
    assert!(missing.words().contains("No tool output found"), "{}", missing.text());

    stage.then(says("It rains."));
    let output = on(json!([{"type": "function_call_output", "call_id": call, "output": "rain"}]));
    let keyed = async || respond(&stage, &output).header("idempotency-key", "once").send().await.ok();
    let answered = keyed().await;
    assert_eq!(text(&answered), "It rains.");
    assert_eq!(keyed().await["id"], answered["id"], "the same again is the same response");
    let again = respond(&stage, &output).send().await;
    assert_eq!(again.status, 400, "nothing is open any more: {}", again.text());
    assert_eq!(stage.take_asked().len(), 2);
}

#[tokio::test]
async fn a_response_is_deleted_where_no_other_is_on_its_thread() {
    let stage = Stage::new().await;
    stage.then(says("One."));
    let first = respond(&stage, &json!({})).send().await.ok();
    stage.then(says("Two."));
    let second = respond(&stage, &json!({"previous_response_id": first["id"]})).send().await.ok();
    for response in [&first, &second] {
        let path = format!("/responses/{}", response["id"].as_str().unwrap());
        let refused = request(&stage, Method::DELETE, &path).send().await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        get(&stage, &path).await;
    }
    let path = format!("/responses/resp_{}00000009", &first["id"].as_str().unwrap()[5..37]);
    assert_eq!(request(&stage, Method::DELETE, &path).send().await.status, 404);
}

#[tokio::test]
async fn what_a_request_goes_on_from_is_named_where_it_is_not_there() {
    let stage = Stage::new().await;
    stage.then(says("One."));
    let first = respond(&stage, &json!({})).send().await.ok();
    let thread = &first["id"].as_str().unwrap()[5..37];
    let nobodys = "019b".repeat(8);
    for (field, id, status) in [
        ("previous_response_id", format!("resp_{thread}00000007"), 400),
        ("previous_response_id", format!("resp_{nobodys}00000001"), 400),
        ("previous_response_id", "resp_1".to_owned(), 400),
        ("conversation", format!("conv_{nobodys}"), 404),
        ("conversation", "conv_1".to_owned(), 404),
    ] {
        let refused = respond(&stage, &json!({field: id})).send().await;
        assert_eq!(refused.status, status, "{field} {id}: {}", refused.text());
        assert_eq!(refused.json()["error"]["param"], field, "{}", refused.text());
        if status == 400 {
            assert_eq!(refused.json()["error"]["code"], "previous_response_not_found");
        }
        assert!(refused.words().contains(&id), "{}", refused.text());
    }
}

#[tokio::test]
async fn what_a_request_said_is_not_for_holders_of_a_threads_token() {
    let stage = Stage::new().await;
    let made = request(&stage, Method::POST, "/conversations").json(&json!({})).send().await.ok();
    let thread = made["id"].as_str().unwrap().trim_start_matches("conv_").to_owned();
    stage.then(says("Yes."));
    let asked =
        json!({"conversation": made["id"], "instructions": "Never say the word.", "metadata": {"plan": "b"}});
    let response = respond(&stage, &asked).send().await.ok();
    let (response, triage) = (response["id"].as_str().unwrap(), "/accounts/acme/agents/triage");
    let run = response.trim_start_matches("resp_");
    let tokens = format!("{triage}/threads/{thread}/tokens");
    let issued = stage.request(Method::POST, &tokens).key(&stage.acme.caller).json(&json!({"user": "ada"}));
    let token = issued.send().await.json()["token"].as_str().unwrap().to_owned();
    for path in [
        format!("/runs/{run}"),
        format!("/runs/{run}/events"),
        format!("/v1/responses/{response}"),
        format!("/v1/responses/{response}?stream=true"),
    ] {
        let seen = async |key: &str| {
            let seen = stage.request(Method::GET, &format!("{triage}{path}")).key(key);
            let seen = seen.header("accept", "application/json").send().await;
            assert_eq!(seen.status, 200, "{path}: {}", seen.text());
            seen.text().to_owned()
        };
        let (theirs, ours) = (seen(&token).await, seen(&stage.acme.caller).await);
        assert!(!theirs.contains("Never say") && theirs.contains("Yes."), "{path}: {theirs}");
        assert!(ours.contains("Never say") || path.contains("events"), "{path}: {ours}");
    }
}

#[tokio::test]
async fn an_item_of_a_conversation_is_taken_out() {
    let stage = Stage::new().await;
    let items: Vec<Value> =
        ["I am Ada.", "Forget this."].map(|text| json!({"role": "user", "content": text})).into();
    let made =
        request(&stage, Method::POST, "/conversations").json(&json!({"items": items})).send().await.ok();
    let path = format!("/conversations/{}", made["id"].as_str().unwrap());
    stage.then(says("Yes."));
    let response = respond(&stage, &json!({"conversation": made["id"], "input": "Well?"})).send().await.ok();
    let listed = get(&stage, &format!("{path}/items?order=asc")).await;
    let id = |at: usize| listed["data"][at]["id"].as_str().unwrap().to_owned();
    for gone in [id(1), id(3)] {
        let left = request(&stage, Method::DELETE, &format!("{path}/items/{gone}")).send().await.ok();
        assert_eq!(left["id"], made["id"]);
        let again = request(&stage, Method::DELETE, &format!("{path}/items/{gone}")).send().await;
        assert_eq!(again.status, 404, "{}", again.text());
    }
    let listed = get(&stage, &format!("{path}/items?order=asc")).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    // The response is there, without what it said.
    let kept = get(&stage, &format!("/responses/{}", response["id"].as_str().unwrap())).await;
    assert_eq!((&kept["status"], &kept["output"]), (&json!("completed"), &json!([])));
    stage.take_asked();
    stage.then(says("Hm."));
    respond(&stage, &json!({"conversation": made["id"], "input": "And?"})).send().await.ok();
    let asked = stage.take_asked();
    assert_eq!(sent(asked.last().unwrap()), ["user: I am Ada.", "user: Well?", "user: And?"]);
}
