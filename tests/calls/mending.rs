//! What was mended holds from the very next call, too: an isolate that remembers why it refused asks whether that
//! still stands.

use axum::http::Method;
use serde_json::json;

use crate::ask::Face;
use crate::stage::Stage;

const PAGE: &str = "https://shop.example";

#[tokio::test]
async fn a_price_that_was_set_opens_an_agent_that_had_none() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.agent("dark", &json!({"model": "own:unpriced"})).await;
        for _ in 0..2 {
            stage.ask(face, "dark").send().await.assert_refusal(422, "unpriced_model");
        }
        stage.model("own/unpriced", &json!({})).await;
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "dark").send().await.status, 200, "{face:?}");
    }
}

#[tokio::test]
async fn a_model_that_learned_what_it_lacked_is_asked() {
    for face in [Face::Stream, Face::CompletionsStream] {
        let stage = Stage::new().await;
        stage.model("own/plain", &json!({"capabilities": []})).await;
        stage.agent("plain", &json!({"model": "own:plain"})).await;
        stage.ask(face, "plain").send().await.assert_refusal(422, "unsupported_capability");
        stage.model("own/plain", &json!({"capabilities": ["streaming"]})).await;
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "plain").send().await.status, 200);
    }
}

#[tokio::test]
async fn a_model_that_joined_the_line_is_found() {
    for face in [Face::Completions, Face::CompletionsStream] {
        let stage = Stage::new().await;
        let mut body = face.body("triage");
        body["model"] = json!("small");
        stage.ask(face, "triage").json(&body).send().await.assert_refusal(404, "model_not_found");
        stage.change("triage", &json!({"model": "own:big, other:small"})).await;
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").json(&body).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_door_that_was_opened_is_open() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.then(face.served((10, 5))).then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        stage.ask(face, "triage").anonymous().send().await.assert_refusal(401, "unauthenticated");
        stage.change("triage", &json!({"access": "public"})).await;
        stage.api.world.clock().advance(1_000);
        assert_eq!(stage.ask(face, "triage").anonymous().send().await.status, 200, "{face:?}");
    }
}

#[tokio::test]
async fn an_origin_that_was_let_in_is_in() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.agent("shop", &json!({"allowed_origins": ["https://other.example.com"]})).await;
        let ask = || stage.ask(face, "shop").header("origin", PAGE);
        ask().send().await.assert_refusal(403, "origin_not_allowed");
        stage.change("shop", &json!({"allowed_origins": [PAGE]})).await;
        stage.then(face.served((10, 5)));
        let reply = ask().send().await;
        assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (200, PAGE));
        stage.change("shop", &json!({"allowed_origins": []})).await;
        ask().send().await.assert_refusal(403, "origin_not_allowed");
    }
}

#[tokio::test]
async fn the_first_page_that_was_let_in_can_read_its_answer() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.then(face.served((10, 5))).then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        stage.change("triage", &json!({"allowed_origins": [PAGE]})).await;
        let reply = stage.ask(face, "triage").header("origin", PAGE).send().await;
        assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (200, PAGE));
    }
}

#[tokio::test]
async fn the_list_of_models_is_as_fresh_as_a_call() {
    let stage = Stage::new().await;
    let key = stage.api.issue("acme", &json!({"name": "brief", "role": "caller"})).await;
    let list = || stage.request(Method::GET, "/agents/triage/v1/models").key(&key).send();
    assert_eq!(list().await.ok()["data"].as_array().unwrap().len(), 2);
    stage.change("triage", &json!({"model": "own:big, other:small"})).await;
    assert_eq!(list().await.ok()["data"].as_array().unwrap().len(), 3);
    let keys = stage.api.get("/api/v1/accounts/acme/keys").key(&stage.acme.admin).send().await.ok();
    let row = keys["data"].as_array().unwrap().iter().find(|row| row["name"] == "brief").unwrap().clone();
    let path = format!("/api/v1/accounts/acme/keys/{}", row["id"].as_str().unwrap());
    stage.api.delete(&path).key(&stage.acme.admin).send().await.no_content();
    list().await.assert_refusal(401, "unauthenticated");
}

#[tokio::test]
async fn a_refusal_that_cannot_be_checked_is_503() {
    let stage = Stage::new().await;
    stage.agent("dark", &json!({"model": "own:unpriced"})).await;
    stage.ask(Face::Chat, "dark").send().await.assert_refusal(422, "unpriced_model");
    stage.api.world.faults().plan("epoch", 1, crate::support::When::Before);
    stage.ask(Face::Chat, "dark").send().await.assert_refusal(503, "unavailable");
}
