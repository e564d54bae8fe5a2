//! `scripts/import`: a folder of agent files of several systems.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::schema;
use crate::support::{Api, Tenant};

/// Serves the API on a port of this machine until the test ends.
async fn serve(api: &Api) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let api = api.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let api = api.clone();
            let answer = service_fn(move |request: hyper::Request<Incoming>| {
                let api = api.clone();
                async move { Ok::<_, std::convert::Infallible>(api.open(request.map(Body::new)).await) }
            });
            tokio::spawn(async move {
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    url
}

/// A folder with these files, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("import-{}-{number}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The lines of the table without the blanks that align it, the last line of standard error, and the status.
async fn run(
    folder: &Folder,
    url: &str,
    tenant: &Tenant,
    flags: &[&str],
) -> (Vec<String>, String, Option<i32>) {
    let output = Command::new(schema::root().join("node_modules/.bin/node"))
        .arg(schema::root().join("scripts/import.d/main.mjs"))
        .args(flags)
        .args(["--url", url, "--model", "openai:gpt-4o", "."])
        .current_dir(&folder.0)
        .env("RETINUE_KEY", &tenant.admin)
        .output()
        .await
        .unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let table = String::from_utf8(output.stdout).unwrap().lines().map(words).collect();
    let said = String::from_utf8(output.stderr).unwrap();
    (table, said.lines().last().unwrap_or_default().to_owned(), output.status.code())
}

#[tokio::test]
async fn a_folder_is_shown_first_and_moved_on_demand() {
    let api = Api::here();
    let acme = api.tenant("acme").await;
    let url = serve(&api).await;
    let folder = Folder::new(&[
        ("crew/agents.yaml", "cook:\n  role: Cook\n  goal: Soup\n  backstory: Old.\n"),
        ("crew/tasks.yaml", "boil:\n  description: Boil.\n  expected_output: Soup.\n"),
        (
            "a_lead/root_agent.yaml",
            "name: lead\ninstruction: Lead.\nsub_agents: [{config_path: ../late.yaml}]\n",
        ),
        ("late.yaml", "name: late\ninstruction: Come.\n"),
        (".claude/agents/tester.md", "---\nname: tester\ncolor: red\n---\nTest.\n"),
        ("knots/SKILL.md", "---\nname: knots\ndescription: Ties.\n---\nTie.\n"),
        ("README.md", "# Nothing"),
        ("notes.txt", "nothing"),
    ]);
    let (table, said, status) = run(&folder, &url, &acme, &[]).await;
    let expected = [
        "file format agent would be notes",
        ".claude/agents/tester.md markdown tester created 1 field kept",
        "a_lead/root_agent.yaml adk lead created 1 field kept",
        "crew/agents.yaml crewai cook created",
        "crew/tasks.yaml crewai refused (file): is a list of tasks (the agents are in `agents.yaml`) of CrewAI, not an agent",
        "knots/SKILL.md skill knots created",
        "late.yaml adk late created",
    ];
    assert_eq!(table, expected);
    assert_eq!(
        said,
        "6 files: 5 created, 0 updated, 0 skipped, 1 refused; nothing was written: --write does it"
    );
    assert_eq!(status, Some(1));
    let listed = async || {
        api.get("/api/v1/agents").key(&acme.member).send().await.ok()["data"].as_array().unwrap().len()
    };
    assert_eq!(listed().await, 0);

    let (table, said, _) = run(&folder, &url, &acme, &["--write"]).await;
    assert_eq!(said, "6 files: 5 created, 0 updated, 0 skipped, 1 refused");
    assert_eq!(
        table[2], "a_lead/root_agent.yaml adk lead created 1 field kept",
        "linked once both are there"
    );
    let agent =
        async |slug: &str| api.get(&format!("/api/v1/agents/{slug}")).key(&acme.member).send().await.ok();
    assert_eq!(agent("lead").await["handoff_targets"][0], agent("late").await["id"]);
    let (_, said, _) = run(&folder, &url, &acme, &["--write"]).await;
    assert_eq!(said, "6 files: 0 created, 0 updated, 5 skipped, 1 refused");
}

#[tokio::test]
async fn agents_of_one_name_in_several_files_stay_several() {
    let api = Api::here();
    let acme = api.tenant("acme").await;
    let url = serve(&api).await;
    let crew =
        |cook: &str| format!("cook:\n  role: {cook}\n  goal: Soup\nbaker:\n  role: Baker\n  goal: Bread\n");
    let (sea, land) = (crew("Cook at sea"), crew("Cook on land"));
    let folder = Folder::new(&[
        ("a/agents.yaml", sea.as_str()),
        ("b/agents.yaml", land.as_str()),
        ("team_a/agents/agent.yaml", "instructions: A.\n"),
        ("team_b/agents/agent.yaml", "instructions: B.\n"),
        ("x/one.yaml", "name: Support\ninstructions: One.\n"),
        ("y/two.yaml", "name: Support\ninstructions: Two.\n"),
        ("z/three.yaml", "slug: support\nname: Help\ninstructions: Three.\n"),
    ]);
    let slugs = ["cook", "baker", "cook-2", "baker-2", "agents", "team-b-agents", "support", "support-2"];
    for (flags, word) in [
        (&[][..], "created"),
        (&["--write"], "created"),
        (&["--write"], "skipped"),
        (&["--mode", "update"], "skipped"),
    ] {
        let (table, said, _) = run(&folder, &url, &acme, flags).await;
        assert!(
            said.starts_with("7 files: ") && said.contains(&format!("8 {word}")),
            "{flags:?} {said} {table:#?}"
        );
        for (row, slug) in table.iter().skip(1).zip(slugs) {
            assert!(row.contains(&format!(" {slug} {word}")), "{flags:?}: {slug} is not in {row}");
        }
        assert!(table[9].contains("refused") && table[9].contains("another file's agent"), "{}", table[9]);
    }
    let told = api.get("/api/v1/agents/cook-2").key(&acme.member).send().await.ok();
    assert_eq!(told["name"], "cook");
    assert!(told["instructions"].as_str().unwrap().contains("on land"));
}

#[tokio::test]
async fn three_files_of_one_name_are_each_found_again_and_linked() {
    let api = Api::here();
    let acme = api.tenant("acme").await;
    let url = serve(&api).await;
    let linked = "name: Support\ninstruction: One.\nsub_agents: [{config_path: d.yaml}]\n";
    let texts = ["One", "Two", "Three"].map(|text| linked.replace("One", text));
    let last = "name: last\ninstruction: Last.\n";
    let folder = Folder::new(&[
        ("a.yaml", texts[0].as_str()),
        ("b.yaml", texts[1].as_str()),
        ("c.yaml", texts[2].as_str()),
        ("d.yaml", last),
    ]);
    let (table, said, _) = run(&folder, &url, &acme, &["--write"]).await;
    assert_eq!(said, "4 files: 4 created, 0 updated, 0 skipped, 0 refused", "{table:#?}");
    let agent =
        async |slug: &str| api.get(&format!("/api/v1/agents/{slug}")).key(&acme.member).send().await.ok();
    let last = agent("last").await["id"].clone();
    for (slug, text) in [("support", "One."), ("support-2", "Two."), ("support-3", "Three.")] {
        let made = agent(slug).await;
        assert_eq!((&made["instructions"], &made["handoff_targets"][0]), (&text.into(), &last), "{slug}");
    }
    let (table, said, _) = run(&folder, &url, &acme, &["--mode", "update"]).await;
    assert!(said.starts_with("4 files: 0 created, 0 updated, 4 skipped, 0 refused"), "{said} {table:#?}");
    for (row, slug) in table.iter().skip(1).zip(["support", "support-2", "support-3", "last"]) {
        assert!(row.contains(&format!(" {slug} skipped")), "{slug} is not in {row}");
    }
}

#[tokio::test]
async fn files_of_one_name_are_linked_where_another_agent_has_the_slug_of_it() {
    let api = Api::here();
    let acme = api.tenant("acme").await;
    let url = serve(&api).await;
    api.agent(&acme, &json!({"slug": "support", "name": "Desk"})).await;
    let linked =
        |text: &str| format!("name: Support\ninstruction: {text}.\nsub_agents: [{{config_path: d.yaml}}]\n");
    let (one, two) = (linked("One"), linked("Two"));
    let folder = Folder::new(&[
        ("a.yaml", one.as_str()),
        ("b.yaml", two.as_str()),
        ("d.yaml", "name: last\ninstruction: Last.\n"),
    ]);
    let (table, said, _) = run(&folder, &url, &acme, &["--write"]).await;
    assert_eq!(said, "3 files: 3 created, 0 updated, 0 skipped, 0 refused", "{table:#?}");
    let agent =
        async |slug: &str| api.get(&format!("/api/v1/agents/{slug}")).key(&acme.member).send().await.ok();
    let last = agent("last").await["id"].clone();
    for (slug, text) in [("support-2", "One."), ("support-3", "Two.")] {
        let made = agent(slug).await;
        assert_eq!((&made["instructions"], &made["handoff_targets"][0]), (&text.into(), &last), "{slug}");
    }
}

#[tokio::test]
async fn a_file_that_several_places_lead_to_moves_once() {
    let api = Api::here();
    let acme = api.tenant("acme").await;
    let url = serve(&api).await;
    let folder = Folder::new(&[("agents/a.yaml", "name: A\ninstructions: A.\n")]);
    let whole = folder.0.join("agents");
    let (table, said, _) =
        run(&folder, &url, &acme, &["--write", "agents", whole.to_str().unwrap(), "./agents/a.yaml"]).await;
    assert_eq!(said, "1 files: 1 created, 0 updated, 0 skipped, 0 refused", "{table:#?}");
    assert_eq!(table[1..], ["agents/a.yaml retinue a created"]);
}

#[tokio::test]
async fn a_dry_run_of_many_files_counts_the_plans_room_as_the_write_does() {
    let api = Api::here();
    let acme = api.tenant_on("acme", "budget").await;
    api.world
        .database()
        .with(|db| db.execute("UPDATE plans SET agents = 2 WHERE plan = 'budget'", []).unwrap());
    let url = serve(&api).await;
    let folder = Folder::new(&[
        ("a.yaml", "name: A\ninstructions: A.\n"),
        ("b.yaml", "name: B\ninstructions: B.\n"),
        ("c.yaml", "name: C\ninstructions: C.\n"),
        ("d.yaml", "name: A\ninstructions: Another.\n"),
        ("e.yaml", "kind: Workflow\n"),
    ]);
    let (dry, ..) = run(&folder, &url, &acme, &[]).await;
    let (written, ..) = run(&folder, &url, &acme, &["--write"]).await;
    assert_eq!(dry[1..], written[1..], "the table says what the write does");
    assert!(dry[3].contains("refused") && dry[3].contains("plan"), "{dry:#?}");
    assert!(dry[4].contains("refused"), "{dry:#?}");
}

#[tokio::test]
async fn sub_agents_are_found_by_the_paths_of_their_files() {
    let api = Api::here();
    let acme = api.tenant("acme").await;
    let url = serve(&api).await;
    let root = "name: boss\ninstruction: Lead.\nsub_agents:\n  - config_path: sub/tutor.yaml\n  - config_path: \"./sub/math.yaml\"\n  - config_path: sub/nobody.yaml\n";
    let folder = Folder::new(&[
        ("a/helper.yaml", "name: math_tutor\ninstruction: Another.\n"),
        ("proj/root_agent.yaml", root),
        ("proj/sub/math.yaml", "instruction: Teach maths.\nname: 'math_tutor' # of numbers\n"),
        ("proj/sub/tutor.yaml", "name: tutor\ninstruction: Teach.\n"),
        ("b.yaml", "name: b\ninstruction: B.\n"),
        ("c.yaml", "name: c\ninstruction: C.\n"),
    ]);
    let (dry, ..) = run(&folder, &url, &acme, &[]).await;
    let (table, said, _) = run(&folder, &url, &acme, &["--write"]).await;
    assert_eq!(said, "6 files: 6 created, 0 updated, 0 skipped, 0 refused", "{table:#?}");
    for table in [&dry, &table] {
        let boss = table.iter().find(|row| row.contains(" boss ")).unwrap();
        assert!(boss.ends_with("needs agent nobody"), "{table:#?}");
    }
    let agent =
        async |slug: &str| api.get(&format!("/api/v1/agents/{slug}")).key(&acme.member).send().await.ok();
    let (tutor, math) = (agent("tutor").await["id"].clone(), agent("math-tutor-2").await);
    assert_eq!(math["instructions"], "Teach maths.");
    assert_eq!(agent("boss").await["handoff_targets"], json!([tutor, math["id"]]));
}
