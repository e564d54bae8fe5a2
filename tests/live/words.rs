//! What the model is told first holds from the very next call: after a rollback, a new profile, other variables.

use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Model, Price, Script};
use crate::epoch::under_traffic;
use crate::harness::live;

const ROUNDS: u64 = 12;

/// The system messages of the call that asked this.
fn told(model: &Model, question: &str) -> String {
    let seen = model.seen();
    let ours = seen.iter().find(|seen| seen.body["messages"].to_string().contains(question));
    ours.unwrap_or_else(|| panic!("the provider saw no {question}")).system()
}

#[test]
fn a_rollback_holds_from_the_next_call_under_traffic() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let mut agent = account.agent(&format!("emu:{}", model.code)).create().await;
        agent.change("instructions", json!("The second.")).await;
        under_traffic(&agent, async || {
            for round in 0..ROUNDS {
                let back_to = 1 + round % 2;
                account.post(&agent.api("/rollback"), &json!({"version": back_to})).await.expect(200);
                let question = format!("question {round} of the rollback");
                agent.chat(&question).await.expect(200);
                let text = told(&model, &question);
                assert_eq!(text.contains("The second."), back_to == 2, "round {round}: {text}");
            }
        })
        .await;
    });
}

#[test]
fn a_profile_holds_from_the_members_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let person = json!({"name": "Ann", "email": "ann@example.com", "role": "member"});
        let member = account.post("/api/v1/members", &person).await.expect(201).json();
        let key = account.key(&json!({"name": "Ann's", "role": "member", "member": member["id"]})).await;
        under_traffic(&agent, async || {
            for round in 0..ROUNDS {
                let rule = format!("Ann's rule of round {round}.");
                let profile = json!({"settings": {"agent_prompts": {(agent.slug.as_str()): rule}}});
                let put = account.anonymous(Method::PUT, "/api/v1/profile").key(&key.secret);
                put.json(&profile).send().await.expect(200);
                let question = format!("question {round} of Ann");
                let call = account.anonymous(Method::POST, &agent.path("/chat")).key(&key.secret);
                call.json(&json!({"message": question})).send().await.expect(200);
                let text = told(&model, &question);
                assert!(text.ends_with(&format!("Answer briefly.\n\n{rule}")), "round {round}: {text}");
                let question = format!("question {round} of another");
                agent.chat(&question).await.expect(200);
                assert_eq!(told(&model, &question), "Answer briefly.", "round {round}");
            }
        })
        .await;
    });
}

#[test]
fn variables_of_the_call_and_of_the_account_fill_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let set = async |motto: &str| {
            let variables = json!({"variables": {"motto": motto}});
            account.call(Method::PATCH, "/api/v1/account").json(&variables).send().await.expect(200);
        };
        set("At first.").await;
        let model = account.model(Price::default(), Script::default()).await;
        let draft = account
            .agent(&format!("emu:{}", model.code))
            .with("instructions", json!("Greet {{customer}}. {{motto}}"))
            .with("config", json!({"variables": {"customer": null}}));
        let agent = draft.create().await;
        let missing: Value = agent.chat("hello").await.expect(400).json();
        assert_eq!(missing["errors"][0]["field"], "variables.customer");
        under_traffic(&agent, async || {
            for round in 0..ROUNDS {
                let motto = format!("Motto {round}.");
                set(&motto).await;
                let question = format!("question {round} of a customer");
                let body = json!({"message": question, "variables": {"customer": format!("Bob {round}")}});
                agent.call("/chat", &body).send().await.expect(200);
                assert_eq!(told(&model, &question), format!("Greet Bob {round}. {motto}"));
            }
        })
        .await;
    });
}
