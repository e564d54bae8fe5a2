use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::domain::account::{Plan, Status};
use crate::domain::ids::AccountId;
use crate::domain::slug::Slug;

const NOW: Millis = Millis(1_795_305_599_999);

fn account(variables: Json) -> Account {
    Account {
        id: AccountId::new(NOW, [1; 10]),
        slug: Slug::parse("acme").unwrap(),
        name: "Acme Ltd".into(),
        plan: Plan::Standard,
        status: Status::Active,
        variables: serde_json::from_value(variables).unwrap(),
        settings: serde_json::Map::new(),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn prompt(instructions: &str, declared: Json, accounts: Json) -> Prompt {
    let definition = serde_json::from_value(json!({
        "name": "Triage", "instructions": instructions, "model": "a:b", "config": {"variables": declared}
    }));
    Prompt::new(&definition.unwrap(), &account(accounts))
}

fn values(passed: Json) -> BTreeMap<String, String> {
    serde_json::from_value(passed).unwrap()
}

fn fill(prompt: &Prompt, passed: Json) -> Result<String, Vec<FieldError>> {
    let passed = Passed { field: "variables", values: &values(passed), is_only_variables: true };
    prompt.fill(&passed, NOW, None)
}

fn faults(result: Result<String, Vec<FieldError>>) -> Vec<(String, String)> {
    result.unwrap_err().into_iter().map(|error| (error.field, error.message)).collect()
}

#[test]
fn the_call_comes_first_then_the_agent_then_the_account_then_what_is_built_in() {
    let text = "{{ today }}|{{agent_name}}|{{account_name}}|{{tone}}";
    let built_in = prompt(text, json!({}), json!({"tone": "dry"}));
    assert_eq!(fill(&built_in, json!({})).unwrap(), "2026-11-21|Triage|Acme Ltd|dry");
    let account = json!({"tone": "dry", "today": "soon", "agent_name": "Bob", "account_name": "We"});
    assert_eq!(fill(&prompt(text, json!({}), account.clone()), json!({})).unwrap(), "soon|Bob|We|dry");
    let agent = prompt(text, json!({"tone": "warm", "today": "never"}), account);
    assert_eq!(fill(&agent, json!({})).unwrap(), "never|Bob|We|warm");
    assert_eq!(fill(&agent, json!({"tone": "", "today": "1"})).unwrap(), "1|Bob|We|");
}

#[test]
fn a_call_must_pass_what_is_declared_without_a_default_and_named() {
    let agent =
        prompt("Help {{who}} and {{who}}.", json!({"who": null, "unnamed": null}), json!({"who": "all"}));
    let required = ("variables.who".to_owned(), "is required by the agent's instructions".to_owned());
    assert_eq!(faults(fill(&agent, json!({}))), [required]);
    assert_eq!(fill(&agent, json!({"who": "Ann"})).unwrap(), "Help Ann and Ann.");
}

#[test]
fn a_call_may_set_only_what_the_agent_declares() {
    let agent = prompt("{{tone}} {{company}}", json!({"tone": "dry"}), json!({"company": "Acme"}));
    for (name, message) in [
        ("company", "is no variable of this agent; there are tone"),
        ("today", "is no variable of this agent; there are tone"),
        ("tonne", "is no variable of this agent; did you mean `tone`?"),
    ] {
        assert_eq!(faults(fill(&agent, json!({name: "x"}))), [(format!("variables.{name}"), message.into())]);
    }
    let bare = prompt("Hi", json!({}), json!({}));
    let [(_, message)] = <[_; 1]>::try_from(faults(fill(&bare, json!({"x": ""})))).unwrap();
    assert!(message.ends_with("declares none in config.variables"));
    let many: BTreeMap<String, String> =
        (0..10_000).map(|n| (format!("{n}").repeat(99), String::new())).collect();
    let told = faults(fill(&bare, json!(many)));
    assert_eq!(told.len(), MAX_TOLD);
    assert!(told.iter().all(|(field, message)| field.len() < 80 && message.len() < 100));
}

#[test]
fn other_pairs_of_a_field_that_is_not_for_variables_alone_are_nobodys_business() {
    let agent = prompt("{{tone}} {{company}}", json!({"tone": null}), json!({"company": "Acme"}));
    let filled = |passed: Json| {
        let passed = Passed { field: "metadata", values: &values(passed), is_only_variables: false };
        agent.fill(&passed, NOW, None)
    };
    assert_eq!(filled(json!({"tone": "dry", "company": "Evil", "trace": "7"})).unwrap(), "dry Acme");
    assert_eq!(faults(filled(json!({"trace": "7"})))[0].0, "metadata.tone");
}

#[test]
fn a_value_is_text_and_no_more() {
    let agent = prompt("{{a}}{{b}}{{", json!({"a": "{{b}}", "b": "{{c"}), json!({"c": "secret"}));
    assert_eq!(fill(&agent, json!({})).unwrap(), "{{b}}{{c{{");
    assert_eq!(fill(&agent, json!({"a": "{{", "b": "c}}"})).unwrap(), "{{c}}{{");
    assert_eq!(fill(&agent, json!({"a": "{{c}}", "b": ""})).unwrap(), "{{c}}{{");
}

#[test]
fn a_name_that_nobody_knows_any_more_is_left_as_it_is_written() {
    let agent = prompt("Dear {{ gone }}, {{tone}}", json!({"tone": "hi"}), json!({}));
    assert_eq!(fill(&agent, json!({})).unwrap(), "Dear {{ gone }}, hi");
}

#[test]
fn what_ends_the_instructions_stands_after_a_blank_line_and_is_not_filled() {
    let agent = prompt("Hi {{tone}}.", json!({"tone": "there"}), json!({}));
    let passed = Passed { field: "variables", values: &BTreeMap::new(), is_only_variables: true };
    let filled = |end| agent.fill(&passed, NOW, end).unwrap();
    assert_eq!(filled(Some("In {{tone}}.")), "Hi there.\n\nIn {{tone}}.");
    assert_eq!((filled(Some("")), filled(None)), ("Hi there.".into(), "Hi there.".into()));
}

#[test]
fn neither_a_value_nor_the_whole_may_be_endless() {
    let agent = prompt(&"{{x}}".repeat(200), json!({"x": null}), json!({}));
    assert_eq!(fill(&agent, json!({"x": "日".repeat(1_000)})).unwrap().len(), 600_000);
    let long = faults(fill(&agent, json!({"x": "日".repeat(MAX_VARIABLE + 1)})));
    assert_eq!(long[0], ("variables.x".into(), "must have 0 to 10000 characters, has 10001".into()));
    let whole = faults(fill(&agent, json!({"x": "x".repeat(10_000)})));
    let what = "the agent's instructions, filled in, have 2000000 bytes; at most 1048576";
    assert_eq!(whole, [("variables".to_owned(), what.to_owned())]);
}

proptest! {
    #[test]
    fn instructions_without_variables_are_as_they_were_written(text in "[a-z{} 日]{0,40}") {
        let agent = prompt(&text, json!({}), json!({}));
        prop_assert_eq!(fill(&agent, json!({})).unwrap(), text);
    }

    #[test]
    fn filling_is_replacing_each_name_once(parts in prop::collection::vec("[a-z}{ ]{0,6}|\\{\\{a\\}\\}|\\{\\{b\\}\\}", 0..8)) {
        let text = parts.concat();
        let agent = prompt(&text, json!({"a": null, "b": "B"}), json!({}));
        let expected: String = instructions::pieces(&text).map(|piece| match piece {
            Piece::Variable { name: "a", .. } => "{{b}}".to_owned(),
            Piece::Variable { name: "b", .. } => "B".to_owned(),
            Piece::Text(text) | Piece::Variable { written: text, .. } => text.to_owned(),
        }).collect();
        prop_assert_eq!(fill(&agent, json!({"a": "{{b}}"})).unwrap(), expected);
    }
}
