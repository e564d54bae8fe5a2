use serde_json::json;

use super::*;

fn parse(profile: Value) -> Result<Profile, Vec<String>> {
    let Value::Object(profile) = profile else { panic!("{profile}") };
    Profile::parse(profile).map_err(|errors| errors.into_iter().map(|error| error.field).collect())
}

#[test]
fn an_address_is_plausible_or_it_is_not() {
    for text in
        ["Ada@Example.com", "a.b+c@x-y.co.uk", "jürgen@bücher.de", &format!("{}@e.com", "x".repeat(64))]
    {
        assert_eq!(Email::parse(text).unwrap().as_str(), text.to_lowercase());
    }
    for text in [
        "",
        "ada",
        "@e.com",
        "ada@",
        "ada@localhost",
        "ada@e..com",
        "ada@.com",
        "a da@e.com",
        "a@b@e.com",
        ".a@e.com",
        "a.@e.com",
        "a..b@e.com",
        "ada@-e.com",
        "ada@e-.com",
        "ada@e.com\n",
        "ada@e.com.",
        "<a@e.com>",
        &format!("{}@e.com", "x".repeat(65)),
        &format!("a@{}.com", "x.".repeat(130)),
    ] {
        assert_eq!(Email::parse(text), Err(ImplausibleEmail), "{text:?}");
    }
}

#[test]
fn prompts_stand_with_the_agents_slug() {
    let profile =
        json!({"settings": {"agent_prompts": {"triage": "Be brief.", "coder": "Use Rust."}, "theme": 7}});
    let profile = parse(profile).unwrap();
    let mut prompts: Vec<_> = profile.prompts().collect();
    prompts.sort_unstable();
    assert_eq!(prompts, [("coder", "Use Rust."), ("triage", "Be brief.")]);
    for empty in [json!({}), json!({"settings": {}}), json!({"settings": {"agent_prompts": {}}})] {
        assert_eq!(parse(empty).unwrap().prompts().count(), 0);
    }
}

#[test]
fn every_fault_of_a_profile_is_named() {
    let prompts = |prompts: Value| json!({"settings": {"agent_prompts": prompts}});
    let many: Map<String, Value> = (0..=MAX_PROMPTS).map(|n| (format!("a{n}"), json!("x"))).collect();
    for (profile, fields) in [
        (json!({"setting": {}}), vec!["setting"]),
        (json!({"settings": []}), vec!["settings"]),
        (json!({"settings": {"free": "x".repeat(MAX_PROFILE)}}), vec!["settings"]),
        (prompts(json!(["triage"])), vec!["settings.agent_prompts"]),
        (prompts(Value::Object(many)), vec!["settings.agent_prompts"]),
        (
            prompts(json!({"a": "", "b": "x".repeat(MAX_PROMPT + 1), "c": 1, "D": "x", "e": "x"})),
            ["D", "a", "b", "c"]
                .map(|slug| if slug == "D" { "settings.agent_prompts.D" } else { slug })
                .to_vec(),
        ),
    ] {
        let mut found = parse(profile).unwrap_err();
        found.sort();
        let short: Vec<&str> = found
            .iter()
            .map(|field| match field.strip_prefix("settings.agent_prompts.") {
                Some(slug) if slug != "D" => slug,
                _ => field.as_str(),
            })
            .collect();
        assert_eq!(short, fields);
    }
}
