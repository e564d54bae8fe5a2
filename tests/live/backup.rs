//! An environment is backed up while it serves, restored into an empty one, and goes on there.

use std::path::Path;
use std::process::{Command, Stdio};

use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Emulator, Price, Script};
use crate::harness::{Agent, App, DEADLINE, Settings, eventually, live};

fn script(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("scripts").join(name));
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().expect("the script runs");
    let said = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
    assert!(output.status.success(), "{name}: {said}");
    said
}

/// What the agent's callers see of everything.
async fn seen(agent: &Agent, paths: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    for path in paths {
        let call = agent.account.anonymous(Method::GET, &agent.path(path)).key(&agent.account.caller.secret);
        all.push(call.header("accept", "application/json").send().await.expect(200).json());
    }
    all.push(json!(agent.calls().await));
    let budget = agent.budget().await;
    all.push(json!([budget.limit, budget.settled, budget.held]));
    all
}

#[test]
fn what_is_backed_up_while_it_serves_is_restored_elsewhere_and_goes_on_there() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let model = account.model(Price::flat(1_000), Script::default()).await;
        let script_of_look = Script { calls: vec![vec!["look"]], ..Script::default() };
        let looking = account.model(Price::flat(1_000), script_of_look).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(1_000_000_000).create().await;
        let line = format!("emu:{}", looking.code);
        let asking = account.agent(&line).capped(1_000_000_000).create().await;

        agent.chat("hello").await.expect(200);
        for n in 0..3 {
            let run = json!({"message": format!("message {n}")});
            agent.call("/threads/tale/runs", &run).send().await.expect(201);
        }
        agent.call("/threads/gone/runs", &json!({"message": "soon forgotten"})).send().await.expect(201);
        let gone = agent.account.anonymous(Method::DELETE, &agent.path("/threads/gone"));
        gone.key(&agent.account.caller.secret).send().await.expect(204);
        // More than two pages.
        for n in 0..4 {
            let items =
                json!({"items": [{"role": "user", "content": format!("{n}{}", "\u{e4}\"".repeat(250_000))}]});
            agent.call("/threads/tale/items", &items).send().await.expect(201);
        }
        let tools = json!([{"type": "client", "name": "look", "parameters": {"type": "object"}}]);
        let run = json!({"message": "Look around", "tools": tools});
        let waiting = asking.call("/threads/ask/runs", &run).send().await.expect(201).json();
        assert_eq!(waiting["status"], "waiting", "{waiting}");
        agent.closed_books().await;
        asking.closed_books().await;
        let id = waiting["id"].as_str().expect("a run has an id");
        let of_agent = ["/threads", "/runs", "/threads/tale", "/threads/tale/items", "/threads/tale/events"];
        let events = format!("/runs/{id}/events");
        let steps = format!("/runs/{id}/steps");
        let of_asking = ["/threads", "/runs", "/threads/ask/items", &events, &steps];
        eventually("the index has every run", DEADLINE, async || {
            let runs = seen(&agent, &["/runs"]).await;
            (runs[0]["data"].as_array()?.len() == 3).then_some(())
        })
        .await;
        let before = [seen(&agent, &of_agent).await, seen(&asking, &of_asking).await];

        let backup = settings.folder.state().with_file_name("backup");
        let state = settings.folder.state();
        let [to, from] = [&backup, &state].map(|path| path.to_str().expect("a path is text"));
        let key = [("OPERATOR_KEY", settings.operator_key.as_str())];
        script("backup", &["--state", from, "--url", &app.server.origin, to], &key);
        agent.chat("This is after the backup.").await.expect(200);
        app.server.stop().await;

        let elsewhere = Settings { folder: Settings::new().folder, ..settings.clone() };
        let state = elsewhere.folder.state();
        let there = state.to_str().expect("a path is text");
        let said = script("restore", &["--state", there, to], &[]);
        assert!(said.contains("objects are restored"), "{said}");
        let app = App::start(&elsewhere, emulator).await.expect("the other server starts");
        let on = |agent: &Agent| Agent { account: agent.account.on(app.client.clone()), ..agent.clone() };
        let (agent, asking) = (on(&agent), on(&asking));
        let after = [seen(&agent, &of_agent).await, seen(&asking, &of_asking).await];
        for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
            assert_eq!(after, before);
        }

        // The run that waited goes on, behind the numbers that it had; and so does the thread.
        let call = waiting["waiting_on"][0]["call_id"].clone();
        let given = json!({"inputs": [{"call_id": call, "output": "A lake."}]});
        asking.call(&format!("/runs/{id}/inputs"), &given).send().await.expect(200);
        let over = eventually("the run is over", DEADLINE, async || {
            let run = seen(&asking, &[&format!("/runs/{id}")]).await.remove(0);
            (run["status"] == "completed").then_some(run)
        })
        .await;
        assert_eq!(over["id"], waiting["id"]);
        let all = seen(&asking, &[&events]).await.remove(0);
        let seqs: Vec<u64> = all["events"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| event["seq"].as_u64().expect("an event has a number"))
            .collect();
        assert!(seqs.windows(2).all(|two| two[0] < two[1]), "{seqs:?}");
        let next = json!({"message": "one more"});
        let next = agent.call("/threads/tale/runs", &next).send().await.expect(201).json();
        assert!(next["id"].as_str().is_some_and(|id| id.ends_with("00000004")), "{next}");
        let gone = agent.account.anonymous(Method::GET, &agent.path("/threads/gone"));
        gone.key(&agent.account.caller.secret).send().await.expect(404);
        app.server.stop().await;
    });
}
