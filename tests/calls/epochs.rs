//! What changes holds from the very next call, in isolates that have everything in memory; and what a call asks of
//! whom.

use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::answer;
use crate::stage::Stage;

/// A stage whose isolate has just served a call.
async fn warm() -> Stage {
    let stage = Stage::new().await;
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
    }
    stage.api.world.settled().await;
    stage.take_asked();
    stage.api.world.faults().take_done();
    stage
}

#[tokio::test]
async fn a_warm_call_reads_no_directory_and_asks_the_object_once_before_the_provider() {
    for face in Face::ALL {
        let stage = warm().await;
        stage.then(face.served((10, 5)));
        let response = stage.ask(face, "triage").open().await;
        assert_eq!(response.status(), 200);
        assert_eq!(stage.api.world.faults().take_done(), ["admit"], "{face:?}");
        http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        stage.api.world.settled().await;
        assert_eq!(stage.api.world.faults().take_done(), ["settle"], "{face:?}");
    }
}

#[tokio::test]
async fn a_warm_refusal_reads_no_directory_either() {
    let stage = warm().await;
    let mut body = Face::Completions.body("triage");
    body["model"] = json!("no-such-model");
    stage.ask(Face::Completions, "triage").json(&body).send().await.assert_refusal(404, "model_not_found");
    assert_eq!(stage.api.world.faults().take_done(), ["epoch"], "whether that still stands");
    stage.ask(Face::Chat, "triage").bytes("{").send().await.assert_refusal(400, "invalid_request");
    assert!(stage.api.world.faults().take_done().is_empty());
}

#[tokio::test]
async fn a_mistyped_key_never_reaches_the_directory() {
    let stage = warm().await;
    let key = stage.acme.caller.replace("retinue_", "retinue_x");
    stage.ask(Face::Chat, "triage").key(&key).send().await.assert_refusal(401, "unauthenticated");
    assert_eq!(stage.api.world.faults().take_done(), ["epoch"], "whether the agent still wants a key");
}

#[tokio::test]
async fn strangers_reach_the_accounts_object_once_a_second() {
    let stage = warm().await;
    for _ in 0..2 {
        for n in 0..20 {
            let ask = stage.ask(Face::Chat, "triage");
            let ask = if n % 2 == 0 { ask.anonymous() } else { ask.key("sk-some-other-service") };
            ask.send().await.assert_refusal(401, "unauthenticated");
        }
        assert_eq!(stage.api.world.faults().take_done(), ["epoch"]);
        stage.api.world.clock().advance(1_000);
    }
}

#[tokio::test]
async fn a_cold_call_reads_the_directory_a_bounded_number_of_times() {
    let stage = warm().await.elsewhere();
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "triage").send().await.ok();
    stage.api.world.settled().await;
    let done = stage.api.world.faults().take_done();
    let reads = done.iter().filter(|name| !["epoch", "admit", "settle"].contains(&name.as_str())).count();
    assert!(reads <= 10, "{done:?}");
    let first = done.iter().position(|name| name == "epoch").unwrap();
    let agent = done.iter().position(|name| name.to_lowercase().contains("agent")).unwrap();
    assert!(first < agent, "the number is asked before the rows that stand under it are read: {done:?}");
}

#[tokio::test]
async fn changed_instructions_hold_from_the_next_call() {
    for face in Face::ALL {
        let stage = warm().await;
        stage.change("triage", &json!({"instructions": "Answer in verse."})).await;
        stage.then(face.served((10, 5)));
        let reply = stage.ask(face, "triage").send().await;
        assert_eq!(reply.header("x-agent-version"), "2");
        assert_eq!(stage.asked_once()["messages"][0]["content"], "Answer in verse.");
        let books = stage.books("triage").await;
        assert_eq!(books.ledger.iter().filter(|row| row.json["version"] == 2).count(), 1);
    }
}

#[tokio::test]
async fn a_changed_model_line_holds_from_the_next_call() {
    for face in Face::ALL {
        let stage = warm().await;
        stage.change("triage", &json!({"model": "other:small"})).await;
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        assert_eq!(stage.asked_once()["model"], "small");
    }
}

#[tokio::test]
async fn a_lowered_budget_holds_from_the_next_call_and_so_does_a_raised_one() {
    for face in Face::ALL {
        let stage = warm().await;
        stage.set_budget("triage", &json!({"limit_usd": "0.0001", "period": "total"})).await;
        stage.ask(face, "triage").send().await.assert_refusal(402, "budget_exceeded");
        assert!(stage.take_asked().is_empty());
        stage.set_budget("triage", &json!({"limit_usd": "1", "period": "total"})).await;
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
    }
}

#[tokio::test]
async fn a_revoked_key_fails_from_the_next_call() {
    for face in Face::ALL {
        let stage = warm().await;
        let key = stage.api.issue("acme", &json!({"name": "brief", "role": "caller"})).await;
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").key(&key).send().await.status, 200);
        let path = "/api/v1/accounts/acme/keys";
        let keys = stage.api.get(path).key(&stage.acme.admin).send().await.ok();
        let row = keys["data"].as_array().unwrap().iter().find(|row| row["name"] == "brief").unwrap().clone();
        let path = format!("{path}/{}", row["id"].as_str().unwrap());
        stage.api.delete(&path).key(&stage.acme.admin).send().await.no_content();
        stage.take_asked();
        stage.ask(face, "triage").key(&key).send().await.assert_refusal(401, "unauthenticated");
        assert!(stage.take_asked().is_empty(), "no provider is asked for it");
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200, "other keys still call");
    }
}

#[tokio::test]
async fn a_closed_door_holds_from_the_next_call() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.agent("open", &json!({"access": "public"})).await;
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "open").anonymous().send().await.status, 200);
        stage.take_asked();
        stage.change("open", &json!({"access": "key"})).await;
        stage.ask(face, "open").anonymous().send().await.assert_refusal(401, "unauthenticated");
        assert!(stage.take_asked().is_empty());
    }
}

#[tokio::test]
async fn a_new_provider_key_a_new_address_and_a_new_price_hold_from_the_next_call() {
    let stage = warm().await;
    stage.provider("own", "https://new.example.com/v2", Some("sk-a-newer-key")).await;
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "triage").send().await.ok();
    let asked = stage.take_asked().remove(0);
    assert_eq!(asked.to, "https://new.example.com/v2/chat/completions");
    assert!(asked.headers.contains(&("authorization", "Bearer sk-a-newer-key".to_owned())));
    stage.model("own/big", &json!({"input_usd_per_mtok": "3", "output_usd_per_mtok": "4"})).await;
    stage.then(answer("Hello", Some((10, 5))));
    let reply = stage.ask(Face::Chat, "triage").send().await.ok();
    assert_eq!(reply["cost_usd"], "0.000050");
}

#[tokio::test]
async fn a_moved_slug_is_followed_and_the_old_one_is_gone() {
    let stage = warm().await;
    stage.change("triage", &json!({"slug": "sorting"})).await;
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(404, "not_found");
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "sorting").send().await.ok();
}

#[tokio::test]
async fn a_change_between_reading_and_admission_is_seen() {
    let stage = warm().await.elsewhere();
    let database = stage.api.world.database().clone();
    let (objects, account) = (stage.api.world.objects().clone(), stage.acme.id);
    let mut is_first = true;
    stage.api.world.faults().meddle("admit", move || {
        if std::mem::take(&mut is_first) {
            let sql =
                "UPDATE agents SET definition = replace(definition, 'Sort the mail.', 'Burn the mail.')";
            database.with(|db| db.execute(sql, []).unwrap());
            objects.advance(account);
        }
    });
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "triage").send().await.ok();
    assert_eq!(stage.asked_once()["messages"][0]["content"], "Burn the mail.");
}

#[tokio::test]
async fn an_account_that_never_stops_changing_is_503_rather_than_stale() {
    let stage = warm().await;
    let (objects, account) = (stage.api.world.objects().clone(), stage.acme.id);
    stage.api.world.faults().meddle("admit", move || objects.advance(account));
    for face in Face::ALL {
        stage.ask(face, "triage").send().await.assert_refusal(503, "unavailable");
    }
    assert!(stage.take_asked().is_empty());
    assert!(stage.log().contains("changes faster"));
    assert_eq!(stage.books("triage").await.held, 0);
}

#[tokio::test]
async fn one_accounts_change_costs_another_nothing() {
    let stage = warm().await;
    let globex = stage.api.tenant("globex").await;
    stage.api.agent(&globex, &json!({"slug": "theirs"})).await;
    stage.api.world.faults().take_done();
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "triage").send().await.ok();
    stage.api.world.settled().await;
    assert_eq!(stage.api.world.faults().take_done(), ["admit", "settle"]);
}

#[tokio::test]
async fn the_ledger_tells_every_call_apart() {
    let stage = warm().await;
    let books = stage.books("triage").await;
    let mut ids: Vec<&Value> = books.ledger.iter().map(|row| &row.json["id"]).collect();
    assert_eq!(ids.len(), 4);
    ids.dedup();
    assert_eq!(ids.len(), 4);
}
