//! Instructions are filled for each call: from what it brings, what the agent and the account say, and what is built in.

use serde_json::{Value, json};

use crate::ask::{Ask, Face};
use crate::stage::{BIG, Stage};

const INSTRUCTIONS: &str =
    "You are {{agent_name}} of {{account_name}}. Today is {{today}}. Be {{tone}} to {{customer}}. {{motto}}";

/// A stage with an agent that needs a customer's name, in a warm isolate.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.write(r#"UPDATE accounts SET name = 'Acme Ltd', variables = '{"motto": "We care.", "tone": "odd"}' WHERE id = ?1"#);
    let config = json!({"variables": {"tone": "friendly", "customer": null}});
    stage.agent("greeter", &json!({"name": "Greta", "instructions": INSTRUCTIONS, "config": config})).await;
    stage
}

impl Ask<'_> {
    /// A call of this face that brings these.
    fn bringing(self, face: Face, variables: &Value) -> Self {
        let mut body = face.body("greeter");
        body[field(face)] = variables.clone();
        self.json(&body)
    }
}

const fn field(face: Face) -> &'static str {
    if face.is_openai() { "metadata" } else { "variables" }
}

fn fields(reply: &Value) -> Vec<&str> {
    if let Some(param) = reply["error"]["param"].as_str() {
        return vec![param];
    }
    reply["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_face_fills_the_instructions() {
    let stage = stage().await;
    for face in Face::ALL {
        for (brought, told) in [
            (json!({"customer": "Ann"}), "Be friendly to Ann."),
            (json!({"customer": "{{motto}}", "tone": "frank"}), "Be frank to {{motto}}."),
        ] {
            stage.then(face.served((10, 5)));
            let reply = stage.ask(face, "greeter").bringing(face, &brought).send().await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let expected = format!("You are Greta of Acme Ltd. Today is 2026-11-21. {told} We care.");
            assert_eq!(stage.asked_once()["messages"][0], json!({"role": "system", "content": expected}));
        }
    }
}

#[tokio::test]
async fn today_is_the_day_of_the_call() {
    let stage = stage().await;
    for day in ["2026-11-21", "2026-11-22"] {
        stage.then(Face::Chat.served((10, 5)));
        stage.ask(Face::Chat, "greeter").bringing(Face::Chat, &json!({"customer": "Ann"})).send().await.ok();
        let told = stage.asked_once()["messages"][0]["content"].clone();
        assert!(told.as_str().unwrap().contains(&format!("Today is {day}.")), "{told}");
        stage.api.world.clock().advance(12 * 60 * 60 * 1000);
    }
}

#[tokio::test]
async fn what_the_call_must_bring_is_asked_for_by_name() {
    let stage = stage().await;
    for face in Face::ALL {
        let reply = stage.ask(face, "greeter").send().await;
        reply.assert_refusal(400, "validation_failed");
        assert!(reply.words().contains("is required by the agent's instructions"), "{}", reply.words());
        assert_eq!(fields(&reply.json()), [format!("{}.customer", field(face))]);
    }
    stage.assert_untouched("greeter").await;
}

#[tokio::test]
async fn where_the_protocol_has_no_list_of_faults_the_message_names_them_up_to_a_number() {
    let stage = stage().await;
    let many: Vec<String> = (0..40).map(|number| format!("v{number}")).collect();
    let declared: Value = many.iter().map(|name| (name.clone(), Value::Null)).collect();
    let instructions: String = many.iter().map(|name| format!("{{{{{name}}}}} ")).collect();
    let agent = json!({"instructions": instructions, "config": {"variables": declared}});
    stage.agent("many", &agent).await;
    for face in [Face::Completions, Face::CompletionsStream] {
        let reply = stage.ask(face, "many").send().await;
        let words = reply.words();
        for said in ["40 fields do not fit: ", "metadata.v0: ", "metadata.v1: ", "; and 32 more"] {
            assert!(words.contains(said), "{said}: {words}");
        }
        assert!(words.len() < 4_000, "{words}");
    }
}

#[tokio::test]
async fn only_what_the_agent_declares_can_be_brought() {
    let stage = stage().await;
    for face in [Face::Chat, Face::Stream] {
        let brought = json!({"customer": "Ann", "custommer": "Bob", "motto": "We do not.", "today": "x"});
        let reply = stage.ask(face, "greeter").bringing(face, &brought).send().await;
        reply.assert_refusal(400, "validation_failed");
        assert_eq!(fields(&reply.json()), ["variables.custommer", "variables.motto", "variables.today"]);
        assert!(reply.text().contains("did you mean `customer`?"), "{}", reply.text());
        let long = json!({"customer": "x".repeat(10_001)});
        let reply = stage.ask(face, "greeter").bringing(face, &long).send().await;
        assert_eq!(fields(&reply.json()), ["variables.customer"]);
        let reply = stage.ask(face, "greeter").bringing(face, &json!({"customer": 7})).send().await;
        assert_eq!(fields(&reply.json()), ["variables.customer"]);
    }
    stage.assert_untouched("greeter").await;
    for face in [Face::Completions, Face::CompletionsStream] {
        let brought = json!({"customer": "Ann", "motto": "We do not.", "trace": "7"});
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "greeter").bringing(face, &brought).send().await.status, 200);
        let told = stage.asked_once()["messages"][0]["content"].clone();
        assert!(told.as_str().unwrap().ends_with("to Ann. We care."), "{told}");
    }
}

#[tokio::test]
async fn the_hold_covers_the_text_that_is_sent() {
    let stage = stage().await;
    for customer in ["A".to_owned(), "A".repeat(501)] {
        stage.then(Face::Chat.served((10, 5)));
        let brought = json!({"customer": customer});
        stage.ask(Face::Chat, "greeter").bringing(Face::Chat, &brought).send().await.ok();
    }
    assert_eq!(stage.books("greeter").await.spread(), 500 * BIG.0);
}

#[tokio::test]
async fn the_accounts_words_hold_from_the_next_call_also_for_the_hold() {
    for face in Face::ALL {
        let stage = stage().await;
        let call = || stage.ask(face, "greeter").bringing(face, &json!({"customer": "Ann"}));
        for motto in ["We care.", "We care no more."] {
            stage.write(&format!(
                "UPDATE accounts SET variables = json_set(variables, '$.motto', '{motto}') WHERE id = ?1"
            ));
            stage.then(face.served((10, 5)));
            assert_eq!(call().send().await.status, 200);
            let told = stage.asked_once()["messages"][0]["content"].clone();
            assert!(told.as_str().unwrap().ends_with(&format!("Ann. {motto}")), "{told}");
        }
        assert_eq!(stage.books("greeter").await.spread(), " no more".len() as u64 * BIG.0, "{face:?}");
        stage.write("UPDATE accounts SET variables = '{}' WHERE id = ?1");
        stage.then(face.served((10, 5)));
        assert_eq!(call().send().await.status, 200);
        let told = stage.asked_once()["messages"][0]["content"].clone();
        assert!(told.as_str().unwrap().ends_with("to Ann. {{motto}}"), "as it is written: {told}");
    }
}

#[tokio::test]
async fn a_default_that_is_added_mends_the_very_next_call() {
    let stage = stage().await;
    stage.ask(Face::Chat, "greeter").send().await.assert_refusal(400, "validation_failed");
    stage.write(
        "UPDATE agents SET definition = json_set(definition, '$.config.variables.customer', 'you')
         WHERE account_id = ?1 AND slug = 'greeter'",
    );
    stage.then(Face::Chat.served((10, 5)));
    stage.ask(Face::Chat, "greeter").send().await.ok();
    assert!(stage.asked_once()["messages"][0]["content"].as_str().unwrap().contains("friendly to you."));
}
