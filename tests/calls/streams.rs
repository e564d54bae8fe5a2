//! Streams as clients read them, and clients that stop reading.

use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::{count, cut, delta, done, finish, frame, hello, stream, usage};
use crate::stage::{BIG, Stage};
use crate::support::{Script, Turn, is_workerd, native_only};

const COST: u64 = 40 * BIG.0 + 3 * BIG.1;

fn json_of(data: &str) -> Value {
    serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))
}

#[tokio::test]
async fn our_stream_is_deltas_and_then_done() {
    let stage = Stage::new().await;
    stage.then(hello((40, 3)));
    let events = stage.ask(Face::Stream, "triage").send().await.events();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["delta", "delta", "done"]);
    assert_eq!(json_of(&events[0].1), json!({"text": "Hel"}));
    let last = json_of(&events[2].1);
    assert_eq!((&last["message"], &last["cost_usd"]), (&json!("Hello"), &json!("0.000046")));
    assert_eq!((&last["model"], &last["agent"]), (&json!("own:big"), &json!("triage")));
    assert_eq!(last["call_id"], stage.bill("triage").await.json["id"]);
}

#[tokio::test]
async fn openais_stream_is_chunks_and_then_done() {
    let stage = Stage::new().await;
    for include_usage in [false, true] {
        let mut body = Face::CompletionsStream.body("triage");
        if include_usage {
            body["stream_options"] = json!({"include_usage": true});
        }
        stage.then(hello((40, 3)));
        let mut events = stage.ask(Face::CompletionsStream, "triage").json(&body).send().await.events();
        assert!(events.iter().all(|(name, _)| name.is_empty()), "OpenAI's events have no names");
        assert_eq!(events.pop().unwrap().1, "[DONE]");
        let mut chunks: Vec<Value> = events.iter().map(|(_, data)| json_of(data)).collect();
        for chunk in &chunks {
            assert_eq!(chunk["object"], "chat.completion.chunk");
            assert_eq!((&chunk["model"], &chunk["id"]), (&json!("triage"), &chunks[0]["id"]));
        }
        let counts = chunks.iter().filter(|chunk| chunk["usage"].is_object()).count();
        assert_eq!(counts, usize::from(include_usage));
        if include_usage {
            let last = chunks.pop().unwrap();
            assert_eq!(last["choices"], json!([]));
            assert_eq!(last["usage"]["prompt_tokens"], 40);
            assert_eq!(last["usage"]["total_tokens"], 43);
        }
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        let text: String =
            chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, "Hello");
        assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
    }
}

#[tokio::test]
async fn the_provider_is_always_asked_for_a_count() {
    let stage = Stage::new().await;
    for face in [Face::Stream, Face::CompletionsStream] {
        stage.then(hello((40, 3)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        let asked = stage.asked_once();
        assert_eq!(
            (&asked["stream"], &asked["stream_options"]["include_usage"]),
            (&json!(true), &json!(true))
        );
    }
}

#[tokio::test]
async fn a_stream_that_breaks_tells_an_error_and_no_done() {
    for broken in [
        || cut([delta("Hel")]),
        || stream([delta("Hel")]),
        || stream([delta("Hel"), "data: {\n\n".into()]),
        || stream([delta("Hel"), frame(&json!({"error": {"message": "boom 10.1.2.3"}}))]),
    ] {
        let stage = Stage::new().await;
        stage.then(broken()).then(broken());
        let events = stage.ask(Face::Stream, "triage").send().await.events();
        let (name, data) = events.last().unwrap();
        assert_eq!((name.as_str(), events.len()), ("error", 2));
        let problem = json_of(data);
        assert_eq!((&problem["type"], &problem["status"]), (&json!("upstream_error"), &json!(502)));
        let reply = stage.ask(Face::CompletionsStream, "triage").send().await;
        let (_, data) = reply.events().pop().unwrap();
        assert_eq!(json_of(&data)["error"]["code"], "upstream_error");
        assert!(!reply.text().contains("[DONE]"));
        let books = stage.books("triage").await;
        for row in &books.ledger {
            assert_eq!(row.verdict(), ("interrupted", "missing", row.held));
        }
        assert_eq!((books.ledger.len(), books.held), (2, 0));
    }
}

/// The table of `docs/budgets.md`, for streams that have begun.
#[tokio::test]
async fn a_count_is_the_bill_only_if_it_came_with_the_end_of_every_choice() {
    let counted = |text: &str, finish: Option<&str>| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": finish});
        frame(&json!({"choices": [choice], "usage": usage((40, 3))}))
    };
    let other = |finish: Option<&str>| {
        frame(&json!({"choices": [{"index": 1, "delta": {"content": "Hi"}, "finish_reason": finish}]}))
    };
    let error = |usage: Value| frame(&json!({"error": {"message": "boom"}, "usage": usage}));
    let thought = || {
        let details = json!([{"type": "reasoning.encrypted", "data": "x"}]);
        frame(
            &json!({"choices": [{"index": 0, "delta": {"reasoning_details": details}, "finish_reason": null}]}),
        )
    };
    let begun = |index: u32| frame(&json!({"choices": [{"index": index, "delta": {"role": "assistant"}}]}));
    let count = || count((40, 3));
    // Pieces, whether they come to their end, and whether the count is the bill; else it is the hold.
    for (pieces, is_whole, is_bill) in [
        (vec![delta("Hello"), finish(), count()], false, true),
        (vec![delta("Hello"), finish(), count(), done()], true, true),
        (vec![counted("Hello", Some("stop"))], false, true),
        (vec![delta("Hello"), count(), done()], true, true),
        (vec![delta("Hel"), count()], false, false),
        (vec![counted("Hel", None), delta("lo"), finish()], false, false),
        (vec![counted("Hel", None), delta("lo"), finish(), done()], true, false),
        (vec![counted("Hel", None), delta("lo"), done()], true, false),
        (vec![delta("Hel"), finish(), count(), other(None)], false, false),
        (vec![delta("Hel"), finish(), count(), other(Some("stop")), done()], true, false),
        (vec![delta("Hel"), finish(), other(Some("stop")), count(), done()], true, true),
        (vec![counted("Hel", None), thought(), done()], true, false),
        (vec![delta("Hel"), finish(), count(), begun(1), done()], true, false),
        (vec![delta("Hel"), error(usage((40, 3)))], false, true),
        (vec![delta("Hel"), error(Value::Null)], false, false),
    ] {
        let stage = Stage::new().await;
        let told = format!("{pieces:?}");
        stage.then(if is_whole { stream(pieces) } else { cut(pieces) });
        assert_eq!(stage.ask(Face::Stream, "triage").send().await.status, 200, "{told}");
        let bill = stage.bill("triage").await;
        let (kind, cost) = if is_bill { ("reported", COST) } else { ("missing", bill.held) };
        assert_eq!(bill.verdict(), (if is_whole { "ok" } else { "interrupted" }, kind, cost), "{told}");
    }
}

#[tokio::test]
async fn of_several_choices_each_must_have_ended() {
    for (pieces, is_bill) in [
        (vec![delta("Hel"), finish(), count((40, 3))], false),
        (
            vec![
                delta("Hel"),
                finish(),
                frame(&json!({"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]})),
                count((40, 3)),
            ],
            true,
        ),
    ] {
        for is_cut in [true, false] {
            let stage = Stage::new().await;
            let pieces = pieces.clone();
            stage.then(if is_cut { cut(pieces) } else { stream(pieces.into_iter().chain([done()])) });
            let mut asked = Face::CompletionsStream.body("triage");
            asked["n"] = json!(2);
            stage.ask(Face::CompletionsStream, "triage").json(&asked).send().await;
            let bill = stage.bill("triage").await;
            let verdict = if is_bill { ("reported", COST) } else { ("missing", bill.held) };
            let status = if is_cut { "interrupted" } else { "ok" };
            assert_eq!(bill.verdict(), (status, verdict.0, verdict.1));
        }
    }
}

#[tokio::test]
async fn an_error_that_used_more_than_was_held_is_billed_it_all() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        let error = json!({"error": {"message": "boom"}, "usage": usage((40, 3_000))});
        stage.then(match face.streams() {
            true => stream([frame(&error)]),
            false => Turn::Replies(Script::ok(error.to_string())),
        });
        stage.ask(face, "triage").send().await.assert_refusal(502, "upstream_error");
        stage.api.world.settled().await;
        let calls = stage.api.get("/api/v1/agents/triage/calls").key(&stage.acme.member).send().await.ok();
        let row = &calls["data"][0];
        assert_eq!((&row["usage"], &row["cost_usd"]), (&json!("reported"), &json!("0.006040")), "{face:?}");
        let held: f64 = row["held_usd"].as_str().unwrap().parse().unwrap();
        assert!(held < 0.006, "it shows what was held: {row}");
    }
}

#[tokio::test]
async fn an_error_in_place_of_an_answer_is_billed_what_it_says_was_used() {
    let error = |usage: Value| json!({"error": {"message": "boom"}, "usage": usage});
    for face in Face::ALL {
        for (said, kind, cost) in [(usage((40, 3)), "reported", COST), (Value::Null, "reported", 0)] {
            let stage = Stage::new().await;
            let turn = match face.streams() {
                true => stream([frame(&error(said))]),
                false => Turn::Replies(Script::ok(error(said).to_string())),
            };
            stage.then(turn);
            stage.ask(face, "triage").send().await.assert_refusal(502, "upstream_error");
            assert_eq!(stage.bill("triage").await.verdict(), ("upstream_error", kind, cost), "{face:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_byte_is_charged_once() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.then(Turn::Hangs);
        stage.leave(face, "triage").await;
        let bill = stage.bill("triage").await;
        assert_eq!((bill.usage.as_str(), bill.cost), ("missing", bill.held), "{face:?}");
        // The platform goes on with a call whose client has left.
        assert_eq!(bill.status, if is_workerd() { "upstream_error" } else { "interrupted" });
        assert!(bill.held > 0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_mid_stream_is_charged_once() {
    native_only!("workerd reads the stream to its end, whoever has left (tests/live/budget.rs)");
    for face in [Face::Stream, Face::CompletionsStream] {
        for read in 0..3 {
            let stage = Stage::new().await;
            stage.then(hello((40, 3)));
            let mut body = stage.ask(face, "triage").open().await.into_body();
            for _ in 0..read {
                assert!(body.frame().await.unwrap().unwrap().is_data());
            }
            assert_eq!(stage.books("triage").await.ledger.len(), 0, "the call is open");
            assert!(stage.books("triage").await.held > 0);
            drop(body);
            let bill = stage.bill("triage").await;
            assert_eq!(bill.verdict(), ("interrupted", "missing", bill.held), "after {read} pieces");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_drained_is_settled_exactly_whoever_reads_it() {
    for face in [Face::Stream, Face::CompletionsStream] {
        let stage = Stage::new().await;
        stage.then(hello((40, 3)));
        let mut body = stage.ask(face, "triage").open().await.into_body();
        while let Some(frame) = body.frame().await {
            frame.unwrap();
        }
        // The end was read; that the body is only dropped now charges nothing more.
        drop(body);
        assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", COST));
    }
}

#[tokio::test]
async fn tool_calls_are_streamed_in_openais_manner() {
    let stage = Stage::new().await;
    let call = |function: Value| {
        let delta =
            json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]});
        frame(&json!({"choices": [{"index": 0, "delta": delta}]}))
    };
    let end = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stage.then(stream([
        call(json!({"name": "look", "arguments": ""})),
        call(json!({"arguments": "{\"at\":"})),
        call(json!({"arguments": "1}"})),
        end,
        count((40, 3)),
        done(),
    ]));
    let mut body = Face::CompletionsStream.body("triage");
    body["tools"] =
        json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    let events = stage.ask(Face::CompletionsStream, "triage").json(&body).send().await.events();
    let chunks: Vec<Value> =
        events.iter().filter(|(_, data)| data != "[DONE]").map(|(_, d)| json_of(d)).collect();
    let function = |chunk: &Value| chunk["choices"][0]["delta"]["tool_calls"][0]["function"].clone();
    assert_eq!(function(&chunks[0])["name"], "look");
    let arguments: String =
        chunks.iter().filter_map(|chunk| function(chunk)["arguments"].as_str().map(str::to_owned)).collect();
    assert_eq!(arguments, "{\"at\":1}");
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(stage.bill("triage").await.cost, COST);
}

#[tokio::test]
async fn what_the_model_says_cannot_break_out_of_its_event() {
    let stage = Stage::new().await;
    let text = "a\n\ndata: [DONE]\n\nevent: done\r\rdata: {}\u{2028}";
    for face in [Face::Stream, Face::CompletionsStream] {
        stage.then(stream([delta(text), finish(), count((40, 3)), done()]));
        let events = stage.ask(face, "triage").send().await.events();
        let first = json_of(&events[0].1);
        let told = if face.is_openai() { &first["choices"][0]["delta"]["content"] } else { &first["text"] };
        assert_eq!(told, text);
    }
}

#[tokio::test]
async fn a_server_that_answers_in_the_other_form_is_read_and_billed_by_its_count() {
    let whole = json!({
        "id": "c", "object": "chat.completion", "model": "big",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43},
    });
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.then(if face.streams() {
            Turn::Replies(Script::ok(whole.to_string()))
        } else {
            hello((40, 3))
        });
        let reply = stage.ask(face, "triage").send().await;
        assert_eq!(reply.status, 200, "{face:?}");
        assert!(reply.text().contains("lo"), "{face:?}");
        assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", COST), "{face:?}");
    }
}

/// What is wrong may come with the first words, in one piece with what would be a good end.
#[tokio::test]
async fn what_breaks_an_answer_does_so_in_whatever_piece_it_comes() {
    let call =
        |n: u32| json!({"index": n, "id": format!("c{n}"), "function": {"name": "look", "arguments": "{}"}});
    let calls: Vec<Value> = (0..1_025).map(call).collect();
    let chunk = |delta: Value, finish: Value| {
        frame(&json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
    };
    let ends = || [chunk(json!({}), "tool_calls".into()), count((40, 3)), done()].concat();
    for pieces in [
        vec![chunk(json!({"tool_calls": calls}), Value::Null), ends().into()],
        vec![[&chunk(json!({"tool_calls": calls}), Value::Null)[..], &ends()].concat().into()],
        vec![[&delta("Hel")[..], b"data: {\n\n", &ends()].concat().into()],
        vec![[&delta("Hel")[..], b"data: {\n\n"].concat().into(), ends().into()],
    ] {
        let stage = Stage::new().await;
        stage.then(stream(pieces.clone())).then(stream(pieces));
        let events = stage.ask(Face::Stream, "triage").send().await.events();
        let (name, data) = events.last().unwrap();
        assert_eq!((name.as_str(), &json_of(data)["type"]), ("error", &json!("upstream_error")), "{data}");
        let text = stage.ask(Face::CompletionsStream, "triage").send().await.text().to_owned();
        assert!(text.contains("upstream_error") && !text.contains("[DONE]"), "{}", text.len());
        for row in &stage.books("triage").await.ledger {
            assert_eq!(row.verdict().0, "interrupted");
        }
    }
}
