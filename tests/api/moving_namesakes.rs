//! `POST /api/v1/agents/import`: agents of one name in one file, which their ids, their teams or their order tell apart.

use serde_json::{Value, json};

use crate::moving::{account, became, get, send};

/// The slug and what became of each agent of a reply.
fn rows(report: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = report["results"].as_array().unwrap_or_else(|| panic!("{report:#}"));
    rows.iter().map(|row| (word(&row["slug"]), word(&row["result"]))).collect()
}

fn all(slugs: &[&str], result: &str) -> Vec<(String, String)> {
    slugs.iter().map(|slug| ((*slug).to_owned(), result.to_owned())).collect()
}

fn assistant(id: &str, text: &str) -> Value {
    json!({"id": id, "object": "assistant", "name": "Untitled", "model": "gpt-4o", "instructions": text, "tools": []})
}

fn assistants(data: &[Value]) -> String {
    json!({"object": "list", "data": data}).to_string()
}

#[tokio::test]
async fn agents_of_one_name_and_several_ids_are_several_and_each_is_found_again_by_its_id() {
    let (api, acme) = account().await;
    let file = assistants(&[assistant("asst_1", "one"), assistant("asst_2", "two")]);
    let dry = send(&api, &acme, "?dry_run=true", &file).await.ok();
    assert_eq!(rows(&dry), all(&["untitled", "untitled-2"], "created"), "{dry:#}");
    assert_eq!(send(&api, &acme, "", &file).await.ok()["created"], 2);
    assert_eq!(send(&api, &acme, "", &file).await.ok()["skipped"], 2);
    let turned = assistants(&[assistant("asst_2", "two, newer"), assistant("asst_1", "one, newer")]);
    let again = send(&api, &acme, "?mode=update", &turned).await.ok();
    assert_eq!(rows(&again), all(&["untitled-2", "untitled"], "updated"), "{again:#}");
    assert_eq!(get(&api, &acme, "untitled-2").await["instructions"], "two, newer");
    let third = send(&api, &acme, "?mode=update", &assistants(&[assistant("asst_3", "three")])).await.ok();
    assert_eq!(rows(&third), all(&["untitled-3"], "created"), "another id is another agent: {third:#}");
    let renamed = send(&api, &acme, "?mode=rename", &file).await.ok();
    assert_eq!(rows(&renamed), all(&["untitled-4", "untitled-5"], "created"), "{renamed:#}");
    let twice =
        send(&api, &acme, "", &assistants(&[assistant("asst_9", "a"), assistant("asst_9", "b")])).await;
    assert_eq!(twice.fields(), ["agents[1].slug"]);
}

#[tokio::test]
async fn agents_of_librechat_are_told_apart_by_their_ids_too() {
    let (api, acme) = account().await;
    let agent = |id: &str, text: &str| json!({"id": id, "name": "Helper", "provider": "openAI", "model": "gpt-4o", "instructions": text, "model_parameters": {}});
    let file = json!({"agents": [agent("agent_a", "a"), agent("agent_b", "b")]}).to_string();
    let made = send(&api, &acme, "", &file).await.ok();
    assert_eq!(rows(&made), all(&["helper", "helper-2"], "created"), "{made:#}");
    let second = send(&api, &acme, "?mode=update", &agent("agent_b", "B").to_string()).await.ok();
    assert_eq!(rows(&second), all(&["helper-2"], "updated"), "{second:#}");
}

#[tokio::test]
async fn an_agent_that_was_made_here_is_still_meant_by_its_name() {
    let (api, acme) = account().await;
    api.agent(&acme, &json!({"slug": "mine", "name": "Untitled", "model": "openai:gpt-4o"})).await;
    let report = send(&api, &acme, "?mode=update", &assistants(&[assistant("asst_1", "one")])).await.ok();
    assert_eq!(rows(&report), all(&["mine"], "updated"), "{report:#}");
}

fn autogen(name: &str, more: Value) -> Value {
    let mut config = json!({"name": name, "system_message": format!("You {name}."), "model_client": {
        "provider": "autogen_ext.models.openai.OpenAIChatCompletionClient", "component_type": "model",
        "config": {"model": "gpt-4o"}}});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"provider": "autogen_agentchat.agents.AssistantAgent", "component_type": "agent", "label": "Agent", "config": config})
}

fn team(label: &str, members: Value) -> Value {
    json!({"provider": "autogen_agentchat.teams.Swarm", "component_type": "team", "label": label,
        "config": {"participants": members}})
}

fn gallery(teams: Value) -> String {
    let person = json!({"provider": "autogen_agentchat.agents.UserProxyAgent", "component_type": "agent",
        "config": {"name": "user_proxy"}});
    json!({"id": "g", "name": "Gallery", "components": {
        "agents": [autogen("scout", json!({})), autogen("scout", json!({"system_message": "You verify."})), person],
        "teams": teams}})
    .to_string()
}

#[tokio::test]
async fn every_agent_of_a_gallery_moves_and_is_found_again_by_its_team() {
    let (api, acme) = account().await;
    let hands_off = json!({"handoffs": ["check"]});
    let day = team("Day", json!([autogen("scout", hands_off.clone()), autogen("check", json!({}))]));
    let night = team("Night", json!([autogen("scout", hands_off), autogen("check", json!({}))]));
    let file = gallery(json!([day, night]));
    let slugs = ["scout", "scout-2", "scout-3", "check", "scout-4", "check-2"];
    let made = send(&api, &acme, "", &file).await.ok();
    assert_eq!(rows(&made), all(&slugs, "created"), "{made:#}");
    assert_eq!(became(&made["results"][0], "user_proxy"), "dropped", "people are said: {made:#}");
    let (scout, check) = (get(&api, &acme, "scout-4").await, get(&api, &acme, "check-2").await);
    assert_eq!(scout["handoff_targets"], json!([check["id"]]), "a hand-off stays in its team");
    for mode in ["skip", "update"] {
        let again = send(&api, &acme, &format!("?mode={mode}"), &file).await.ok();
        assert_eq!(rows(&again), all(&slugs, "skipped"), "{again:#}");
    }
    let turned = send(&api, &acme, "?mode=update", &gallery(json!([night, day]))).await.ok();
    assert_eq!(
        rows(&turned),
        all(&["scout", "scout-2", "scout-4", "check-2", "scout-3", "check"], "skipped")
    );
    let alike = send(&api, &acme, "?dry_run=true", &gallery(json!([day, day]))).await.ok();
    assert_eq!(alike["results"].as_array().unwrap().len(), 6, "teams of one label are two: {alike:#}");
}

/// A gallery of teams of one label, each with an assistant that is told this, and a critic that hands off to it.
fn alike(texts: &[&str]) -> Value {
    let teams = texts.iter().map(|text| {
        let told = json!({"system_message": text});
        team(
            "Team",
            json!([autogen("assistant", told), autogen("critic", json!({"handoffs": ["assistant"]}))]),
        )
    });
    json!({"name": "G", "components": {"teams": teams.collect::<Vec<_>>()}})
}

fn notes(report: &Value) -> Vec<bool> {
    let lines = |row: &Value| row["report"].as_array().unwrap().clone();
    let is_said = |line: &Value| line["note"].as_str().is_some_and(|note| note.contains("only their order"));
    report["results"].as_array().unwrap().iter().map(|row| lines(row).iter().any(is_said)).collect()
}

#[tokio::test]
async fn teams_of_one_label_are_found_again_by_what_their_members_are_told() {
    let (api, acme) = account().await;
    let again = async |texts: &[&str]| {
        let report = send(&api, &acme, "?mode=update", &alike(texts).to_string()).await.ok();
        assert!(!notes(&report).contains(&true), "{report:#}");
        rows(&report)
    };
    assert_eq!(
        again(&["one", "two"]).await,
        all(&["assistant", "critic", "assistant-2", "critic-2"], "created")
    );
    let turned = ["assistant-2", "critic-2", "assistant", "critic"];
    assert_eq!(again(&["two", "one"]).await, all(&turned, "skipped"));
    let third = again(&["three", "two", "one"]).await;
    assert_eq!(third[..2], all(&["assistant-3", "critic-3"], "created"));
    assert_eq!(third[2..], all(&turned, "skipped"));
    assert_eq!(again(&["two"]).await, all(&["assistant-2", "critic-2"], "skipped"), "alone, too");
    for (agent, text) in [("assistant", "one"), ("assistant-2", "two"), ("assistant-3", "three")] {
        let (assistant, critic) =
            (get(&api, &acme, agent).await, get(&api, &acme, &agent.replace("assistant", "critic")).await);
        assert_eq!((&assistant["instructions"], &assistant["version"]), (&json!(text), &json!(1)));
        assert_eq!(critic["handoff_targets"], json!([assistant["id"]]));
    }
    let mut newer = alike(&["two", "one"]);
    newer["components"]["teams"][0]["config"]["participants"][1]["config"]["system_message"] =
        "Be kind.".into();
    let report = send(&api, &acme, "?mode=update", &newer.to_string()).await.ok();
    let became: Vec<String> =
        rows(&report).into_iter().map(|(slug, result)| format!("{slug} {result}")).collect();
    assert_eq!(became, ["assistant-2 skipped", "critic-2 updated", "assistant skipped", "critic skipped"]);
    assert_eq!(get(&api, &acme, "critic-2").await["config"]["imported"]["team"], "Team 2");
}

#[tokio::test]
async fn teams_of_one_label_that_nothing_tells_apart_are_said_to_be_in_order() {
    let (api, acme) = account().await;
    let file = alike(&["same", "same"]).to_string();
    let slugs = ["assistant", "critic", "assistant-2", "critic-2"];
    for result in ["created", "skipped"] {
        let report = send(&api, &acme, "?mode=update", &file).await.ok();
        assert_eq!((rows(&report), notes(&report)), (all(&slugs, result), vec![true; 4]), "{report:#}");
    }
}

#[tokio::test]
async fn a_number_behind_a_label_is_no_other_teams_label() {
    let (api, acme) = account().await;
    let member = |text: &str| json!([autogen("scout", json!({"system_message": text}))]);
    let teams = json!([team("Day", member("a")), team("Day 2", member("b")), team("Day", member("c"))]);
    let file = json!({"name": "G", "components": {"teams": teams}}).to_string();
    for result in ["created", "skipped"] {
        let report = send(&api, &acme, "?mode=update", &file).await.ok();
        assert_eq!(rows(&report), all(&["scout", "scout-2", "scout-3"], result), "{report:#}");
    }
    let kept = get(&api, &acme, "scout-3").await;
    assert_eq!((&kept["instructions"], &kept["config"]["imported"]["team"]), (&json!("c"), &json!("Day 3")));
}

#[tokio::test]
async fn a_gallery_is_known_in_a_row_and_refused_where_it_holds_no_agent() {
    let (api, acme) = account().await;
    let row = json!({"id": 1, "user_id": "u", "version": "0.0.1", "created_at": "2026-01-01T00:00:00",
        "config": {"id": "g", "name": "G", "metadata": {}, "components": {"agents": [autogen("scout", json!({}))],
            "teams": [], "models": []}}});
    let made = send(&api, &acme, "", &row.to_string()).await.ok();
    assert_eq!((rows(&made), &made["results"][0]["format"]), (all(&["scout"], "created"), &json!("autogen")));
    let model = json!({"provider": "autogen_ext.models.openai.OpenAIChatCompletionClient", "component_type": "model",
        "config": {"model": "gpt-4o"}});
    for (components, what) in [
        (json!({"agents": [], "teams": []}), "is an empty gallery"),
        (json!({"agents": [], "teams": [], "models": [], "tools": []}), "is an empty gallery"),
        (json!({"models": [model]}), "is a gallery without an agent"),
        (json!({"agents": [], "teams": [], "models": [model]}), "is a gallery without an agent"),
    ] {
        let gallery = json!({"name": "G", "components": components});
        for file in [gallery.clone(), json!({"id": 1, "config": gallery})] {
            let refused = send(&api, &acme, "", &file.to_string()).await;
            assert_eq!(refused.problem().0, 400, "{file}");
            let report = refused.json();
            let said = report["results"][0]["errors"][0]["message"].as_str().unwrap();
            assert!(said.starts_with(what), "{file}: {said}");
            assert_eq!(report["results"][0]["name"], "G");
        }
    }
    let own = json!({"name": "Own", "instructions": "x", "model": "gpt-4o", "config": {"components": {"agents": []}}});
    assert_eq!(rows(&send(&api, &acme, "", &own.to_string()).await.ok()), all(&["own"], "created"));
}

#[tokio::test]
async fn agents_of_ours_that_share_their_name_still_need_slugs() {
    let (api, acme) = account().await;
    let agent = json!({"name": "A", "instructions": "x", "model": "openai:gpt-4o"});
    let refused = send(&api, &acme, "", &json!([agent, agent]).to_string()).await;
    assert_eq!(refused.fields(), ["agents[1].slug"]);
}

/// What AutoGen Studio keeps and answers: rows, each with a component.
#[tokio::test]
async fn teams_of_rows_and_of_several_galleries_move_and_are_told_apart() {
    let row = |id: u32, component: Value| {
        json!({"id": id, "created_at": "2026-01-01T00:00:00", "updated_at": "2026-01-01T00:00:00",
        "user_id": "guestuser@gmail.com", "version": "0.0.1", "component": component})
    };
    let member = |text: &str| autogen("scout", json!({"system_message": text}));
    let (one, two) = (team("A", json!([member("one")])), team("A", json!([member("two")])));
    let shelf = |team: &Value| json!({"id": "g", "name": "G", "components": {"agents": [], "teams": [team]}});
    let slugs = ["scout", "scout-2"];
    for (file, count) in [
        (row(3, one.clone()), 1),
        (json!([row(3, one.clone())]), 1),
        (json!({"status": true, "data": [row(3, one.clone())]}), 1),
        (json!({"status": true, "message": "ok", "data": row(3, one.clone())}), 1),
        (json!([row(3, one.clone()), row(4, two.clone())]), 2),
        (json!({"status": true, "data": [row(3, one.clone()), row(4, two.clone())]}), 2),
        (json!([one.clone(), two.clone()]), 2),
        (json!([shelf(&one), shelf(&two)]), 2),
        (json!({"status": true, "data": [{"id": 1, "user_id": "u", "config": shelf(&one)}]}), 1),
    ] {
        for query in ["", "?format=autogen"] {
            let (api, acme) = account().await;
            let made = send(&api, &acme, query, &file.to_string()).await.ok();
            assert_eq!(rows(&made), all(&slugs[..count], "created"), "{file}: {made:#}");
            assert_eq!(made["results"][0]["format"], "autogen");
            let again = send(&api, &acme, query, &file.to_string()).await.ok();
            assert_eq!(rows(&again), all(&slugs[..count], "skipped"), "{again:#}");
            for (slug, text) in slugs.iter().zip(["one", "two"]).take(count) {
                assert_eq!(get(&api, &acme, slug).await["instructions"], text);
            }
        }
    }
}

#[tokio::test]
async fn librechats_agents_keep_their_hand_offs_with_files_and_in_its_list() {
    let agent = json!({"id": "agent_abc123", "name": "Docs Helper", "instructions": "x", "provider": "openAI", "model": "gpt-4o",
        "model_parameters": {"temperature": 0.2}, "tool_resources": {"file_search": {"file_ids": ["f1"]}},
        "agent_ids": ["agent_zzz"], "edges": [{"from": "agent_abc123", "to": "agent_yyy", "edgeType": "handoff"}]});
    let mut bare = agent.clone();
    bare.as_object_mut().unwrap().remove("model_parameters");
    for file in
        [agent.clone(), json!([agent]), json!({"object": "list", "data": [agent], "has_more": false}), bare]
    {
        let (api, acme) = account().await;
        let report = send(&api, &acme, "?dry_run=true", &file.to_string()).await.ok();
        let row = &report["results"][0];
        assert_eq!(row["format"], "librechat", "{report:#}");
        for field in ["agent_ids", "edges"] {
            assert_eq!(became(row, field), "mapped to handoff_targets", "{row:#}");
        }
        assert_eq!(row["needs"].as_array().unwrap().len(), 2, "{row:#}");
    }
}
