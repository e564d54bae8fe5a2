//! The kit for declared kinds, on a kind that the product does not have (`gadgets.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::Method;
use retinue::domain::admission::ask::{Epoch, Learn};
use retinue::domain::admission::command::Learned;
use retinue::face;
use retinue::http::document::document_of;
use retinue::ports::{Accounts, World};
use retinue::service::declared::{KindList, Kinds, Plain, Visitor};
use serde_json::{Value, json};

use crate::gadgets::Gadget;
use crate::matrix::{Subject, try_all};
use crate::support::{Api, FakeWorld, Reply, Tenant, When, settings};

/// The product's kinds and the made-up one.
struct AlsoGadgets;

impl KindList for AlsoGadgets {
    fn visit(visitor: &mut impl Visitor) {
        Kinds::visit(visitor);
        visitor.kind::<Plain<Gadget>>();
    }
}

fn document() -> Value {
    serde_json::to_value(document_of::<FakeWorld, AlsoGadgets>(face::All)).unwrap()
}

async fn stage() -> (Api, Tenant) {
    let api = Api::with_kinds::<AlsoGadgets>(settings());
    let acme = api.tenant("acme").await;
    (api, acme)
}

async fn put(api: &Api, acme: &Tenant, name: &str, body: &Value) -> Reply {
    api.put(&format!("/api/v1/gadgets/{name}")).key(&acme.admin).json(body).send().await
}

#[tokio::test]
async fn a_kind_of_one_file_and_one_line_is_listed_shown_written_changed_and_deleted() {
    let (api, acme) = stage().await;
    let made = put(&api, &acme, "torch", &json!({"weight": 5, "colour": "red"})).await;
    let tag = made.header("etag").to_owned();
    let at = "2026-11-21T12:00:00.000Z";
    let torch = json!({"name": "torch", "weight": 5, "colour": "red", "created_at": at, "updated_at": at});
    assert_eq!(made.ok(), torch);
    let shown = api.get("/api/v1/gadgets/torch").key(&acme.member).send().await;
    assert_eq!(shown.header("etag"), tag);
    assert_eq!(shown.ok(), torch);
    assert_eq!(api.get("/accounts/acme/gadgets/torch").key(&acme.member).send().await.ok(), torch);

    api.world.clock().advance(1_000);
    let patch = json!({"weight": 6, "colour": null});
    let patched =
        api.request(Method::PATCH, "/api/v1/gadgets/torch").key(&acme.admin).json(&patch).send().await.ok();
    let later = "2026-11-21T12:00:01.000Z";
    assert_eq!(patched, json!({"name": "torch", "weight": 6, "created_at": at, "updated_at": later}));

    put(&api, &acme, "axe", &json!({"weight": 900})).await.ok();
    let first = api.get("/api/v1/gadgets?limit=1").key(&acme.member).send().await.ok();
    assert_eq!((&first["data"][0]["name"], &first["next_cursor"]), (&json!("axe"), &json!("axe")));
    let second = api.get("/api/v1/gadgets?limit=1&cursor=axe").key(&acme.member).send().await.ok();
    assert_eq!(second, json!({"data": [patched], "next_cursor": null}));

    api.delete("/api/v1/gadgets/torch").key(&acme.admin).send().await.no_content();
    let gone = api.get("/api/v1/gadgets/torch").key(&acme.member).send().await;
    assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    assert!(gone.detail().contains("GET /api/v1/gadgets lists them"), "{}", gone.detail());
    assert_eq!(
        api.post("/api/v1/gadgets").key(&acme.admin).json(&json!({})).send().await.problem().0,
        405,
        "clients choose the names"
    );
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let (api, acme) = stage().await;
    for (name, body, fields) in [
        ("torch", json!({}), vec!["weight"]),
        ("torch", json!({"weight": 0}), vec!["weight"]),
        ("Torch!", json!({"weight": 0}), vec!["name", "weight"]),
        ("torch", json!({"weight": 1, "color": "red"}), vec!["color"]),
        ("torch", json!({"weight": 1, "colour": "r".repeat(300_000)}), vec!["(body)"]),
    ] {
        assert_eq!(put(&api, &acme, name, &body).await.fields(), fields, "{name}");
    }
}

#[tokio::test]
async fn a_change_is_made_only_over_the_state_that_the_client_names() {
    let (api, acme) = stage().await;
    let call = |method: Method, header: &'static str, value: &str| {
        let call = api.request(method, "/api/v1/gadgets/torch").key(&acme.admin).header(header, value);
        call.json(&json!({"weight": 7})).send()
    };
    assert_eq!(call(Method::PUT, "if-match", "*").await.problem().0, 412, "there is none");
    let made = call(Method::PUT, "if-none-match", "*").await;
    let old = made.header("etag").to_owned();
    made.ok();
    assert_eq!(call(Method::PUT, "if-none-match", "*").await.problem().0, 412, "there is one");
    put(&api, &acme, "torch", &json!({"weight": 8})).await.ok();
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let refused = call(method.clone(), "if-match", &old).await;
        assert_eq!(refused.problem(), (412, "precondition_failed".to_owned()), "{method}");
    }
    let shown = api.get("/api/v1/gadgets/torch").key(&acme.member).send().await;
    let new = format!("\"other\", W/{}", shown.header("etag"));
    call(Method::PATCH, "if-match", &new).await.ok();
    assert_eq!(call(Method::PUT, "if-match", "torch").await.problem().0, 400, "a tag has quotes");
    let both = api.put("/api/v1/gadgets/torch").key(&acme.admin).header("if-match", "*");
    let both = both.header("if-none-match", "*").json(&json!({"weight": 9})).send().await;
    assert_eq!(both.problem().0, 400, "both never hold");
}

#[tokio::test]
async fn what_a_cache_asks_with_is_no_fault_of_a_get() {
    let (api, acme) = stage().await;
    let made = put(&api, &acme, "torch", &json!({"weight": 5})).await;
    for (header, value) in
        [("if-none-match", made.header("etag")), ("if-none-match", "W/\"old\""), ("if-match", "unquoted")]
    {
        for path in ["/api/v1/gadgets/torch", "/api/v1/gadgets"] {
            api.get(path).key(&acme.member).header(header, value).send().await.ok();
        }
    }
}

#[tokio::test]
async fn a_write_is_logged_and_holds_from_the_next_call_and_what_changes_nothing_is_not_written() {
    let (api, acme) = stage().await;
    let epoch = || api.world.accounts().ask(acme.id, Epoch);
    let before = epoch().await.unwrap();
    put(&api, &acme, "torch", &json!({"weight": 5})).await.ok();
    let after = epoch().await.unwrap();
    assert!(after > before);
    put(&api, &acme, "torch", &json!({"weight": 5})).await.ok();
    assert_eq!(epoch().await.unwrap(), after);
    api.world.clock().advance(1);
    put(&api, &acme, "torch", &json!({"weight": 6})).await.ok();
    api.world.clock().advance(1);
    api.delete("/api/v1/gadgets/torch").key(&acme.admin).send().await.no_content();

    let changes = api.get("/api/v1/changes?subject=gadget&id=torch").key(&acme.member).send().await.ok();
    let lines: Vec<_> = changes["data"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|line| (line["action"].as_str().unwrap(), line["before"].clone(), line["after"].clone()))
        .collect();
    assert_eq!(
        lines,
        [
            ("create", json!(null), json!({"weight": 5})),
            ("update", json!({"weight": 5}), json!({"weight": 6})),
            ("delete", json!({"weight": 6}), json!(null)),
        ]
    );
    let unknown = api.get("/api/v1/changes?subject=widget").key(&acme.member).send().await;
    assert_eq!(unknown.fields(), ["subject"]);
    assert!(unknown.detail().contains("gadget"), "{}", unknown.detail());
}

#[tokio::test]
async fn an_account_has_as_many_as_its_plan_says_or_else_the_kind() {
    let (api, acme) = stage().await;
    let weight = json!({"weight": 1});
    for name in ["a", "b", "c"] {
        put(&api, &acme, name, &weight).await.ok();
    }
    let full = put(&api, &acme, "d", &weight).await;
    assert_eq!(full.problem(), (403, "plan_limit_exceeded".to_owned()));
    put(&api, &acme, "c", &json!({"weight": 2})).await.ok();
    let sql = "UPDATE plans SET declarations = '{\"gadget\": 4}'";
    api.world.database().with(|db| db.execute(sql, []).unwrap());
    put(&api, &acme, "d", &weight).await.ok();
    assert_eq!(put(&api, &acme, "e", &weight).await.problem().0, 403);
    api.delete("/api/v1/gadgets/a").key(&acme.admin).send().await.no_content();
    put(&api, &acme, "e", &weight).await.ok();
}

/// Lets another write a gadget right before each of these operations that is armed.
fn meddle(api: &Api, operation: &str, sql: &'static str) -> Arc<AtomicBool> {
    let (database, armed) = (api.world.database().clone(), Arc::new(AtomicBool::new(false)));
    let fuse = armed.clone();
    api.world.faults().meddle(operation, move || {
        if fuse.swap(false, Ordering::SeqCst) {
            database.with(|db| assert_eq!(db.execute(sql, []).unwrap(), 1));
        }
    });
    armed
}

#[tokio::test]
async fn a_write_is_made_over_what_another_wrote_meanwhile_or_not_at_all() {
    let (api, acme) = stage().await;
    let (weight, red) = (
        json!({"weight": 5}),
        "UPDATE declarations SET updated_at = updated_at + 5,
        body = '{\"weight\":5,\"colour\":\"red\"}' WHERE name = 'torch'",
    );
    let armed = [meddle(&api, "PUT_DECLARATION", red), meddle(&api, "DELETE_DECLARATION", red)];
    let arm = || armed.iter().for_each(|armed| armed.store(true, Ordering::SeqCst));
    let call = |method: Method, header: Option<&str>| {
        let call = api.request(method, "/api/v1/gadgets/torch").key(&acme.admin);
        let call = match header {
            Some(tag) => call.header("if-match", tag),
            None => call,
        };
        call.json(&json!({"weight": 7})).send()
    };
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let tag = put(&api, &acme, "torch", &weight).await.header("etag").to_owned();
        arm();
        assert_eq!(call(method.clone(), Some(&tag)).await.problem().0, 412, "{method}");
        let shown = api.get("/api/v1/gadgets/torch").key(&acme.member).send().await.ok();
        assert_eq!((&shown["weight"], &shown["colour"]), (&json!(5), &json!("red")), "{method}");
    }
    put(&api, &acme, "torch", &weight).await.ok();
    arm();
    let patched = call(Method::PATCH, None).await.ok();
    assert_eq!((&patched["weight"], &patched["colour"]), (&json!(7), &json!("red")));
}

#[tokio::test]
async fn of_two_that_put_what_is_not_there_one_makes_it() {
    let (api, acme) = stage().await;
    let sql = "INSERT INTO declarations SELECT id, 'gadget', 'torch', '{\"weight\":1}', 1, 1 FROM accounts";
    let armed = meddle(&api, "PUT_DECLARATION", sql);
    armed.store(true, Ordering::SeqCst);
    let call = api.put("/api/v1/gadgets/torch").key(&acme.admin).header("if-none-match", "*");
    let refused = call.json(&json!({"weight": 7})).send().await;
    assert_eq!(refused.problem(), (412, "precondition_failed".to_owned()));
    assert_eq!(api.get("/api/v1/gadgets/torch").key(&acme.member).send().await.ok()["weight"], 1);
}

#[tokio::test]
async fn writers_at_once_lose_nothing() {
    let (api, acme) = stage().await;
    put(&api, &acme, "torch", &json!({"weight": 1})).await.ok();
    let patches = (0..20).map(|n| {
        let (api, key) = (api.clone(), acme.admin.clone());
        let patch = if n % 2 == 0 { json!({"weight": n + 2}) } else { json!({"colour": format!("c{n}")}) };
        tokio::spawn(async move {
            let call = api.request(Method::PATCH, "/api/v1/gadgets/torch").key(&key);
            call.json(&patch).send().await.ok();
        })
    });
    futures_util::future::join_all(patches).await.into_iter().for_each(|done| done.unwrap());
    let changes = api.get("/api/v1/changes?subject=gadget").key(&acme.member).send().await.ok();
    assert_eq!(changes["data"].as_array().unwrap().len(), 21, "each is a change of its own");
}

#[tokio::test]
async fn what_is_exported_is_imported_elsewhere_and_again_changes_nothing() {
    let (api, acme) = stage().await;
    let eve = api.tenant("eve").await;
    let put_as = |path: &str, body: Value| api.put(path).key(&acme.admin).json(&body).send();
    put_as("/api/v1/gadgets/torch", json!({"weight": 5})).await.ok();
    put_as("/api/v1/aliases/fast", json!({"model": "mine:small/one"})).await.ok();
    put_as(
        "/api/v1/providers/mine",
        json!({"base_url": "https://a.example.com/v1", "api_key": "k-12345678"}),
    )
    .await
    .ok();
    put_as(
        "/api/v1/models/mine/small/one",
        json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "2",
        "context_tokens": 100, "max_output_tokens": 10, "capabilities": ["tools"],
        "long_context": {"above_tokens": 50, "input_usd_per_mtok": "2", "output_usd_per_mtok": "3"}}),
    )
    .await
    .ok();
    put_as("/api/v1/templates/mail", json!({"name": "Mail", "definition": {"model": "fast"}})).await.ok();

    let export = |key: &str| api.get("/api/v1/export").key(key).send();
    let file = export(&acme.admin).await.ok();
    let kinds: Vec<&str> =
        file["declarations"].as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["provider", "model", "alias", "template", "gadget"]);
    assert!(!file.to_string().contains("k-1234"), "{file}");
    let some = api.get("/api/v1/export?kinds=gadgets,aliases").key(&acme.admin).send().await.ok();
    assert_eq!(some["declarations"].as_array().unwrap().len(), 2);
    let unknown = api.get("/api/v1/export?kinds=widgets").key(&acme.admin).send().await;
    assert_eq!(unknown.fields(), ["kinds"]);

    let import = |query: &str, file: &Value| {
        api.post(&format!("/api/v1/import{query}")).key(&eve.admin).json(file).send()
    };
    let dry = import("?dry_run=true&mode=update", &some).await.ok();
    assert_eq!((&dry["created"], &dry["dry_run"]), (&json!(2), &json!(true)));
    assert_eq!(export(&eve.admin).await.ok()["declarations"], json!([]));
    // Whatever the order of the file, what others refer to comes first.
    let mut backwards = file.clone();
    backwards["declarations"].as_array_mut().unwrap().reverse();
    let mut dry = import("?dry_run=true", &backwards).await.ok();
    let taken = import("", &backwards).await.ok();
    dry["dry_run"] = json!(false);
    assert_eq!(dry, taken, "a dry run says what the write does");
    assert_eq!(taken["created"], 5, "{taken}");
    assert_eq!(export(&eve.admin).await.ok(), file);
    assert_eq!(import("?mode=update", &file).await.ok()["unchanged"], 5);

    let mut other = file.clone();
    other["declarations"][4]["body"]["weight"] = json!(6);
    assert_eq!(import("", &other).await.ok()["skipped"], 5);
    let updated = import("?mode=update", &other).await.ok();
    assert_eq!((&updated["updated"], &updated["unchanged"]), (&json!(1), &json!(4)));
}

#[tokio::test]
async fn a_dry_run_counts_the_limits_as_the_write_does() {
    let (api, acme) = stage().await;
    api.world
        .database()
        .with(|db| db.execute("UPDATE plans SET declarations = '{\"gadget\": 3}'", []).unwrap());
    put(&api, &acme, "g1", &json!({"weight": 1})).await.ok();
    let import = |query: &str, rows: &[Value]| {
        let file = json!({"declarations": rows});
        api.post(&format!("/api/v1/import{query}")).key(&acme.admin).json(&file).send()
    };
    let gadgets: Vec<Value> =
        (0..5).map(|n| json!({"kind": "gadget", "name": format!("g{n}"), "body": {"weight": 1}})).collect();
    let aliases: Vec<Value> = (0..200)
        .map(|n| json!({"kind": "alias", "name": format!("a{n}"), "body": {"model": "openai:gpt-4o"}}))
        .collect();
    for (rows, refused) in [(&gadgets, 2), (&aliases, 0)] {
        for mode in ["?mode=skip", "?mode=update"] {
            let mut dry = import(&format!("{mode}&dry_run=true"), rows).await.ok();
            dry["dry_run"] = json!(false);
            let written = import(mode, rows).await.ok();
            assert_eq!(dry, written, "{mode}");
            assert!(written["refused"].as_u64().unwrap() >= refused, "{written}");
        }
    }
}

#[tokio::test]
async fn a_dry_run_knows_the_aliases_of_the_file_as_the_write_keeps_them() {
    for line in ["gpt-4.1-mini", "openai/gpt-4.1-mini", "openai:gpt-4.1-mini"] {
        let (api, acme) = crate::moving::account().await;
        let file = json!({"declarations": [
            {"kind": "alias", "name": "fast", "body": {"model": line}},
            {"kind": "template", "name": "mail", "body": {"name": "Mail", "definition": {"model": "fast"}}},
        ]});
        let import =
            |query: &str| api.post(&format!("/api/v1/import{query}")).key(&acme.admin).json(&file).send();
        let mut dry = import("?dry_run=true").await.ok();
        dry["dry_run"] = json!(false);
        let written = import("").await.ok();
        assert_eq!(dry, written, "{line}");
        assert_eq!(written["created"], 2, "{written}");
    }
}

#[tokio::test]
async fn an_export_has_few_things_in_memory() {
    let (api, acme) = stage().await;
    api.world
        .database()
        .with(|db| db.execute("UPDATE plans SET declarations = '{\"gadget\": 100}'", []).unwrap());
    let rows: Vec<_> =
        (0..45).map(|n| json!({"kind": "gadget", "name": format!("g{n}"), "body": {"weight": 1}})).collect();
    let file = json!({"declarations": rows});
    api.post("/api/v1/import").key(&acme.admin).json(&file).send().await.ok();
    api.world.faults().take_done();
    let file = api.get("/api/v1/export?kinds=gadgets").key(&acme.admin).send().await.ok();
    assert_eq!(file["declarations"].as_array().unwrap().len(), 45);
    let reads = api.world.faults().take_done().iter().filter(|done| *done == "DECLARATIONS").count();
    assert_eq!(reads, 3, "of 45 at most 20 at once");
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_refused_whole_and_what_does_not_fit_the_account_by_itself() {
    let (api, acme) = stage().await;
    let row = |kind: &str, name: &str, body: Value| json!({"kind": kind, "name": name, "body": body});
    let import = |rows: Vec<Value>| {
        api.post("/api/v1/import").key(&acme.admin).json(&json!({"declarations": rows})).send()
    };
    let bad = import(vec![
        row("gadget", "a", json!({"weight": 1})),
        row("gadget", "b", json!({"weight": 0})),
        row("member", "c", json!({})),
        row("gadget", "a", json!({"weight": 2})),
    ]);
    let faults = ["declarations[1].body.weight", "declarations[2].kind", "declarations[3].name"];
    assert_eq!(bad.await.fields(), faults);
    assert_eq!(api.get("/api/v1/gadgets").key(&acme.member).send().await.ok()["data"], json!([]));
    let many = ["a", "b", "c", "d"].map(|name| row("gadget", name, json!({"weight": 1})));
    let taken = import(many.to_vec()).await.ok();
    assert_eq!((&taken["created"], &taken["refused"]), (&json!(3), &json!(1)));
    assert!(taken["results"][3]["detail"].as_str().unwrap().contains("plan allows no more"), "{taken}");
    let most = vec![row("gadget", "a", json!({"weight": 1})); 501];
    assert_eq!(import(most).await.fields(), ["declarations"]);
}

#[tokio::test]
async fn a_body_in_a_file_is_an_object() {
    let (api, acme) = stage().await;
    for body in [json!(["openai:gpt-4.1"]), json!("openai:gpt-4.1"), json!(null), json!(1)] {
        let file = json!({"declarations": [{"kind": "alias", "name": "fast", "body": body}]});
        let reply = api.post("/api/v1/import").key(&acme.admin).json(&file).send().await;
        assert_eq!(reply.problem(), (400, "validation_failed".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn an_import_that_takes_long_and_dies_holds_from_the_next_call_too() {
    let (api, acme) = stage().await;
    let (world, id) = (api.world.clone(), acme.id);
    api.world.faults().meddle("PUT_DECLARATION", move || {
        world.clock().advance(25_000);
        world.accounts().alarm(id);
    });
    // Nothing that begins is ended but by the object.
    (1..=9).for_each(|nth| api.world.faults().plan("end_write", nth, When::Before));
    let rows = ["a", "b", "c"].map(|name| json!({"kind": "gadget", "name": name, "body": {"weight": 1}}));
    let epoch = || api.world.accounts().ask(acme.id, Epoch);
    let file = json!({"declarations": rows});
    api.post("/api/v1/import").key(&acme.admin).json(&file).send().await.ok();
    let at_the_last_write = epoch().await.unwrap();
    api.world.clock().advance(61_000);
    api.world.accounts().alarm(acme.id);
    assert!(epoch().await.unwrap() > at_the_last_write, "rows read before the last write are still taken");
}

#[tokio::test]
async fn the_document_and_the_tenancy_matrix_cover_it() {
    let document = document();
    let operation = &document["paths"]["/api/v1/gadgets/{name}"]["put"];
    assert_eq!(operation["operationId"], "put_gadget");
    assert_eq!(document["components"]["schemas"]["Gadget"]["properties"]["weight"]["maximum"], 1000);
    let tried = try_all(Subject { api: Api::with_kinds::<AlsoGadgets>, document: self::document }, |id| {
        id.contains("gadget")
    });
    assert_eq!(tried.await, 10, "five verbs under two roots");
}

/// The copies that the account's object keeps: kind, name, revision and body.
fn kept(api: &Api, acme: &Tenant) -> Vec<(String, String, i64, Option<String>)> {
    let disk = api.world.accounts().disk(acme.id);
    let db = disk.db();
    let mut rows = db.prepare("SELECT kind, name, revision, body FROM declared ORDER BY kind, name").unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    rows.query_map([], row).unwrap().map(Result::unwrap).collect()
}

fn undelivered(api: &Api) -> i64 {
    let count = "SELECT count(*) FROM declaration_outbox";
    api.world.database().with(|db| db.query_row(count, [], |row| row.get(0)).unwrap())
}

#[tokio::test]
async fn an_object_that_keeps_copies_has_what_was_written_last() {
    let (api, acme) = stage().await;
    let told = || async {
        api.world.settled().await;
        kept(&api, &acme)
    };
    let began = api.world.clock().now().0 - 1;
    let row = |name: &str, nth: i64, body: Option<Value>| {
        ("gadget".to_owned(), name.to_owned(), began + nth, body.map(|body| body.to_string()))
    };
    put(&api, &acme, "torch", &json!({"weight": 5})).await.ok();
    assert_eq!(told().await, [row("torch", 1, Some(json!({"weight": 5})))]);
    put(&api, &acme, "torch", &json!({"weight": 5})).await.ok();
    put(&api, &acme, "axe", &json!({"weight": 7})).await.ok();
    api.delete("/api/v1/gadgets/torch").key(&acme.admin).send().await.no_content();
    assert_eq!(told().await, [row("axe", 2, Some(json!({"weight": 7}))), row("torch", 3, None)]);
    // What was held up on its way comes late, and changes nothing.
    let late = |nth: i64| Learned {
        kind: "gadget".to_owned(),
        name: "torch".to_owned(),
        revision: (began + nth).try_into().unwrap(),
        body: Some("{}".to_owned()),
    };
    api.world.accounts().ask(acme.id, Learn(vec![late(2)])).await.unwrap();
    assert_eq!(told().await[1], row("torch", 3, None));
    api.world.accounts().crash(acme.id);
    assert_eq!(told().await.len(), 2, "it is on disk");
    let import = json!({"declarations": [{"kind": "gadget", "name": "saw", "body": {"weight": 1}}]});
    api.post("/api/v1/import").key(&acme.admin).json(&import).send().await.ok();
    assert_eq!(told().await[1], row("saw", 4, Some(json!({"weight": 1}))));
}

#[tokio::test]
async fn an_object_learns_what_changes_after_the_database_was_put_back() {
    let (api, acme) = stage().await;
    put(&api, &acme, "torch", &json!({"weight": 5})).await.ok();
    let before = api.world.database().with(|db| {
        db.query_row("SELECT revision FROM account_counts", [], |row| row.get::<_, i64>(0)).unwrap()
    });
    for weight in [6, 7, 8] {
        put(&api, &acme, "torch", &json!({"weight": weight})).await.ok();
    }
    api.world.settled().await;
    api.world.database().with(|db| db.execute("UPDATE account_counts SET revision = ?1", [before]).unwrap());
    api.world.clock().advance(1_000);
    put(&api, &acme, "torch", &json!({"weight": 9})).await.ok();
    api.world.settled().await;
    assert_eq!(kept(&api, &acme)[0].3, Some(json!({"weight": 9}).to_string()));
}

#[tokio::test]
async fn an_object_that_could_not_be_told_is_told_by_the_next_sweep() {
    let (api, acme) = stage().await;
    for side in [When::Before, When::After] {
        // The write begins and ends, and then its object is told.
        api.world.faults().plan("learn", 1, side);
        let weight = json!({"weight": if side == When::Before { 5 } else { 6 }});
        put(&api, &acme, "torch", &weight).await.ok();
        api.world.settled().await;
        assert_eq!(undelivered(&api), 1);
        api.world.sweep().await;
        let rows = kept(&api, &acme);
        assert_eq!(rows[0].3, Some(weight.to_string()));
        assert_eq!(undelivered(&api), 0);
    }
}

#[tokio::test]
async fn objects_that_cannot_be_told_keep_no_other_from_it_for_ever() {
    let (api, _) = stage().await;
    let mut tenants = Vec::new();
    for n in 0..11 {
        tenants.push(api.tenant(&format!("tenant-{n}")).await);
    }
    (1..=1_000).for_each(|nth| api.world.faults().plan("learn", nth, When::Before));
    for tenant in &tenants {
        put(&api, tenant, "torch", &json!({"weight": 5})).await.ok();
    }
    api.world.settled().await;
    api.world.take_log();
    for _ in 0..30 {
        api.world.sweep().await;
    }
    let log = api.world.take_log();
    for tenant in &tenants {
        let id = tenant.id.to_string();
        assert!(log.iter().any(|line| line.contains(&id)), "{} was not tried", tenant.slug);
    }
}

#[tokio::test]
async fn an_import_that_is_too_much_for_one_request_is_completed_by_repeating_it() {
    let (api, acme) = stage().await;
    let model = json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "context_tokens": 100,
        "max_output_tokens": 10, "capabilities": []});
    let row = |n: usize| json!({"kind": "model", "name": format!("own/{n}"), "body": model});
    let file = json!({"declarations": (0..300).map(row).collect::<Vec<_>>()});
    let mut rounds = 0;
    loop {
        rounds += 1;
        let done = api.post("/api/v1/import?mode=update").key(&acme.admin).json(&file).send().await.ok();
        assert!(done["created"].as_u64().unwrap() >= 60, "{rounds}: {}", done["created"]);
        if done["pending"] == 0 {
            assert_eq!(done["unchanged"].as_u64().unwrap() + done["created"].as_u64().unwrap(), 300);
            break;
        }
    }
    assert_eq!(rounds, 3);
}

#[tokio::test]
async fn a_file_needs_the_scope_of_each_kind_in_it() {
    let (api, acme) = stage().await;
    let scopes = json!(["configuration:write", "models:write"]);
    let key = api.issue("acme", &json!({"name": "narrow", "role": "admin", "scopes": scopes})).await;
    let import =
        |rows: Value| api.post("/api/v1/import").key(&key).json(&json!({"declarations": rows})).send();
    let alias = json!({"kind": "alias", "name": "fast", "body": {"model": "openai:x"}});
    let provider =
        json!({"kind": "provider", "name": "evil", "body": {"base_url": "https://evil.example.com/v1"}});
    let gadget = json!({"kind": "gadget", "name": "torch", "body": {"weight": 1}});
    let refused = import(json!([alias, provider])).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    assert!(refused.detail().contains("providers:write"), "{}", refused.detail());
    assert_eq!(api.get("/api/v1/aliases").key(&acme.member).send().await.ok()["data"], json!([]));
    assert_eq!(import(json!([alias, gadget])).await.ok()["created"], 2);
    let export = |kinds: &str| api.get(&format!("/api/v1/export{kinds}")).key(&key).send();
    assert_eq!(export("").await.problem().0, 403);
    assert_eq!(export("?kinds=aliases,gadgets").await.ok()["declarations"].as_array().unwrap().len(), 2);
}
