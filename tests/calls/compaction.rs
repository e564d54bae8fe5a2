//! Conversations that are longer than their model's context.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::http::Method;
use retinue::domain::thread::command::Command;
use retinue::domain::thread::id::RunId;
use retinue::ports::{ThreadOf, Threads as _, World as _};
use serde_json::{Value, json};

use crate::provider::{delta, done, finish, frame, status, stream};
use crate::stage::Stage;
use crate::support::{Asked, Turn, native_only};
use crate::threads::{ask, calls, get, post, says, sent};

const CONTEXT: usize = 2_000;

/// What a provider has seen of a conversation.
#[derive(Default)]
struct Seen {
    /// The newest requests' messages, each as its JSON.
    before: Vec<Vec<String>>,
    tokens: usize,
    cached: usize,
    answers: usize,
    summaries: usize,
    /// Of each answer: the number of the summary that was sent, and the turns that were sent as they are.
    sent: Vec<(usize, BTreeSet<usize>)>,
}

fn tokens(messages: &[String]) -> usize {
    messages.iter().map(|message| message.len() / 4).sum()
}

fn messages(asked: &Asked) -> Vec<Value> {
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    request["messages"].as_array().unwrap().clone()
}

fn is_summary(messages: &[Value]) -> bool {
    messages[0]["content"].as_str().unwrap().starts_with("You keep the memory")
}

fn number_behind(text: &str, word: &str) -> Option<usize> {
    let (_, rest) = text.split_once(word)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Each call has its result right behind it, and no result stands alone.
fn check_pairs(messages: &[Value]) {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        match message["role"].as_str().unwrap() {
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap();
                assert!(open.contains(&id), "a result without a call: {message}");
                open.retain(|call| *call != id);
            }
            _ => {
                assert!(open.is_empty(), "{open:?} have no result before {message}");
                let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
                open.extend(calls.iter().map(|call| call["id"].as_str().unwrap()));
            }
        }
    }
    assert!(open.is_empty(), "{open:?} have no result");
}

impl Seen {
    /// Counts as a provider with a prompt cache: what begins as an earlier request did is read from there.
    fn count(&mut self, texts: Vec<String>) -> (usize, usize) {
        let common = |before: &Vec<String>| before.iter().zip(&texts).take_while(|(a, b)| a == b).count();
        let longest = self.before.iter().map(common).max().unwrap_or(0);
        let (all, cached) = (tokens(&texts), tokens(&texts[..longest]));
        self.before.push(texts);
        if self.before.len() > 3 {
            self.before.remove(0);
        }
        (all, cached)
    }

    fn answer(&mut self, asked: &Asked) -> Turn {
        let messages = messages(asked);
        let texts: Vec<String> = messages.iter().map(Value::to_string).collect();
        let used = tokens(&texts);
        assert!(used < CONTEXT, "{used} tokens are more than the model reads");
        if is_summary(&messages) {
            self.summaries += 1;
            return reply(&format!("Summary {}.", self.summaries), (used, 0, 10));
        }
        check_pairs(&messages);
        let (all, cached) = self.count(texts);
        (self.tokens, self.cached) = (self.tokens + all, self.cached + cached);
        let said = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        let last = messages.last().unwrap();
        if last["role"] == "user" && said(last).contains("calculate") {
            return calls("calculate", &json!({"expression": "2 + 2"}));
        }
        self.answers += 1;
        let people = messages.iter().filter(|message| message["role"] == "user").map(said);
        let turns = people.clone().filter_map(|text| number_behind(&text, "Turn ")).collect();
        let summary = people.filter_map(|text| number_behind(&text, "\nSummary ")).next().unwrap_or(0);
        self.sent.push((summary, turns));
        reply(&format!("Answer {}. {}", self.answers, "y".repeat(80)), (all, cached, 30))
    }
}

/// An answer with its bill: tokens read, of those from the cache, and written.
fn reply(text: &str, (read, cached, written): (usize, usize, usize)) -> Turn {
    let usage = json!({"choices": [], "usage": {"prompt_tokens": read, "completion_tokens": written,
        "total_tokens": read + written, "prompt_tokens_details": {"cached_tokens": cached}}});
    stream([delta(text), finish(), frame(&usage), done()])
}

async fn small(stage: &Stage, fields: &Value) {
    let mut model = json!({"context_tokens": CONTEXT, "max_output_tokens": 200});
    model.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    stage.model("own/big", &model).await;
    stage.set_budget("triage", &json!({"limit_usd": "1000", "period": "total"})).await;
}

/// The summaries of a thread, oldest first: the run whose last item each stands for.
async fn summaries(stage: &Stage, thread: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(stage, &format!("/threads/{thread}/items?limit=1000{after}")).await;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().filter(|item| item["type"] == "compaction").cloned());
        if page["has_more"] != true {
            return found;
        }
        after = format!("&after={}", items.last().unwrap()["id"].as_str().unwrap());
    }
}

/// The number of the run that an item belongs to.
fn run_of(id: &Value) -> usize {
    let (run, _) = id.as_str().unwrap().split_once('-').unwrap();
    usize::from_str_radix(&run[32..], 16).unwrap()
}

/// So many turns, each a run of its own; every tenth uses a tool.
async fn talk(turns: usize) -> (Stage, Arc<Mutex<Seen>>) {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"tools": ["calculate"]})).await;
    small(&stage, &json!({})).await;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let provider = seen.clone();
    stage.upstream().emulate(move |asked| provider.lock().unwrap().answer(asked));
    for n in 1..=turns {
        let tool = if n % 10 == 0 { "Please calculate." } else { "" };
        let message = format!("Turn {n}. {tool} {}", "x".repeat(80));
        let run = post(&stage, "/threads/t/runs", &json!({"message": message})).await.json();
        assert_eq!(run["status"], "completed", "{run}");
        assert_eq!(run["warnings"], Value::Null, "nothing is left out: {run}");
    }
    (stage, seen)
}

async fn check(stage: &Stage, seen: &Mutex<Seen>, turns: usize) {
    let found = summaries(stage, "t").await;
    let seen = seen.lock().unwrap();
    assert_eq!((found.len(), seen.answers), (seen.summaries, turns));
    assert!(found.len() * 6 < turns, "{} summaries of {turns} turns", found.len());
    assert!(found.windows(2).all(|pair| run_of(&pair[0]["to"]) < run_of(&pair[1]["to"])));
    assert!(found.iter().all(|item| item["from"] == found[0]["from"] && run_of(&item["from"]) == 1));
    for (n, (summary, sent)) in seen.sent.iter().enumerate() {
        // Whatever the summary does not name is sent as it is.
        let named = summary.checked_sub(1).map_or(0, |nth| run_of(&found[nth]["to"]));
        assert_eq!(sent, &(named + 1..=n + 1).collect::<BTreeSet<_>>(), "turn {}", n + 1);
    }
    let share = seen.cached * 100 / seen.tokens;
    assert!(share >= 75, "{share} % of the prompts' tokens come from the cache");
}

#[tokio::test]
async fn of_two_thousand_turns_the_summary_names_whatever_is_not_sent_and_prompts_begin_as_before() {
    native_only!("two thousand runs over HTTP take minutes, a hundred of them run on both");
    let (stage, seen) = talk(2_000).await;
    check(&stage, &seen, 2_000).await;
}

#[tokio::test]
async fn a_long_conversation_goes_on_within_a_small_context() {
    let (stage, seen) = talk(100).await;
    check(&stage, &seen, 100).await;
    // Its price is the run's, and the ledger's.
    let last = summaries(&stage, "t").await.pop().unwrap();
    let run = last["run_id"].as_str().unwrap();
    let steps = get(&stage, &format!("/runs/{run}/steps")).await;
    let journal: Vec<&Value> =
        steps["steps"].as_array().unwrap().iter().filter(|step| step["compaction"].is_object()).collect();
    assert_eq!(journal.len(), 1, "{steps}");
    let compaction = &journal[0]["compaction"];
    assert_eq!((&compaction["from"], &compaction["to"]), (&last["from"], &last["to"]));
    let of_step = |step: &Value| step["model_call"]["sent"]["items"]["compaction"].clone();
    assert!(steps["steps"].as_array().unwrap().iter().any(|step| of_step(step) == last["id"]), "{steps}");
    let shown = get(&stage, &format!("/runs/{run}")).await;
    let dollars = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    assert!(
        dollars(&compaction["cost_usd"]) > 0.0
            && dollars(&shown["cost_usd"]) > dollars(&compaction["cost_usd"])
    );
    let row = row_of(&stage, &compaction["call_id"]).await;
    assert_eq!((&row["run_id"], &row["cost_usd"]), (&json!(run), &compaction["cost_usd"]), "{row}");
    assert_eq!(event(&stage, &shown, "compaction.completed").await["item"], last["id"]);
}

/// A call's row of the ledger, which comes a moment after its end.
async fn row_of(stage: &Stage, call: &Value) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let calls = stage.api.get("/api/v1/agents/triage/calls?limit=100").key(&stage.acme.member);
        let calls = calls.send().await.ok();
        let mut rows = calls["data"].as_array().unwrap().iter();
        if let Some(row) = rows.find(|row| row["id"] == *call) {
            return row.clone();
        }
        assert!(std::time::Instant::now() < deadline, "{call} is not in the ledger");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// An answer after which the context of two thousand tokens is nearly full.
fn fills(text: &str) -> Turn {
    reply(text, (1_500, 0, 30))
}

/// Three turns, after which the thread is to be compacted.
async fn filled() -> Stage {
    let stage = Stage::new().await;
    small(&stage, &json!({})).await;
    for (n, turn) in [says("One."), says("Two."), fills("Three.")].into_iter().enumerate() {
        stage.then(turn);
        let message = format!("Turn {n} {}", "x".repeat(if n == 0 { 100 } else { 900 }));
        post(&stage, "/threads/t/runs", &json!({"message": message})).await;
    }
    stage.take_asked();
    stage
}

async fn go_on(stage: &Stage) -> Value {
    post(stage, "/threads/t/runs", &json!({"message": "Go on"})).await.json()
}

/// The event of this type of a run.
async fn event(stage: &Stage, run: &Value, kind: &str) -> Value {
    let path = format!("/runs/{}/events", run["id"].as_str().unwrap());
    let asked = ask(stage, Method::GET, &path).header("accept", "application/json");
    let events = asked.send().await.ok();
    let event = events["events"].as_array().unwrap().iter().find(|event| event["type"] == kind);
    event.unwrap_or_else(|| panic!("{events}")).clone()
}

async fn slid(stage: &Stage, run: &Value) -> String {
    event(stage, run, "window.slid").await["reason"].as_str().unwrap().to_owned()
}

fn is_left_out(run: &Value) -> bool {
    run["warnings"].as_array().is_some_and(|all| all.iter().any(|warning| warning["code"] == "left_out"))
}

#[tokio::test]
async fn where_no_summary_can_be_had_the_oldest_runs_are_left_out_and_an_event_says_why() {
    for (failure, why) in [
        (reply("  ", (10, 0, 1)), "answered nothing"),
        (status(400, "no such thing"), "refused"),
        (status(401, "who?"), "an admin must mend it"),
    ] {
        let stage = filled().await;
        stage.then(failure).then(says("Four."));
        let run = go_on(&stage).await;
        assert_eq!((&run["status"], is_left_out(&run)), (&json!("completed"), true), "{run}");
        let reason = slid(&stage, &run).await;
        assert!(reason.contains(why), "{reason}");
        let asked = stage.take_asked();
        let last = sent(&asked[1]);
        assert!(last[0].contains("earlier items of this conversation are left out"), "{}", last[0]);
        // The next run begins as this one did, and asks for no summary: there is room.
        stage.then(says("Five."));
        let run = go_on(&stage).await;
        let asked = stage.take_asked();
        assert_eq!((asked.len(), is_left_out(&run)), (1, true));
        assert_eq!(sent(&asked[0])[..last.len()], last);
    }
}

#[tokio::test]
async fn what_a_run_may_spend_bounds_its_summaries() {
    let stage = filled().await;
    // A thousand tokens of a summary's prompt are a thousandth of a dollar.
    stage.then(says("Four."));
    let body = json!({"message": "Go on", "max_usd": "0.0012"});
    let run = post(&stage, "/threads/t/runs", &body).await.json();
    assert_eq!(run["status"], "completed", "{run}");
    assert!(slid(&stage, &run).await.contains("max_usd"));
}

#[tokio::test]
async fn a_model_of_unknown_context_is_sent_all_until_its_provider_refuses() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"model": "own:unknown"})).await;
    let patch = stage.request(Method::PATCH, "/api/v1/agents/triage").key(&stage.acme.admin);
    patch.json(&json!({"budget": null})).send().await.ok();
    for n in 1..=4 {
        stage.then(fills("Yes."));
        post(&stage, "/threads/t/runs", &json!({"message": format!("Turn {n} {}", "x".repeat(500))})).await;
    }
    assert_eq!(sent(stage.take_asked().last().unwrap()).len(), 7);
    stage.then(status(400, "maximum context length is 500 tokens")).then(says("Again."));
    let run = go_on(&stage).await;
    assert_eq!((&run["status"], is_left_out(&run)), (&json!("completed"), true), "{run}");
    assert!(slid(&stage, &run).await.contains("not known"));
}

#[tokio::test]
async fn a_step_that_does_not_fit_is_asked_again_behind_a_summary_and_then_without() {
    let stage = filled().await;
    small(&stage, &json!({"context_tokens": 100_000})).await;
    // How often a step is refused from now on, and what was asked. Each is sent once more without the limit of its answer.
    let provider = Arc::new(Mutex::new((0, Vec::<Vec<Value>>::new())));
    let emulated = provider.clone();
    stage.upstream().emulate(move |asked| {
        let (refusals, asked_for) = &mut *emulated.lock().unwrap();
        let messages = messages(asked);
        let is_summary = is_summary(&messages);
        asked_for.push(messages);
        match (is_summary, *refusals) {
            (true, _) => reply("They talked.", (10, 0, 5)),
            (false, 0) => says("Fine."),
            (false, _) => {
                *refusals -= 1;
                status(400, "This model's maximum context length is 2000 tokens.")
            }
        }
    });
    let refused = async |times, path: &str, message: &str| {
        *provider.lock().unwrap() = (2 * times, Vec::new());
        let run = post(&stage, path, &json!({"message": message})).await.json();
        (run, std::mem::take(&mut provider.lock().unwrap().1))
    };
    let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let long = "x".repeat(900);
    for _ in 0..3 {
        refused(0, "/threads/t/runs", &long).await;
    }
    let (run, asked) = refused(1, "/threads/t/runs", &long).await;
    assert_eq!((&run["status"], &run["message"]), (&json!("completed"), &json!("Fine.")), "{run}");
    let kinds: Vec<bool> = asked.iter().map(|asked| is_summary(asked)).collect();
    let summaries = kinds.len() - 3;
    assert_eq!(kinds, [vec![false; 2], vec![true; summaries], vec![false]].concat());
    assert!(summaries > 0);
    let last = asked.last().unwrap();
    assert!(text(&last[1]).ends_with("They talked.") && last.len() < asked[0].len(), "{last:?}");
    // Where it is refused once more nothing of before is sent.
    for _ in 0..2 {
        refused(0, "/threads/t/runs", "Yes").await;
    }
    let (run, asked) = refused(2, "/threads/t/runs", "Go on").await;
    assert_eq!(run["message"], "Fine.", "{run}");
    let last = asked.last().unwrap();
    assert!(last.len() <= 4 && last.len() < asked[0].len(), "{last:?}");
    assert_eq!(text(last.last().unwrap()), "Go on");
    // And where that is refused, too, the run fails.
    let (run, asked) = refused(1, "/threads/new/runs", "Go on").await;
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("upstream_rejected")),
        "{run}"
    );
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_summary_that_dies_with_its_object_is_asked_for_again() {
    native_only!("the object's death is in this process");
    let stage = filled().await;
    stage.then(Turn::Hangs);
    let body = json!({"message": "Go on", "background": true});
    let run = post(&stage, "/threads/t/runs", &body).await.json();
    stage.until_asked(1).await;
    let thread = RunId::parse(run["id"].as_str().unwrap()).unwrap().thread;
    let of = ThreadOf { account: stage.acme.id, thread };
    stage.then(says("They talked.")).then(says("Four."));
    stage.api.world.threads().crash(of);
    stage.api.world.threads().ask(of, Command::Wake).await.unwrap();
    stage.upstream().hang_up();
    let run = crate::threads::until(&stage, run["id"].as_str().unwrap(), "completed").await;
    assert_eq!(run["message"], "Four.", "{run}");
    assert_eq!(summaries(&stage, "t").await.len(), 1);
}

#[tokio::test]
async fn an_agent_says_when_its_threads_are_compacted() {
    let stage = filled().await;
    stage.change("triage", &json!({"compact_at": 0.95})).await;
    stage.then(says("Four."));
    assert_eq!(go_on(&stage).await["message"], "Four.");
    let patch = stage.request(Method::PATCH, "/api/v1/agents/triage").key(&stage.acme.admin);
    let refused = patch.json(&json!({"compact_at": 0.96})).send().await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("must be from 0.1 to 0.95"), "{}", refused.text());
}
