//! `/api/v1/agents/export` and `/api/v1/agents/import`.

use axum::body::Body;
use http_body_util::BodyExt;
use proptest::prelude::*;
use retinue::ports::{ReadError, SendError, World};
use serde_json::{Value, json};

use crate::support::{Api, Reply, Script, Tenant, Turn, When, is_workerd, settings};

async fn export(api: &Api, tenant: &Tenant, query: &str) -> Reply {
    api.get(&format!("/api/v1/agents/export{query}")).key(&tenant.admin).send().await
}

async fn import(api: &Api, tenant: &Tenant, query: &str, body: &Value) -> Reply {
    api.post(&format!("/api/v1/agents/import{query}")).key(&tenant.admin).json(body).send().await
}

async fn yaml(api: &Api, tenant: &Tenant, query: &str, text: &str) -> Reply {
    let call = api.post(&format!("/api/v1/agents/import{query}")).key(&tenant.admin);
    call.header("content-type", "application/yaml; charset=utf-8")
        .raw(Body::from(text.to_owned()))
        .send()
        .await
}

async fn get(api: &Api, tenant: &Tenant, agent: &str) -> Value {
    api.get(&format!("/api/v1/agents/{agent}")).key(&tenant.member).send().await.ok()
}

fn agent(slug: &str, fields: Value) -> Value {
    let mut agent =
        json!({"slug": slug, "name": slug, "instructions": "Help.", "model": "openai:gpt-4.1-mini"});
    agent.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    agent
}

/// Slug and result of each agent.
fn results(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["slug"]), text(&row["result"])))
        .collect()
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(slug, result)| ((*slug).to_owned(), (*result).to_owned())).collect()
}

/// Rows of the account in a table.
fn rows(api: &Api, tenant: &Tenant, table: &str) -> u32 {
    let sql = format!("SELECT count(*) FROM {table} WHERE account_id = ?1");
    api.world.database().with(|db| db.query_row(&sql, [tenant.id.to_string()], |row| row.get(0)).unwrap())
}

fn everything() -> Value {
    agent(
        "triage",
        json!({
            "name": "Triage Agent", "type": "router", "description": "Sorts.", "voice": "cartesia:sonic",
            "instructions": "Sort the mail.\n\n  - kindly: \"{{tone}}\"\n", "modality": "audio_only",
            "panels": ["notepad"], "tools": ["web_search", {"type": "client", "name": "ask", "parameters": {"type": "object"}},
                {"type": "http", "name": "weather", "description": "W", "url": "https://a.example.com/", "headers": {"x-a": "b"}}],
            "handoff_targets": ["billing"], "access": "public",
            "allowed_origins": ["https://example.com"], "max_concurrency": 3, "cache": {"ttl_s": 60},
            "run": {"max_steps": 3, "max_usd": "0.500000"}, "max_parallel_tools": 2, "on_busy": "steer", "on_unknown": "fail",
            "output": {"schema": {"type": "object", "properties": {"a": {"const": null}}}, "name": "reply"},
            "input": {"schema": {"type": "object", "properties": {"a": {"default": null}}}},
            "on_budget": "wait", "upgrade": "new_threads", "embeddings": "openai:text-embedding-3-small", "compact_at": 0.5, "keep_days": 30, "memory": {"read": ["user"], "max_tokens": 500},
            "labels": ["mail"], "status": "draft",
            "budget": {"limit_usd": "5.000000", "period": "day", "action": "block"},
            "config": {"variables": {"tone": null}, "x": [1, 2.5, "yes"]},
        }),
    )
}

#[tokio::test]
async fn what_is_exported_has_no_ids_and_names_handoffs_by_slug() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let file = json!([everything(), agent("billing", json!({"handoff_targets": ["triage"]}))]);
    import(&api, &acme, "", &file).await.ok();
    let reply = export(&api, &acme, "?agents=triage,%20billing,triage").await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"agents.json\"");
    let billing = agent(
        "billing",
        json!({
            "handoff_targets": ["triage"], "type": "simple-chat", "modality": "text", "access": "key", "status": "active",
        }),
    );
    let expected = json!({"format": "retinue/agents", "version": 1, "agents": [everything(), billing]});
    assert_eq!(reply.ok(), expected);

    let text = export(&api, &acme, "?format=yaml").await;
    assert_eq!(text.header("content-type"), "application/yaml");
    let text = String::from_utf8(text.body.to_vec()).unwrap();
    assert!(
        text.contains("  instructions: |\n    Sort the mail.\n\n      - kindly: \"{{tone}}\"\n"),
        "{text}"
    );
    let id = get(&api, &acme, "billing").await["id"].as_str().unwrap().to_owned();
    assert!(!text.contains(&id) && !text.contains("2026-"), "{text}");
    assert_eq!(export(&api, &acme, &format!("?agents={id}")).await.ok()["agents"][0]["slug"], "billing");

    let other = api.tenant("other").await;
    let bad = export(&api, &other, "?agents=triage,,No%20Slug").await;
    assert_eq!(bad.fields(), ["agents", "agents", "agents"], "nothing crosses accounts");
    assert_eq!(export(&api, &other, "?format=toml").await.fields(), ["format"]);
    let empty = export(&api, &other, "").await.ok();
    assert_eq!(empty["agents"], json!([]));
    let empty = export(&api, &other, "?format=yaml").await;
    assert_eq!(&empty.body[..], b"format: retinue/agents\nversion: 1\nagents:\n  []\n...\n");
}

#[tokio::test]
async fn only_admins_export_and_import() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for key in [&acme.member, &acme.caller] {
        assert_eq!(api.get("/api/v1/agents/export").key(key).send().await.problem().0, 403);
        let call = api.post("/api/v1/agents/import").key(key).json(&json!([]));
        assert_eq!(call.send().await.problem().0, 403);
    }
}

#[tokio::test]
async fn an_existing_slug_is_skipped_updated_or_renamed() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let budget = json!({"limit_usd": "1.000000", "period": "day", "action": "block"});
    let old = api
        .agent(
            &acme,
            &json!({"slug": "a", "tools": ["x"], "labels": ["l"], "budget": budget, "status": "draft"}),
        )
        .await;
    let file = json!({"agents": [agent("a", json!({"handoff_targets": ["b"]})), agent("b", json!({"handoff_targets": ["a"]}))]});

    let skipped = import(&api, &acme, "?dry_run=true", &file).await.ok();
    assert_eq!(results(&skipped), pairs(&[("a", "skipped"), ("b", "created")]));
    assert_eq!((rows(&api, &acme, "agents"), &skipped["dry_run"]), (1, &json!(true)));
    let skipped = import(&api, &acme, "", &file).await.ok();
    assert_eq!(results(&skipped), pairs(&[("a", "skipped"), ("b", "created")]));
    assert_eq!((&skipped["created"], &skipped["skipped"]), (&json!(1), &json!(1)));
    assert_eq!(api.configured(&acme, "a").await, old);
    assert_eq!(get(&api, &acme, "b").await["handoff_targets"], json!([old["id"]]));

    let updated = import(&api, &acme, "?mode=update", &file).await.ok();
    assert_eq!(results(&updated), pairs(&[("a", "updated"), ("b", "skipped")]));
    let a = get(&api, &acme, "a").await;
    assert_eq!((&a["id"], &a["version"], &a["name"]), (&old["id"], &json!(2), &json!("a")));
    assert_eq!(a["tools"], json!([]), "what the file leaves out has its default");
    assert_eq!(
        (&a["labels"], &a["budget"], &a["status"]),
        (&json!(["l"]), &budget, &json!("draft")),
        "these stay"
    );
    let again = import(&api, &acme, "?mode=update", &file).await.ok();
    assert_eq!(again["skipped"], 2);
    let status = json!([agent("a", json!({"status": "active", "handoff_targets": ["b"]}))]);
    assert_eq!(import(&api, &acme, "?mode=update", &status).await.ok()["updated"], 1);
    let a = get(&api, &acme, "a").await;
    assert_eq!((&a["status"], &a["version"]), (&json!("active"), &json!(2)));
    let back = json!([agent("a", json!({"status": "draft"}))]);
    assert_eq!(import(&api, &acme, "?mode=update", &back).await.fields(), ["agents[0].status"]);

    let renamed = import(&api, &acme, "?mode=rename", &file).await.ok();
    assert_eq!(results(&renamed), pairs(&[("a-2", "created"), ("b-2", "created")]));
    assert_eq!(renamed["results"][0]["renamed_from"], "a");
    let (a2, b2) = (get(&api, &acme, "a-2").await, get(&api, &acme, "b-2").await);
    assert_eq!(a2["handoff_targets"], json!([b2["id"]]), "hand-offs follow");
    assert_eq!(b2["handoff_targets"], json!([a2["id"]]));
    let renamed =
        import(&api, &acme, "?mode=rename", &json!([agent("a", json!({})), agent("a-3", json!({}))])).await;
    assert_eq!(
        results(&renamed.ok()),
        pairs(&[("a-4", "created"), ("a-3", "created")]),
        "the file keeps its own"
    );
}

#[tokio::test]
async fn a_long_slug_is_cut_to_be_numbered() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let slug = format!("{}-x", "a".repeat(61));
    for n in ["", "-2", "-3"] {
        let report = import(&api, &acme, "?mode=rename", &json!([agent(&slug, json!({}))])).await.ok();
        let expected = if n.is_empty() { slug.clone() } else { format!("{}{n}", "a".repeat(61)) };
        assert_eq!(report["results"][0]["slug"], expected);
    }
}

#[tokio::test]
async fn one_invalid_agent_keeps_all_out_and_each_is_told_its_faults() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let file = json!([
        agent("good", json!({})),
        agent("bad", json!({"model": "nonsense", "handoff_targets": ["nobody", "bad"]})),
        agent("good", json!({})),
        {"slug": "worse", "nmae": "x"},
        {"instructions": "x", "model": "a:b"},
        agent("archived", json!({"status": "archived"})),
        agent("No Slug", json!({})),
        {"name": "Export", "instructions": "x", "model": "a:b"},
    ]);
    for query in ["", "?dry_run=true", "?mode=update", "?mode=rename"] {
        let reply = import(&api, &acme, query, &file).await;
        assert_eq!(reply.problem(), (400, "validation_failed".to_owned()));
        let report = reply.json();
        let expected = [
            ("good", "valid"),
            ("bad", "invalid"),
            ("good", "invalid"),
            ("worse", "invalid"),
            ("", "invalid"),
            ("archived", "invalid"),
            ("No Slug", "invalid"),
            ("export-2", "valid"),
        ];
        assert_eq!(results(&report), pairs(&expected), "{query}");
        assert_eq!((&report["created"], &report["skipped"]), (&json!(0), &json!(0)));
        assert_eq!(
            reply.fields(),
            [
                "agents[1].model",
                "agents[1].handoff_targets[0]",
                "agents[1].handoff_targets[1]",
                "agents[2].slug",
                "agents[3].nmae",
                "agents[3].instructions",
                "agents[4].name",
                "agents[5].status",
                "agents[6].slug",
            ]
        );
        assert_eq!(report["results"][3]["errors"][0]["message"], "is not known here; did you mean `name`?");
    }
    for table in ["agents", "agent_versions", "agent_handoffs"] {
        assert_eq!(rows(&api, &acme, table), 0, "{table}");
    }
}

#[tokio::test]
async fn a_yaml_file_of_a_configuration_folder_is_taken_in_unchanged() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let text = "name: Support Agent\nmodel: openai:gpt-4o\ninstructions: |\n  Help people.\n\n  Be kind.\n\
        temperature: 0.7\ntools:\n  - web_search\n  - name: calculator\n";
    let report = yaml(&api, &acme, "", text).await.ok();
    assert_eq!(results(&report), pairs(&[("support-agent", "created")]));
    let made = get(&api, &acme, "support-agent").await;
    assert_eq!(made["model"], "openai:gpt-4o?temperature=0.7");
    assert_eq!(made["instructions"], "Help people.\n\nBe kind.\n");
    assert_eq!(made["tools"], json!(["web_search", "calculator"]));

    let nameless = "model: openai:gpt-4o\nprompt: Sell.\n";
    assert_eq!(yaml(&api, &acme, "", nameless).await.fields(), ["agents[0].name"]);
    yaml(&api, &acme, "?name=sales", nameless).await.ok();
    assert_eq!(get(&api, &acme, "sales").await["name"], "sales");
    let folder = "slug: x\nmodel: a:b\nprompt: X.\n---\nslug: y\nmodel: a:b\nprompt: Y.\nhandoff_targets: [x, sales]\n";
    let report = yaml(&api, &acme, "", folder).await.ok();
    assert_eq!(results(&report), pairs(&[("x", "created"), ("y", "created")]));
    let handed = get(&api, &acme, "y").await["handoff_targets"].as_array().unwrap().len();
    assert_eq!(handed, 2);
    for (text, words) in [("a: [", "line"), ("", "empty"), ("agents: []\nversion: 9", "version 1")] {
        let reply = yaml(&api, &acme, "", text).await;
        assert_eq!(reply.problem(), (400, "invalid_request".to_owned()));
        assert!(reply.detail().contains(words), "{}", reply.detail());
    }
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let send = |kind: &'static str, body: Vec<u8>| {
        let call = api.post("/api/v1/agents/import").key(&acme.admin);
        call.header("content-type", kind).raw(Body::from(body)).send()
    };
    assert_eq!(send("text/plain", b"[]".to_vec()).await.problem().0, 415);
    assert_eq!(send("application/yaml", vec![b' '; 4 * 1024 * 1024 + 1]).await.problem().0, 413);
    assert_eq!(send("application/yaml", vec![0xff]).await.problem(), (400, "invalid_request".to_owned()));
    assert_eq!(send("application/json", b"{".to_vec()).await.problem(), (400, "invalid_request".to_owned()));
    assert_eq!(send("application/json", b"7".to_vec()).await.problem(), (400, "invalid_request".to_owned()));
    for query in ["?mode=merge", "?dry_run=maybe"] {
        assert_eq!(import(&api, &acme, query, &json!([])).await.problem().0, 400);
    }
    let many: Vec<Value> = (0..1_001).map(|n| agent(&format!("a{n}"), json!({}))).collect();
    assert_eq!(import(&api, &acme, "", &many.into()).await.fields(), ["agents"]);
}

#[tokio::test]
async fn a_file_behind_a_url_is_fetched_under_the_outbound_rule() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let from = |url: &str| json!({"url": url});
    for url in
        ["http://example.com/a.yaml", "https://10.0.0.1/a", "https://127.0.0.1/a", "file:///etc/passwd"]
    {
        assert_eq!(import(&api, &acme, "", &from(url)).await.fields(), ["url"], "{url}");
    }
    assert_eq!(import(&api, &acme, "", &json!({"url": 7})).await.fields(), ["url"]);
    assert!(api.world.upstream().take_asked().is_empty(), "nothing was sent");

    let url = "https://files.example.com/agents/support.yaml?x=1";
    let chunks = vec![Ok("model: a:b\ninstr".into()), Ok("uctions: Help.\n".into())];
    api.world.upstream().then(Turn::Replies(Script { chunks, ..Script::ok("") }));
    let report = import(&api, &acme, "", &from(url)).await.ok();
    assert_eq!(results(&report), pairs(&[("support", "created")]), "called as the file is");
    let asked = api.world.upstream().take_asked();
    assert_eq!((asked.len(), asked[0].timeout_ms, asked[0].body.len()), (1, 10_000, 0));
    assert_eq!((asked[0].method.as_str(), asked[0].to.as_str()), ("GET", url));
    assert!(asked[0].headers.iter().any(|(name, value)| *name == "accept" && value.contains("yaml")));
    api.world.upstream().then(Turn::Replies(Script::ok(json!([agent("b", json!({}))]).to_string())));
    assert_eq!(import(&api, &acme, "", &from(url)).await.ok()["created"], 1, "judged by what it parses as");

    let large = (0..5).map(|_| Ok(vec![b'#'; 1024 * 1024].into())).collect();
    let broken = vec![Ok("name: x".into()), Err(ReadError::Broken("internal-address-10.0.0.1".into()))];
    for (turn, words) in [
        (Turn::Replies(Script::status(302, "")), "redirects are not followed"),
        (Turn::Replies(Script::status(404, "")), "answers 404"),
        (Turn::Fails(SendError::Timeout), "10 seconds"),
        (Turn::Fails(SendError::NotConnected("internal-address-10.0.0.1".into())), "cannot be reached"),
        (Turn::Replies(Script { chunks: broken, ..Script::ok("") }), "broke off"),
        (Turn::Replies(Script { chunks: large, ..Script::ok("") }), "4 MiB"),
        (Turn::Replies(Script::ok(vec![0xff, 0xfe])), "UTF-8"),
        (Turn::Replies(Script::ok("a: [")), "not YAML"),
    ] {
        api.world.upstream().then(turn);
        let reply = import(&api, &acme, "", &from(url)).await;
        assert_eq!(reply.fields(), ["url"]);
        assert!(reply.detail().contains(words), "{}", reply.detail());
    }
    let open = Api::with(retinue::ports::Settings { allow_loopback: true, ..settings() });
    let acme = open.tenant("acme").await;
    open.world.upstream().then(Turn::Replies(Script::ok("[]")));
    import(&open, &acme, "", &from("http://127.0.0.1:8080/a.json")).await.ok();
}

#[tokio::test]
async fn a_thousand_agents_are_taken_in_at_once_or_not_at_all() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    // Each hands off to the next: a cycle of all.
    let next = |n: usize| json!({"handoff_targets": [format!("a{}", (n + 1) % 1_000)], "description": "x".repeat(1_500)});
    let many: Value = (0..1_000).map(|n| agent(&format!("a{n}"), next(n))).collect::<Vec<_>>().into();
    let told = rows(&api, &acme, "changes");
    api.world.faults().plan("INSERT_CHANGES", 1, When::Before);
    assert_eq!(import(&api, &acme, "", &many).await.problem().0, 503);
    assert_eq!((rows(&api, &acme, "agents"), rows(&api, &acme, "changes")), (0, told));
    let report = import(&api, &acme, "", &many).await.ok();
    assert_eq!(report["created"], 1_000);
    for table in ["agents", "agent_versions", "agent_handoffs"] {
        assert_eq!(rows(&api, &acme, table), 1_000, "{table}");
    }
    assert_eq!(rows(&api, &acme, "changes"), told + 1_000);
    let whole = export(&api, &acme, "").await.ok();
    assert_eq!(whole["agents"].as_array().unwrap().len(), 1_000);
    assert_eq!(import(&api, &acme, "?mode=update", &whole).await.ok()["skipped"], 1_000);
    let renamed = import(&api, &acme, "?mode=rename", &whole).await.ok();
    assert_eq!((&renamed["created"], rows(&api, &acme, "agents")), (&json!(1_000), 2_000));
}

#[tokio::test]
async fn an_import_is_planned_anew_when_the_account_changes_meanwhile() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "a", "budget": {"limit_usd": 1, "period": "day"}})).await;
    let (database, mut times) = (api.world.database().clone(), 2);
    api.world.faults().meddle("begin_write", move || {
        if times > 0 {
            times -= 1;
            let sql = "UPDATE agents SET budget_limit = budget_limit + 1, updated_at = updated_at + 1";
            database.with(|db| db.execute(sql, []).unwrap());
        }
    });
    let file = json!([agent("a", json!({"instructions": "New."})), agent("b", json!({}))]);
    assert_eq!(import(&api, &acme, "?mode=update", &file).await.ok()["updated"], 1);
    let a = get(&api, &acme, "a").await;
    assert_eq!(a["budget"]["limit_usd"], "1.000000002", "the rival's cap stands");
    assert_eq!((&a["version"], rows(&api, &acme, "agent_versions")), (&json!(2), 3));

    // Somebody else takes the slug between the plan and the write.
    let (database, mut is_first) = (api.world.database().clone(), true);
    api.world.faults().meddle("begin_write", move || {
        if std::mem::take(&mut is_first) {
            let sql = "UPDATE agents SET slug = 'c', updated_at = updated_at + 1 WHERE slug = 'b'";
            database.with(|db| db.execute(sql, []).unwrap());
        }
    });
    let report = import(&api, &acme, "?mode=rename", &json!([agent("c", json!({}))])).await.ok();
    assert_eq!(results(&report), pairs(&[("c-2", "created")]));
}

#[tokio::test]
async fn an_export_of_many_reads_a_page_for_each_piece() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let many: Value = (0..1_000).map(|n| agent(&format!("a{n}"), json!({}))).collect::<Vec<_>>().into();
    import(&api, &acme, "", &many).await.ok();
    api.world.faults().take_done();
    let request = axum::http::Request::get("/api/v1/agents/export?format=yaml")
        .header("authorization", format!("Bearer {}", acme.admin))
        .body(Body::empty())
        .unwrap();
    let mut body = api.open(request).await.into_body();
    let (mut text, mut pieces, mut largest) = (Vec::new(), 0, 0);
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        let pages = api.world.faults().take_done().iter().filter(|name| name.starts_with("AGENTS_")).count();
        // Over HTTP the pieces are on their way before they are read.
        assert!(pages <= 1 || is_workerd(), "a piece waits for one page and no more");
        (pieces, largest) = (pieces + 1, largest.max(piece.len()));
        text.extend_from_slice(&piece);
    }
    assert!(
        is_workerd() || ((6..=30).contains(&pieces) && largest < text.len() / 4),
        "{pieces} pieces, {largest} of {}",
        text.len()
    );
    let other = api.tenant("other").await;
    let text = String::from_utf8(text).unwrap();
    assert_eq!(yaml(&api, &other, "", &text).await.ok()["created"], 1_000);
}

#[tokio::test]
async fn an_export_that_breaks_off_does_not_look_whole() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let many: Value = (0..100).map(|n| agent(&format!("a{n}"), json!({}))).collect::<Vec<_>>().into();
    import(&api, &acme, "", &many).await.ok();
    api.world.faults().plan("AGENTS_IN_USE", 2, When::Before);
    let request = axum::http::Request::get("/api/v1/agents/export")
        .header("authorization", format!("Bearer {}", acme.admin))
        .body(Body::empty())
        .unwrap();
    let response = api.open(request).await;
    assert!(response.into_body().collect().await.is_err());
    assert!(api.world.take_log()[0].contains("broke off"));
    api.world.faults().plan("AGENTS_IN_USE", 1, When::Before);
    assert_eq!(export(&api, &acme, "").await.problem().0, 503, "before the first piece it is a problem");
}

/// Any JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has it", |number| number.is_finite()).prop_map(Value::from),
        "[ -~\n\t\u{e9}]{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[ -~]{0,6}", inner, 0..3)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

/// Random agents that hand off to each other.
fn files() -> impl Strategy<Value = Vec<Value>> {
    let text = "[a-zA-Z{}:#\\-\"'| \n\t\u{e9}]{1,40}".prop_map(|text| format!("x{text}"));
    let name = "[A-Z][a-z]{1,8}( [a-z:#]{1,8}){0,2}";
    let optional = (
        prop::option::of(text.clone()),
        prop::option::of(1..10_000_u32),
        prop::collection::btree_set("[a-z_]{1,8}", 0..3),
        prop::collection::btree_set("[a-z :#]{0,6}[a-z]", 0..3),
        prop::option::of(0..1_000_000_u64),
        prop::collection::btree_map("[a-uw-z: ]{1,6}", any_json(), 0..3),
        prop::sample::select(vec!["draft", "published", "active", "inactive", "deprecated"]),
    );
    let agent = (name, text, optional, prop::collection::btree_set(0..6_usize, 0..3));
    prop::collection::vec(agent, 1..6).prop_map(|agents| {
        let count = agents.len();
        let one = |(i, (name, instructions, optional, targets)): (usize, (_, String, _, std::collections::BTreeSet<usize>))| {
            let (description, most, tools, labels, cents, config, status) = optional;
            let name: String = name;
            let targets: Vec<String> =
                targets.into_iter().filter(|t| *t < count && *t != i).map(|t| format!("a{t}")).collect();
            let mut agent = json!({
                "slug": format!("a{i}"), "name": name, "instructions": instructions, "model": "a:b", "tools": tools,
                "labels": labels, "config": config, "status": status, "handoff_targets": targets,
            });
            let mut set = |field: &str, value: Value| agent[field] = value;
            if let Some(description) = description { let description: String = description; set("description", description.into()) }
            if let Some(most) = most { let most: u32 = most; set("max_concurrency", most.into()); set("cache", json!({"ttl_s": most}));
                set("run", json!({"max_tool_calls": most})); set("on_busy", "latest".into()) }
            if let Some(cents) = cents {
                let cents: u64 = cents;
                set("budget", json!({"limit_usd": format!("{}.{:02}", cents / 100, cents % 100), "period": "month"}));
            }
            agent
        };
        agents.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_exported_imports_to_the_same_definitions(file in files()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let api = Api::new();
            let acme = api.tenant("acme").await;
            import(&api, &acme, "", &file.clone().into()).await.ok();
            let by_slug = |document: Value| {
                let mut agents = document["agents"].as_array().unwrap().clone();
                agents.sort_by_key(|agent| agent["slug"].as_str().unwrap().to_owned());
                agents
            };
            let first = by_slug(export(&api, &acme, "").await.ok());
            for format in ["json", "yaml"] {
                let other = api.tenant(&format!("other-{format}")).await;
                let text = export(&api, &acme, &format!("?format={format}")).await;
                let text = String::from_utf8(text.body.to_vec()).unwrap();
                let report = yaml(&api, &other, "", &text).await.ok();
                assert_eq!(report["created"], file.len(), "{text}");
                assert_eq!(by_slug(export(&api, &other, "").await.ok()), first, "{text}");
                let again = yaml(&api, &acme, "?mode=update", &text).await.ok();
                assert_eq!(again["skipped"], file.len(), "{text}");
            }
        });
    }
}

#[tokio::test]
async fn no_agent_is_called_as_an_endpoint_is() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    for name in ["export", "Import", "validate"] {
        let body = json!({"name": name, "instructions": "x", "model": "a:b"});
        let made = api.post("/api/v1/agents").key(&acme.admin).json(&body).send().await.created();
        assert_eq!(made["slug"], format!("{}-2", name.to_lowercase()), "{name}");
    }
    let moved = api.put("/api/v1/agents/a").key(&acme.admin).json(&json!({"slug": "export"})).send().await;
    assert_eq!(moved.fields(), ["slug"]);
}

#[tokio::test]
async fn the_report_of_many_faults_is_bounded() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let agent = |n: usize| {
        let mut fields =
            json!({"name": format!("n{n}"), "instructions": "x", "model": "a:b", "instuctions": "x"});
        for i in 0..100 {
            fields[format!("strange_{i}")] = i.into();
        }
        fields
    };
    let file: Vec<Value> = (0..100).map(agent).collect();
    let report = import(&api, &acme, "?format=retinue", &json!(file)).await.json();
    let rows = report["results"].as_array().unwrap();
    let listed: usize = rows.iter().filter_map(|row| row["errors"].as_array()).map(Vec::len).sum();
    let more: u64 = rows.iter().filter_map(|row| row["more"].as_u64()).sum();
    assert_eq!((rows.len(), listed, more + listed as u64 > 5_000), (100, 200, true), "{more}");
    assert!(report["detail"].as_str().unwrap().contains(&format!("and {more} more")), "{}", report["detail"]);
    assert!(rows.iter().all(|row| row["result"] == "invalid") && report.to_string().len() < 600_000);
}

#[tokio::test]
async fn a_file_of_nothing_but_faults_is_answered_briefly() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let reply = import(&api, &acme, "", &vec![json!({}); 1_000].into()).await;
    assert_eq!(reply.status, 400);
    let text = String::from_utf8_lossy(&reply.body);
    assert!(text.len() < 90_000, "{} bytes", text.len());
    assert!(text.contains("more errors"), "what is left out is counted");
}
