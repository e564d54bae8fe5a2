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

#[tokio::test]
async fn agents_of_ours_that_share_their_name_still_need_slugs() {
    let (api, acme) = account().await;
    let agent = json!({"name": "A", "instructions": "x", "model": "openai:gpt-4o"});
    let refused = send(&api, &acme, "", &json!([agent, agent]).to_string()).await;
    assert_eq!(refused.fields(), ["agents[1].slug"]);
}
