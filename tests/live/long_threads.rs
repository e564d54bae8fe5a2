//! The server is killed while a thread is summed up, and while memories are written: nothing is lost, and nothing there twice.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Emulator, Price, Script};
use crate::harness::{Agent, App, DEADLINE, Settings, eventually, live};

async fn get(agent: &Agent, path: &str) -> Value {
    let call = agent.account.anonymous(Method::GET, &agent.path(path)).key(&agent.account.caller.secret);
    call.header("accept", "application/json").send().await.expect(200).json()
}

#[test]
fn a_summary_that_the_kill_of_the_server_cut_is_written_once() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        // Each answer takes two seconds, and has used most of the model's context.
        let script = Script::tokens(900, 20).paced(20, Duration::from_millis(100));
        let model = account.model(Price::flat(1_000), script).await;
        let small = json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "1", "context_tokens": 1_000,
            "max_output_tokens": 50, "capabilities": ["streaming"]});
        account.put(&format!("/api/v1/models/emu/{}", model.code), &small).await.expect(200);
        let mut agent = account.agent(&format!("emu:{}", model.code)).capped(1_000_000_000).create().await;
        for n in 0..3 {
            let run = json!({"message": format!("message {n} {}", "lorem ipsum ".repeat(20))});
            agent.call("/threads/long/runs", &run).send().await.expect(201);
        }
        let before = get(&agent, "/threads/long/items").await;
        let run = json!({"message": "Go on", "background": true});
        let started = agent.call("/threads/long/runs", &run).send().await.expect(202).json();
        let id = started["id"].as_str().expect("a run has an id").to_owned();
        tokio::time::sleep(Duration::from_millis(700)).await;
        app.server.kill_workerd();
        app.server.stop().await;
        app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
        agent.account = account.on(app.client.clone());
        let over = eventually("the run is over", DEADLINE, async || {
            let run = get(&agent, &format!("/runs/{id}")).await;
            (run["status"] == "completed").then_some(run)
        })
        .await;
        assert_eq!(over["status"], "completed", "{over}");
        let items = get(&agent, "/threads/long/items").await;
        let items = items["items"].as_array().expect("a list");
        let of = |kind: &str| items.iter().filter(|item| item["type"] == kind).count();
        let was = before["items"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|item| item["type"] == "message")
            .count();
        let summaries: Vec<&Value> = items.iter().filter(|item| item["type"] == "compaction").collect();
        let of_run = summaries.iter().filter(|item| item["run_id"] == id.as_str()).count();
        assert_eq!((of_run, of("message")), (1, was + 2), "{items:?}");
        let events = get(&agent, &format!("/runs/{id}/events")).await;
        let told = events.to_string().matches("compaction.completed").count();
        assert_eq!(told, 1, "{events}");
        // What the call that was cut may have cost is held until its time is up.
        let budget = agent.budget().await;
        assert!(budget.settled + budget.held >= model.invoice(), "{budget:?}, billed {}", model.invoice());
        app.server.stop().await;
    });
}

#[test]
fn memories_that_were_answered_outlive_the_kill_of_the_server_and_are_counted() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let write = async |n: u32| {
            let body = json!({"user": format!("u{}", n % 3), "text": format!("Fact number {n}.")});
            account.post("/api/v1/memories", &body).await.expect(201);
        };
        for n in 0..20 {
            write(n).await;
        }
        // Some are on their way when it dies.
        let late = (20..30).map(|n| {
            let body = json!({"user": "u0", "text": format!("Fact number {n}.")});
            let call = account.call(Method::POST, "/api/v1/memories").key(&account.admin.secret).json(&body);
            async move { call.try_send().await.is_ok_and(|reply| reply.status == 201) }
        });
        let late = tokio::spawn(futures_util::future::join_all(late.collect::<Vec<_>>()));
        tokio::time::sleep(Duration::from_millis(5)).await;
        app.server.kill_workerd();
        let answered = late.await.expect("it ends").into_iter().filter(|is_there| *is_there).count();
        app.server.stop().await;
        app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
        let account = account.on(app.client.clone());
        let get = async |path: &str| {
            account.anonymous(Method::GET, path).key(&account.admin.secret).send().await.expect(200).json()
        };
        let mut kept = Vec::new();
        for user in ["u0", "u1", "u2"] {
            let listed = get(&format!("/api/v1/memories?user={user}&limit=100")).await;
            let texts = listed["data"].as_array().expect("a list").iter();
            kept.extend(texts.map(|memory| memory["text"].as_str().expect("a text").to_owned()));
        }
        let count = kept.len();
        kept.sort_unstable();
        kept.dedup();
        assert_eq!(kept.len(), count, "none is there twice");
        assert!(
            (20 + answered..=30).contains(&count),
            "{count} are kept, {answered} of the last were answered"
        );
        // What was written and not counted is counted with the next that is written there.
        for user in ["u0", "u1", "u2"] {
            let body = json!({"user": user, "text": format!("The last of {user}.")});
            account.post("/api/v1/memories", &body).await.expect(201);
        }
        let account = get("/api/v1/account").await;
        assert_eq!(account["limits"]["memories"]["used"], count + 3, "{account}");
        app.server.stop().await;
    });
}
