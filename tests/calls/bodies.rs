//! Bodies that are none, and bodies that ask for nonsense.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::answer;
use crate::stage::Stage;

const NATIVE: [Face; 2] = [Face::Chat, Face::Stream];
const OPENAI: [Face; 2] = [Face::Completions, Face::CompletionsStream];

#[tokio::test]
async fn what_is_no_json_is_400_in_every_shape() {
    let stage = Stage::new().await;
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"message\": \"Hi\"",
        b"{\"message\": \"Hi\"} trailing",
        b"\xff\xfe{}",
        b"{\"message\": \"\xff\xff\", \"model\": \"\xff\"}",
        b"{\"message\": NaN}",
        b"<html></html>",
        b"[[[[[[[[",
    ];
    for face in Face::ALL {
        for body in bodies {
            let reply = stage.ask(face, "triage").bytes(body).send().await;
            reply.assert_refusal(400, "invalid_request");
            assert!(!reply.words().is_empty());
        }
        for body in ["null", "[]", "\"Hi\"", "7", "true"] {
            let reply = stage.ask(face, "triage").bytes(body).send().await;
            assert_eq!(reply.status, 400, "{face:?} {body}: {}", reply.text());
        }
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn deeply_nested_bodies_are_refused_and_overflow_no_stack() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        for open in ["[", "{\"a\":"] {
            let body = format!("{{\"message\": {}", open.repeat(500_000));
            assert_eq!(stage.ask(face, "triage").bytes(body).send().await.status, 400);
        }
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_whole_number_that_would_lose_digits_is_refused_by_its_place() {
    let stage = Stage::new().await;
    let long = "123456789012345678901234567890";
    let function = format!(r#"{{"name":"t","parameters":{{"properties":{{"a":{{"maximum":{long}}}}}}}}}"#);
    for face in OPENAI {
        let mut body = face.body("triage");
        body["tools"] = json!([{"type": "function", "function": "here"}]);
        let body = body.to_string().replace("\"here\"", &function);
        let reply = stage.ask(face, "triage").bytes(body).send().await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        let place = "tools[0].function.parameters.properties.a.maximum";
        assert!(reply.words().contains(place), "{}", reply.text());
    }
    for face in NATIVE {
        let body = format!(
            r#"{{"message":"Hi","tools":[{{"type":"client","name":"t","parameters":{{"m":-{long}}}}}]}}"#
        );
        let reply = stage.ask(face, "triage").bytes(body).send().await;
        reply.assert_refusal(400, "validation_failed");
        assert!(reply.text().contains("tools[0].parameters.m"), "{}", reply.text());
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn fields_of_wrong_types_are_named() {
    let stage = Stage::new().await;
    for face in NATIVE {
        for (body, field) in [
            (json!({"message": 7}), "message"),
            (json!({"message": ""}), "message"),
            (json!({}), "message"),
            (json!({"messages": []}), "messages"),
            (json!({"messages": "Hi"}), "messages"),
            (json!({"message": "Hi", "messages": [{"role": "user", "content": "Hi"}]}), "messages"),
            (json!({"messages": [{"role": "robot", "content": "Hi"}]}), "messages[0].role"),
            (json!({"messages": [{"role": "user", "content": 7}]}), "messages[0].content"),
            (json!({"message": "Hi", "temprature": 1}), "temprature"),
        ] {
            let reply = stage.ask(face, "triage").json(&body).send().await;
            reply.assert_refusal(400, "validation_failed");
            let fields: Vec<Value> =
                reply.json()["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
            assert!(fields.contains(&json!(field)), "{body}: {fields:?}");
        }
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn absurd_numbers_are_refused_where_they_stand() {
    let stage = Stage::new().await;
    for face in OPENAI {
        for (param, value) in [
            ("temperature", json!(-1)),
            ("temperature", json!(1e300)),
            ("temperature", json!("hot")),
            ("top_p", json!(1.01)),
            ("max_tokens", json!(0)),
            ("max_tokens", json!(-5)),
            ("max_tokens", json!(u64::MAX)),
            ("max_tokens", json!(1.5)),
            ("max_completion_tokens", json!(i64::MAX)),
            ("n", json!(0)),
            ("n", json!(-1)),
            ("n", json!(1_000_000)),
            ("seed", json!(1e40)),
            ("stop", json!(7)),
            ("messages", json!("Hi")),
            ("messages", json!([])),
            ("model", json!(7)),
            ("model", json!("")),
            ("stream", json!("yes")),
            ("tools", json!({})),
        ] {
            let mut body = face.body("triage");
            body[param] = value;
            let reply = stage.ask(face, "triage").json(&body).send().await;
            assert_eq!(reply.status, 400, "{body}: {}", reply.text());
            assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
            let named = reply.json()["error"]["param"].as_str().unwrap_or_default().to_owned();
            assert!(named.starts_with(param), "{body}: {}", reply.text());
        }
        let huge = format!(
            "{{\"model\": \"triage\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hi\"}}], \
             \"temperature\": 1{}}}",
            "0".repeat(400)
        );
        assert_eq!(stage.ask(face, "triage").bytes(huge).send().await.status, 400);
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_body_over_four_mebibytes_is_413() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        let mut body = face.body("triage");
        let text = "x".repeat(4 * 1024 * 1024);
        if face.is_openai() {
            body["messages"][0]["content"] = json!(text);
        } else {
            body["message"] = json!(text);
        }
        let reply = stage.ask(face, "triage").json(&body).send().await;
        reply.assert_refusal(413, "payload_too_large");
        assert!(reply.words().contains("4 MiB"));
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_body_that_says_it_is_no_json_is_415() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        let reply = stage.ask(face, "triage").header("content-type", "text/plain").send().await;
        reply.assert_refusal(415, "unsupported_media_type");
        let reply = stage.ask(face, "triage").header("content-type", "application/json; charset=utf-8");
        stage.then(face.served((10, 5)));
        assert_eq!(reply.send().await.status, 200);
    }
}

#[tokio::test]
async fn one_who_may_not_call_is_told_so_whatever_the_body() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        let reply = stage.ask(face, "triage").anonymous().bytes("{nonsense").send().await;
        reply.assert_refusal(401, "unauthenticated");
        stage.ask(face, "nobody").bytes("{nonsense").send().await.assert_refusal(404, "not_found");
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_in_the_shape_of_its_face() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        let path = format!("/accounts/acme/agents/%ff%fe/{}", face.path());
        stage.ask(face, "triage").path(&path).send().await.assert_refusal(400, "invalid_request");
    }
    let models = stage.request(Method::GET, "/agents/%ff/v1/models").key(&stage.acme.caller);
    models.send().await.assert_refusal(400, "invalid_request");
}

#[tokio::test]
async fn a_wrong_method_is_405_and_says_which_there_are() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let path = format!("/accounts/acme/agents/triage/{}", face.path());
            let reply = stage.request(method, &path).key(&stage.acme.caller).send().await;
            reply.assert_refusal(405, "method_not_allowed");
            assert!(reply.header("allow").contains("POST"), "{reply:?}");
        }
    }
}

#[tokio::test]
async fn what_openais_clients_ask_for_in_vain_is_refused_in_their_shape() {
    let stage = Stage::new().await;
    for agent in ["/agents/triage", "/accounts/acme/agents/triage"] {
        for path in ["v1/images", "v1/models/triage/x", "v1/", "v1"] {
            let ask = stage.request(Method::POST, &format!("{agent}/{path}")).key(&stage.acme.caller);
            let reply = ask.open().await;
            assert_eq!(
                (reply.status(), &reply.headers()["content-type"]),
                (404.try_into().unwrap(), &"application/json".parse().unwrap()),
                "{path}"
            );
        }
        let ours = stage.request(Method::POST, &format!("{agent}/v2")).key(&stage.acme.caller).send().await;
        ours.assert_refusal(404, "not_found");
    }
    let ours = stage.request(Method::PATCH, "/api/v1/providers").open().await;
    assert_eq!(ours.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn odd_text_reaches_the_provider_and_comes_back_as_it_was() {
    let stage = Stage::new().await;
    let odd = "\u{0}\u{1}\u{7f}\u{fffd}\u{202e}👩‍👩‍👧 \"\\ \r\n data: [DONE]\n\n</script>";
    stage.then(answer(odd, Some((10, 5))));
    let reply = stage.ask(Face::Chat, "triage").json(&json!({"message": odd})).send().await.ok();
    assert_eq!(reply["message"], odd);
    let asked = stage.asked_once();
    let content = &asked["messages"][1]["content"];
    assert!(content == odd || content[0]["text"] == odd, "{asked}");
}
