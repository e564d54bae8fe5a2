//! Runs under workerd: killed in the middle of what the model says, watched by somebody who comes back, raced for.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Emulator, Price, Script};
use crate::harness::{Agent, App, DEADLINE, Settings, eventually, live, money};

/// What a watcher holds of a run.
#[derive(Default)]
struct Watcher {
    seen: Option<u64>,
    /// The step and the text of each item.
    held: BTreeMap<String, (u64, String)>,
    /// How many events of each type came.
    counts: BTreeMap<String, usize>,
    is_over: bool,
}

impl Watcher {
    fn see(&mut self, event: &Value) {
        let seq = event["seq"].as_u64().expect("an event has a number");
        assert!(self.seen.is_none_or(|seen| seq > seen), "{event} after {:?}", self.seen);
        self.seen = Some(seq);
        let step = event["step"].as_u64().unwrap_or_default();
        let kind = event["type"].as_str().expect("an event has a type");
        *self.counts.entry(kind.to_owned()).or_default() += 1;
        match kind {
            "text.delta" => {
                let id = event["item"].as_str().expect("a delta has an item").to_owned();
                let (_, text) = self.held.entry(id).or_insert((step, String::new()));
                let offset = usize::try_from(event["offset"].as_u64().expect("an offset")).expect("a length");
                *text =
                    text.chars().take(offset).collect::<String>() + event["delta"].as_str().expect("a text");
            }
            "step.restarted" => self.held.retain(|_, (of, _)| *of != step),
            kind => {
                self.is_over |=
                    matches!(kind, "run.completed" | "run.failed" | "run.incomplete" | "run.cancelled")
            }
        }
    }

    /// Watches until the run is over, the connection breaks, or `enough`.
    async fn watch(&mut self, agent: &Agent, run: &str, enough: impl Fn(&Self) -> bool) {
        let path = agent.path(&format!("/runs/{run}/events"));
        let mut call = agent.account.anonymous(Method::GET, &path).key(&agent.account.caller.secret);
        if let Some(seen) = self.seen {
            call = call.header("last-event-id", &seen.to_string());
        }
        let Ok(mut events) = call.try_open().await else { return };
        while let Some(event) = events.next().await {
            if event.name != "run.snapshot" {
                self.see(&event.json());
            }
            if self.is_over || enough(self) {
                return;
            }
        }
    }

    fn count(&self, kind: &str) -> usize {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    fn text(&self) -> String {
        self.held.values().map(|(_, text)| text.as_str()).collect()
    }
}

async fn run(agent: &Agent, run: &str) -> Value {
    let path = agent.path(&format!("/runs/{run}"));
    let call = agent.account.anonymous(Method::GET, &path).key(&agent.account.caller.secret);
    call.send().await.expect(200).json()
}

#[test]
fn a_run_survives_the_kill_of_its_server_and_its_watcher_holds_the_answer() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let script = Script::tokens(10, 40).paced(40, Duration::from_millis(50));
        let model = account.model(Price::flat(1_000), script).await;
        let mut agent =
            account.agent(&format!("emu:{}?timeout=20", model.code)).capped(1_000_000_000).create().await;
        let body = json!({"message": "Tell me a story", "background": true});
        let started = agent.call("/threads/tale/runs", &body).send().await.expect(202).json();
        let id = started["id"].as_str().expect("a run has an id").to_owned();
        let mut watcher = Watcher::default();
        for round in 1..=2 {
            // At least two writes are behind what it holds, and more is on its way.
            let least = 30 * round;
            watcher.watch(&agent, &id, |watcher| watcher.text().len() > least).await;
            assert!(!watcher.is_over, "round {round}: the kill comes while the model speaks");
            app.server.kill_workerd();
            app.server.stop().await;
            app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
            agent.account = account.on(app.client.clone());
        }
        eventually("the run is over", DEADLINE, async || {
            watcher.watch(&agent, &id, |_| false).await;
            watcher.is_over.then_some(())
        })
        .await;
        let over = run(&agent, &id).await;
        assert_eq!(over["status"], "completed", "{over}");
        assert_eq!(over["message"].as_str(), Some(watcher.text().as_str()), "what it holds is the answer");
        model.quiet().await;
        let books = agent.closed_books().await;
        assert!(books.budget.settled >= model.invoice(), "{books:?}, billed {}", model.invoice());
        assert_eq!(
            books.calls.iter().filter(|call| call["status"] == "ok").count(),
            1,
            "one answer was paid for as such"
        );
        app.server.stop().await;
    });
}

/// The statuses of the agent's runs, by id, as lists say them.
async fn listed(agent: &Agent) -> BTreeMap<String, String> {
    let call = agent.account.anonymous(Method::GET, &agent.path("/runs"));
    let list = call.key(&agent.account.caller.secret).send().await.expect(200).json();
    let text = |run: &Value, name: &str| run[name].as_str().expect("a text").to_owned();
    let runs = list["data"].as_array().expect("a list").iter();
    runs.map(|run| (text(run, "id"), text(run, "status"))).collect()
}

#[test]
fn a_run_that_ended_as_its_server_was_killed_is_listed_as_it_is() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let script = Script::tokens(10, 8).paced(8, Duration::from_millis(20));
        let model = account.model(Price::flat(1_000), script).await;
        let mut agent =
            account.agent(&format!("emu:{}?timeout=20", model.code)).capped(1_000_000_000).create().await;
        let mut runs = Vec::new();
        // Between the end's write and its delivery, or about there.
        for after_ms in [0, 1, 4] {
            let body = json!({"message": "Hello", "background": true});
            let path = format!("/threads/of-{after_ms}/runs");
            let started = agent.call(&path, &body).send().await.expect(202).json();
            let id = started["id"].as_str().expect("a run has an id").to_owned();
            let mut watcher = Watcher::default();
            watcher.watch(&agent, &id, |_| false).await;
            assert!(watcher.is_over, "it ends before the kill");
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            app.server.kill_workerd();
            app.server.stop().await;
            app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
            agent.account = account.on(app.client.clone());
            runs.push((id, "completed".to_owned()));
        }
        let runs = runs.into_iter().collect::<BTreeMap<_, _>>();
        // Nobody asks for the threads: their alarms ring.
        eventually("every run is listed as it is", DEADLINE, async || {
            (listed(&agent).await == runs).then_some(())
        })
        .await;
        app.server.stop().await;
    });
}

#[test]
fn a_hundred_threads_run_at_once_and_each_remembers_its_own() {
    live(async |app| {
        let account = app.account().await;
        let script = Script::tokens(10, 5).paced(2, Duration::from_millis(20));
        let model = account.model(Price::flat(1_000), script).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(100_000_000_000).create().await;
        let turn = async |n: usize| {
            for word in ["first", "second"] {
                let body = json!({"message": format!("{word} of {n}")});
                let run = agent.call(&format!("/threads/t-{n}/runs"), &body).send().await.expect(201).json();
                assert_eq!(run["status"], "completed", "{run}");
            }
        };
        join_all((0..100).map(turn)).await;
        for seen in model.seen() {
            let messages = seen.body["messages"].as_array().expect("messages").clone();
            let of = |message: &Value| {
                message["content"].as_str().unwrap_or_default().split(" of ").nth(1).map(str::to_owned)
            };
            let threads: Vec<_> =
                messages.iter().filter(|message| message["role"] == "user").filter_map(of).collect();
            assert!(threads.iter().all(|thread| *thread == threads[0]), "{threads:?}");
        }
        assert_eq!(model.seen_count(), 200);
        let books = agent.closed_books().await;
        assert_eq!(books.budget.settled, model.invoice());
    });
}

#[test]
fn fifty_at_once_on_one_thread_run_one_after_the_other() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::flat(1_000), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(1_000_000_000).create().await;
        // Fifty at once on one thread: each is a run of its own, one after the other.
        let starts = (0..50).map(async |n: usize| {
            let body = json!({"message": format!("{n}"), "background": true});
            agent.call("/threads/one/runs", &body).send().await.expect(202).json()["id"].clone()
        });
        let ids = join_all(starts).await;
        let mut unique: Vec<String> = ids.iter().map(|id| id.as_str().expect("an id").to_owned()).collect();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 50);
        for id in &unique {
            eventually("the run is over", DEADLINE, async || {
                (run(&agent, id).await["status"] == "completed").then_some(())
            })
            .await;
        }
        assert_eq!(model.seen_count(), 50);
        assert_eq!(model.most_at_once(), 1, "one run of a thread is at work at a time");
        let books = agent.closed_books().await;
        assert_eq!(books.ledger(), model.invoice());
        assert!(books.calls.iter().all(|call| call["run_id"].is_string() && money(&call["cost_usd"]) > 0));
    });
}

#[test]
fn answers_of_runs_that_queue_come_when_each_is_over() {
    live(async |app| {
        let account = app.account().await;
        let script = Script::tokens(10, 20).paced(10, Duration::from_millis(60));
        let model = account.model(Price::flat(1_000), script).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(100_000_000_000).create().await;
        // Many at once, some of which find the thread at work.
        let turns = (0..5).map(async |n: usize| {
            let body = json!({"message": format!("{n}"), "on_busy": "queue"});
            agent.call("/threads/wait/runs", &body).send().await.expect(201).json()
        });
        for run in join_all(turns).await {
            assert_eq!(run["status"], "completed", "{run}");
            assert!(run["message"].as_str().is_some_and(|text| !text.is_empty()), "{run}");
        }
        assert_eq!(
            agent
                .call("/threads/wait/runs", &json!({"message": "x", "on_busy": "reject"}))
                .send()
                .await
                .status,
            201
        );
    });
}

/// Behind the nth event of a type the server is killed: between and inside all steps of a run.
const BOUNDARIES: [(&str, usize); 14] = [
    ("run.started", 1),
    ("step.started", 1),
    ("text.delta", 2),
    ("tool.call", 1),
    ("step.completed", 1),
    ("tool.result", 1),
    ("tool.result", 2),
    ("step.started", 2),
    ("tool.call", 3),
    ("step.completed", 2),
    ("tool.result", 3),
    ("step.started", 3),
    ("text.delta", 6),
    ("step.completed", 3),
];

/// Each text that the assistant said in a thread, by its item.
async fn said(agent: &Agent, thread: &str) -> (BTreeMap<String, String>, usize, usize) {
    let path = agent.path(&format!("/threads/{thread}/items?limit=100"));
    let call = agent.account.anonymous(Method::GET, &path).key(&agent.account.caller.secret);
    let items = call.send().await.expect(200).json();
    let items = items["data"].as_array().expect("a list of items");
    let of = |kind: &str| items.iter().filter(|item| item["type"] == kind).count();
    let texts = items.iter().filter(|item| item["role"] == "assistant").map(|item| {
        let parts = item["content"].as_array().expect("a message has parts").iter();
        let text = parts.filter_map(|part| part["text"].as_str()).collect();
        (item["id"].as_str().expect("an item has an id").to_owned(), text)
    });
    (texts.collect(), of("tool_call"), of("tool_result"))
}

/// What a run left that was killed: it is over, each call has one result and no unsafe tool was called twice, and its watcher
/// holds what the thread has.
async fn assert_kept_its_word(
    agent: &Agent,
    emulator: &Emulator,
    thread: &str,
    (id, watcher): (&str, &Watcher),
) -> Value {
    let over = run(agent, id).await;
    assert_eq!(over["status"], "completed", "{thread}: {over}");
    let (texts, calls, results) = said(agent, thread).await;
    let held: BTreeMap<_, _> =
        watcher.held.iter().map(|(item, (_, text))| (item.clone(), text.clone())).collect();
    assert_eq!(held, texts, "{thread}: what its watcher holds is what was said");
    assert_eq!(over["message"].as_str(), texts.values().last().map(String::as_str), "{thread}");
    assert_eq!((calls, results), (3, 3), "{thread}");
    let used = emulator.tool_calls();
    for (tool, most) in [("pay", 1), ("ship", 1), ("look", usize::MAX)] {
        let of = used.iter().filter(|call| call.tool == tool && call.key.starts_with(id));
        let keys: Vec<&str> = of.map(|call| call.key.as_str()).collect();
        assert!(keys.len() <= most, "{thread}: {tool} was called {} times", keys.len());
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{thread}: {keys:?}");
    }
    over
}

#[test]
fn a_run_killed_at_any_step_boundary_ends_and_repeats_nothing_that_must_not_be() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let script = Script::tokens(10, 40).paced(4, Duration::from_millis(60));
        let script = script.calling(vec![vec!["pay", "look"], vec!["ship"]]);
        let model = account.model(Price::flat(1_000), script).await;
        let tool = |name: &str, method: &str| {
            json!({"type": "http", "name": name, "description": name, "method": method,
                "url": format!("{}/tools/{name}", emulator.origin())})
        };
        let draft = account.agent(&format!("emu:{}?timeout=30&max_tokens=100", model.code));
        let draft =
            draft.with("tools", json!([tool("pay", "POST"), tool("look", "GET"), tool("ship", "POST")]));
        let mut agent = draft.with("on_unknown", json!("report")).capped(100_000_000_000).create().await;
        let mut runs = Vec::new();
        for (n, (kind, nth)) in BOUNDARIES.into_iter().enumerate() {
            let thread = format!("{n}-{kind}-{nth}");
            let body = json!({"message": "Pay, look and ship", "background": true});
            let path = format!("/threads/{thread}/runs");
            let started = agent.call(&path, &body).send().await.expect(202).json();
            let id = started["id"].as_str().expect("a run has an id").to_owned();
            let mut watcher = Watcher::default();
            watcher.watch(&agent, &id, |watcher| watcher.count(kind) >= nth).await;
            assert!(watcher.count(kind) >= nth, "{thread}: it got there");
            app.server.kill_workerd();
            app.server.stop().await;
            app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
            agent.account = account.on(app.client.clone());
            eventually("the run is over", DEADLINE, async || {
                watcher.watch(&agent, &id, |_| false).await;
                watcher.is_over.then_some(())
            })
            .await;
            runs.push(assert_kept_its_word(&agent, &emulator, &thread, (&id, &watcher)).await);
        }
        let used = emulator.tool_calls();
        assert!(used.iter().any(|call| call.tool == "pay") && used.iter().any(|call| call.tool == "ship"));
        model.quiet().await;
        let books = agent.closed_books().await;
        // Each answer costs the same. One that was cut is billed as its hold, at most one a kill.
        let answer = 10 * 1_000 + 40 * 1_000;
        let (answered, cut): (Vec<&Value>, Vec<&Value>) =
            books.calls.iter().partition(|call| call["status"] == "ok");
        let steps: u64 = runs.iter().map(|run| run["steps"].as_u64().expect("a number of steps")).sum();
        assert_eq!(
            answered.len() as u64,
            steps,
            "every step that was answered is in the ledger as such: {cut:#?}"
        );
        let billed: u64 = runs.iter().map(|run| money(&run["cost_usd"])).sum();
        assert_eq!(
            (billed, billed),
            (steps * answer, answered.iter().map(|call| money(&call["cost_usd"])).sum())
        );
        assert!(cut.len() <= BOUNDARIES.len(), "{cut:#?}");
        let unanswered = model.seen_count() - answered.len();
        assert_eq!(model.invoice(), billed + unanswered as u64 * answer, "the invoice is the ledger");
        assert!(unanswered <= cut.len(), "{unanswered} answers were lost, {} are billed as holds", cut.len());
        app.server.stop().await;
    });
}
