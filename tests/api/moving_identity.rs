//! `POST /api/v1/agents/import`: which agent of the account an agent of a file is, and what is said of all of them at once.

use serde_json::{Value, json};

use crate::moving::{account, became, get, send};

fn agent(name: &str) -> Value {
    json!({"name": name, "instructions": name, "model": "openai:gpt-4o"})
}

#[tokio::test]
async fn a_name_without_letters_is_found_again() {
    let (api, acme) = account().await;
    for name in ["😀", "!!!", "客服"] {
        let file = json!([agent(name)]).to_string();
        assert_eq!(send(&api, &acme, "", &file).await.ok()["created"], 1, "{name}");
        for mode in ["skip", "update"] {
            let again = send(&api, &acme, &format!("?mode={mode}"), &file).await.ok();
            assert_eq!(again["skipped"], 1, "{name} {mode}: {again:#}");
        }
    }
}

#[tokio::test]
async fn of_several_agents_of_a_name_the_one_whose_slug_it_makes_is_meant_or_none() {
    let (api, acme) = account().await;
    for slug in ["support", "support-old", "help-a", "help-b"] {
        let name = if slug.starts_with("help") { "Help" } else { "Support" };
        api.agent(&acme, &json!({"slug": slug, "name": name, "model": "openai:gpt-4o"})).await;
    }
    let row = send(&api, &acme, "?mode=update", &json!([agent("Support")]).to_string()).await.ok();
    assert_eq!(
        (&row["results"][0]["result"], &row["results"][0]["slug"]),
        (&json!("updated"), &json!("support"))
    );
    let refused = send(&api, &acme, "?mode=update", &json!([agent("Help")]).to_string()).await;
    assert_eq!(refused.fields(), ["agents[0].slug"]);
    assert!(refused.json()["errors"][0]["message"].as_str().unwrap().contains("help-a, help-b"));
    let skipped = send(&api, &acme, "", &json!([agent("Help")]).to_string()).await.ok();
    assert_eq!(skipped["skipped"], 1, "{skipped:#}");
}

#[tokio::test]
async fn an_agent_whose_slug_the_file_names_is_not_another_one_by_its_name() {
    let (api, acme) = account().await;
    api.agent(&acme, &json!({"slug": "desk", "name": "Desk", "model": "openai:gpt-4o"})).await;
    let of =
        |slug: &str| json!({"slug": slug, "name": "Desk", "instructions": "x", "model": "openai:gpt-4o"});
    let report = send(&api, &acme, "", &json!([of("desk"), of("desk-eu")]).to_string()).await.ok();
    let results: Vec<&Value> = (0..2).map(|i| &report["results"][i]["result"]).collect();
    assert_eq!(results, ["skipped", "created"], "the file says that they are two: {report:#}");
}

#[tokio::test]
async fn a_name_that_a_path_has_is_numbered() {
    let (api, acme) = account().await;
    let report = send(&api, &acme, "", &json!([agent("Export")]).to_string()).await.ok();
    assert_eq!(report["results"][0]["slug"], "export-2", "{report:#}");
}

#[tokio::test]
async fn an_agent_that_is_created_without_a_slug_gets_a_free_one() {
    let (api, acme) = account().await;
    for (name, slug) in [
        ("C++", "c"),
        ("C#", "c-2"),
        ("客服", "agent"),
        ("😀", "agent-2"),
        ("Export", "export-2"),
        ("Import", "import-2"),
    ] {
        let valid = api.post("/api/v1/agents/validate").key(&acme.admin).json(&agent(name)).send().await;
        assert_eq!(valid.status, 200, "{name}: {:#}", valid.json());
        let made = api.post("/api/v1/agents").key(&acme.admin).json(&agent(name)).send().await.created();
        assert_eq!(made["slug"], slug, "{name}");
        let again = api.post("/api/v1/agents").key(&acme.admin).json(&agent(name)).send().await;
        assert_eq!(again.problem().0, 409, "one name is one agent: {name}");
    }
}

#[tokio::test]
async fn all_faults_of_all_agents_are_said_at_once() {
    let (api, acme) = account().await;
    let file = json!([
        {"name": "A", "instructions": 5, "model": "openai:", "handoff_targets": ["nobody"]},
        {"name": "B", "instructions": "x", "model": "openai:gpt-4o", "max_concurrency": "many", "access": "public"},
        {"name": "C", "role": {"of": 1}, "goal": "x", "model": "gpt-nobody", "status": "gone", "max_concurrency": "many"},
    ]);
    let refused = send(&api, &acme, "", &file.to_string()).await;
    for field in [
        "agents[0].instructions",
        "agents[0].model",
        "agents[0].handoff_targets[0]",
        "agents[1].max_concurrency",
        "agents[1].budget",
    ] {
        assert!(refused.fields().contains(&field.to_owned()), "{field}: {:?}", refused.fields());
    }
}

#[tokio::test]
async fn an_import_says_what_calls_would_meet() {
    let (api, acme) = account().await;
    let file = json!([agent("A"), {"name": "B", "instructions": "x", "model": "nowhere:gpt"}]);
    for query in ["?dry_run=true", ""] {
        let report = send(&api, &acme, query, &file.to_string()).await.ok();
        let warnings = report["warnings"].as_array().unwrap();
        assert!(
            warnings.iter().any(|w| w["field"] == "agents[1].model" && w["code"] == "not_ready"),
            "{query}: {report:#}"
        );
    }
}

#[tokio::test]
async fn the_default_model_is_warned_of_only_where_it_was_taken() {
    let (api, acme) = account().await;
    let file = json!([{"name": "A", "instructions": "x"}]).to_string();
    let says_so = |report: &Value| {
        let warnings = report["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().any(|warning| warning["code"] == "defaulted")
    };
    assert!(says_so(&send(&api, &acme, "?dry_run=true", &file).await.ok()));
    assert!(!says_so(&send(&api, &acme, "?dry_run=true&model=openai:gpt-4o", &file).await.ok()));
}

#[tokio::test]
async fn a_field_near_one_of_ours_refuses_no_agent_of_another_system() {
    let (api, acme) = account().await;
    let file = json!({"name": "A", "instructions": "x", "model": "gpt-4o", "note": "mine", "team": "blue", "titel": 1});
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    assert_eq!(became(&report["results"][0], "note"), "kept");
    let slip = json!({"name": "A", "instructoins": "x", "model": "openai:gpt-4o"});
    let refused = send(&api, &acme, "", &slip.to_string()).await;
    assert!(refused.fields().contains(&"agents[0].instructoins".to_owned()), "{:?}", refused.fields());
}

#[tokio::test]
async fn two_values_of_one_thing_are_never_taken_silently() {
    let (api, acme) = account().await;
    let file = json!({"name": "A", "type": "alpha", "agent_type": "beta", "instructions": "x", "crew": 1, "is_active": false,
        "status": "published", "model": {"provider": "openai", "id": "gpt-4o", "temperature": 0.1}, "temperature": 0.9});
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    let row = &report["results"][0];
    let made = get(&api, &acme, "a").await;
    assert_eq!((&made["type"], became(row, "agent_type")), (&json!("alpha"), "kept"), "{row:#}");
    assert_eq!((&made["status"], became(row, "status")), (&json!("inactive"), "dropped"), "{row:#}");
    assert_eq!(made["model"], "openai:gpt-4o?temperature=0.1");
    assert_eq!(became(row, "temperature"), "dropped");
    let own = json!({"name": "B", "instructions": "x", "model": "openai:gpt-4o?temperature=0.1", "temperature": 0.9});
    let report = send(&api, &acme, "", &own.to_string()).await.ok();
    assert_eq!(became(&report["results"][0], "temperature"), "dropped");
}

#[tokio::test]
async fn what_says_that_an_agent_is_off_is_read_in_any_spelling() {
    let (api, acme) = account().await;
    for (i, off) in [json!(false), json!("false"), json!(0), json!("no"), json!("off")].iter().enumerate() {
        for (kind, extra) in [("own", json!(null)), ("foreign", json!("x"))] {
            let name = format!("{kind} {i}");
            let mut file = json!({"name": name, "instructions": "x", "model": "gpt-4o", "is_active": off});
            if !extra.is_null() {
                file["backstory"] = extra;
            }
            let report = send(&api, &acme, "", &file.to_string()).await.ok();
            let made = get(&api, &acme, &format!("{kind}-{i}")).await;
            assert_eq!(made["status"], "inactive", "{file} {report:#}");
        }
    }
    let file =
        json!({"name": "odd", "instructions": "x", "backstory": "y", "model": "gpt-4o", "is_active": [1]});
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    assert_eq!(became(&report["results"][0], "is_active"), "kept");
}

#[tokio::test]
async fn a_list_of_agents_may_have_other_things_beside_them() {
    let (api, acme) = account().await;
    let file = json!({"version": "2.0", "description": "Ours", "x-base": {"a": 1}, "agents": [agent("A"), agent("B")]});
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    assert_eq!(report["created"], 2);
    assert_eq!(became(&report["results"][0], "description"), "dropped");
    let strict = send(&api, &acme, "?strict=true&dry_run=true", &file.to_string()).await;
    assert!(strict.fields().contains(&"agents[0].description".to_owned()), "{:?}", strict.fields());
    let ours = json!({"format": "retinue/agents", "version": 1, "agent": [], "agents": [agent("C")]});
    assert_eq!(send(&api, &acme, "", &ours.to_string()).await.status, 400, "ours is read strictly");
}

#[tokio::test]
async fn a_dry_run_says_what_the_write_says() {
    let (api, acme) = account().await;
    let files = [
        json!([agent("A"), agent("客服"), agent("A B")]),
        json!([{"name": "A", "instructions": "new", "model": "openai:gpt-4o"}, agent("C")]),
    ];
    for mode in ["skip", "update", "rename"] {
        for file in &files {
            let of = |report: Value| report["results"].clone();
            let dry =
                of(send(&api, &acme, &format!("?mode={mode}&dry_run=true"), &file.to_string()).await.ok());
            let wet = of(send(&api, &acme, &format!("?mode={mode}"), &file.to_string()).await.ok());
            assert_eq!(dry, wet, "{mode}");
        }
    }
}

#[tokio::test]
async fn a_name_of_a_megabyte_is_not_sent_back() {
    let (api, acme) = account().await;
    let long = "x".repeat(1_000_000);
    let file = json!({"name": "A", "instructions": "x", "model": {"id": "gpt-4o", "provider": "openai", &long: {"a": 1}},
        "config": {&long: 1}, &long: 2});
    let reply = send(&api, &acme, "?dry_run=true", &file.to_string()).await;
    assert!(reply.json().to_string().len() < 20_000, "{}", reply.json().to_string().len());
}
