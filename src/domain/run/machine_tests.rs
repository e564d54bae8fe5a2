use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::child::Ended;
use super::super::event::Voids;
use super::super::state::Awaited;
use super::super::terms::OnUnknown;
use super::super::tool::How;
use super::*;
use crate::domain::ids::AgentId;
use crate::domain::message::{AssistantPart, Message, ToolCall, Usage};
use crate::domain::run::terms::{Limits, Priority, Starter};
use crate::domain::run::tool::Effect;
use crate::domain::thread::id::{EntryId, RunId, ThreadKey};
use crate::domain::thread::item::Item;
use crate::domain::thread::transcript::sendable;

fn entry_id(number: u32) -> EntryId {
    EntryId { run: RunId { thread: ThreadKey::new(Millis(1), [1; 10]), number: 1 }, number }
}

const NAMES: Names<'static> = Names { entry: &entry_id, awaited: &|_| Value::Null };

fn terms() -> Terms {
    Terms {
        agent: AgentId::new(Millis(1), [2; 10]),
        version: 1,
        started_by: Starter::Anonymous,
        limits: Limits::default(),
        on_unknown: OnUnknown::Ask,
        on_budget: OnBudget::End,
        priority: Priority::Normal,
        variables: BTreeMap::new(),
        tools: Vec::new(),
        parent: None,
    }
}

fn begun(terms: Terms) -> Run {
    let mut run = Run::new(1, terms, Millis(0));
    let out = run.apply(Happened::Begun, &NAMES, Millis(0));
    assert_eq!(effects(&out), ["model 1.1"]);
    run
}

fn call(name: &str) -> AssistantPart {
    AssistantPart::ToolCall(ToolCall::new("call_0", name, "{}"))
}

fn answer(parts: Vec<AssistantPart>, plan: Vec<How>) -> Happened {
    let (usage, cost) = (Usage::default(), Nanos::new(10));
    Happened::Answered(Answered { parts, finish: Finish::Stop, plan, usage, cost })
}

fn ended(entry: u32) -> Happened {
    let output = vec![Part::Text("done".to_owned())];
    Happened::Ended { entry, output, is_error: false, cost: Nanos::ZERO }
}

fn child() -> How {
    How::Child("other".to_owned())
}

fn child_ended(entry: u32, cost: u64, open: u64) -> Happened {
    let ended = Ended {
        status: Status::Completed,
        output: "done".to_owned(),
        is_error: false,
        cost: Nanos::new(cost),
        open: Nanos::new(open),
    };
    Happened::ChildEnded { entry, ended }
}

/// The entry of the nth call of the first step, from 1, where the answer is nothing but calls.
fn piece(nth: u32) -> u32 {
    Run::piece(1, nth - 1)
}

fn nth(entry: u32) -> u32 {
    entry % Run::piece(1, 0) + 1
}

/// What is begun, in a word each.
fn effects(out: &[Do]) -> Vec<String> {
    out.iter()
        .filter_map(|todo| match todo {
            Do::CallModel { step, attempt } => Some(format!("model {step}.{attempt}")),
            Do::CallTool { entry, attempt } => Some(format!("tool {}.{attempt}", nth(*entry))),
            Do::CancelChild { entry } => Some(format!("cancel {}", nth(*entry))),
            Do::LookAtChild { entry, nth: look } => Some(format!("look {}.{look}", nth(*entry))),
            Do::Say(_) | Do::Write { .. } => None,
        })
        .collect()
}

fn says(out: &[Do]) -> Vec<String> {
    out.iter()
        .filter_map(|todo| match todo {
            Do::Say(event) => serde_json::to_value(event).unwrap()["type"].as_str().map(str::to_owned),
            _ => None,
        })
        .collect()
}

#[test]
fn an_answer_without_calls_ends_the_run() {
    let mut run = begun(terms());
    let out = run.apply(answer(vec![AssistantPart::text("Hi")], vec![]), &NAMES, Millis(1));
    assert_eq!(says(&out), ["step.completed", "run.completed"]);
    assert_eq!((run.status(), run.spent), (Status::Completed, Nanos::new(10)));
    assert_eq!(run.apply(Happened::Cancelled { reason: None }, &NAMES, Millis(2)), []);
    assert_eq!(run.status(), Status::Completed);
}

#[test]
fn a_client_s_tool_is_waited_for_and_answered_once() {
    let mut run = begun(terms());
    let out = run.apply(answer(vec![call("look")], vec![How::Client]), &NAMES, Millis(1));
    assert_eq!(says(&out), ["tool.call", "step.completed", "run.waiting"]);
    assert_eq!((run.status(), run.wake_at()), (Status::Waiting, Some(Millis(3_600_000))));
    let output = || Given::Output(vec![Part::Text("42".to_owned())]);
    assert_eq!(run.give(9, output(), &NAMES, Millis(2)), Err(NotTaken::NeverAsked));
    assert_eq!(run.give(piece(1), Given::Retry, &NAMES, Millis(2)), Err(NotTaken::NoRetry));
    let out = run.give(piece(1), output(), &NAMES, Millis(2)).unwrap();
    assert_eq!(says(&out), ["tool.result", "run.resumed", "step.started"]);
    assert_eq!(effects(&out), ["model 2.1"]);
    // Its step is over; that it was answered before is known to who keeps the answers.
    assert_eq!(run.give(piece(1), output(), &NAMES, Millis(3)), Err(NotTaken::NeverAsked));
}

#[test]
fn no_more_calls_run_at_once_than_the_agent_allows() {
    let limits = Limits { max_parallel_tools: 2, ..Limits::default() };
    let mut run = begun(Terms { limits, ..terms() });
    let plan = vec![How::Ours(Effect::Pure); 3];
    let out = run.apply(answer(vec![call("a"), call("b"), call("c")], plan), &NAMES, Millis(1));
    assert_eq!(effects(&out), ["tool 1.1", "tool 2.1"]);
    assert_eq!(effects(&run.apply(ended(piece(2)), &NAMES, Millis(2))), ["tool 3.1"]);
    assert_eq!(effects(&run.apply(ended(piece(1)), &NAMES, Millis(2))), [""; 0]);
    assert_eq!(effects(&run.apply(ended(piece(3)), &NAMES, Millis(2))), ["model 2.1"]);
}

#[test]
fn after_a_crash_only_what_may_repeat_is_done_again() {
    for (how, on_unknown, expected) in [
        (How::Ours(Effect::Pure), OnUnknown::Ask, (Status::InProgress, vec!["tool 1.2"])),
        (How::Ours(Effect::Idempotent), OnUnknown::Fail, (Status::InProgress, vec!["tool 1.2"])),
        (child(), OnUnknown::Fail, (Status::InProgress, vec!["tool 1.2"])),
        (How::Ours(Effect::Unsafe), OnUnknown::Ask, (Status::Waiting, vec![])),
        (How::Ours(Effect::Unsafe), OnUnknown::Report, (Status::InProgress, vec!["model 2.1"])),
        (How::Ours(Effect::Unsafe), OnUnknown::Fail, (Status::Failed, vec![])),
    ] {
        let mut run = begun(Terms { on_unknown, ..terms() });
        run.apply(answer(vec![call("a")], vec![how.clone()]), &NAMES, Millis(1));
        let out = run.apply(Happened::Interrupted { entry: piece(1) }, &NAMES, Millis(2));
        assert_eq!(
            (run.status(), effects(&out)),
            (expected.0, expected.1.into_iter().map(str::to_owned).collect()),
            "{how:?} {on_unknown:?}"
        );
    }
}

#[test]
fn who_knows_how_a_call_ended_may_have_it_made_again() {
    let mut run = begun(terms());
    run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Unsafe)]), &NAMES, Millis(1));
    run.apply(Happened::Interrupted { entry: piece(1) }, &NAMES, Millis(2));
    assert!(matches!(run.awaited()[..], [Awaited::Outcome(_)]));
    assert_eq!(effects(&run.give(piece(1), Given::Retry, &NAMES, Millis(3)).unwrap()), ["tool 1.2"]);
    assert_eq!(run.give(piece(1), Given::Retry, &NAMES, Millis(3)), Err(NotTaken::NotWaiting));
}

#[test]
fn a_run_at_its_limit_says_a_last_word_and_is_incomplete() {
    let limits = Limits { max_steps: 1, ..Limits::default() };
    let mut run = begun(Terms { limits, ..terms() });
    run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(1));
    assert_eq!(effects(&run.apply(ended(piece(1)), &NAMES, Millis(2))), ["model 2.1"]);
    assert_eq!(run.closing, Some(Reason::MaxSteps));
    let out = run.apply(answer(vec![AssistantPart::text("So far"), call("b")], vec![]), &NAMES, Millis(3));
    assert_eq!(says(&out), ["tool.call", "step.completed", "tool.result", "run.incomplete"]);

    let limits = Limits { max_usd: Some(Nanos::new(10)), ..Limits::default() };
    let mut run = begun(Terms { limits, ..terms() });
    run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(1));
    let out = run.apply(ended(piece(1)), &NAMES, Millis(2));
    assert_eq!(
        (effects(&out), says(&out)),
        (vec![], vec!["tool.result".to_owned(), "run.incomplete".to_owned()])
    );
}

#[test]
fn a_call_that_does_not_fit_is_said_once_and_then_fails_the_run() {
    let mut run = begun(terms());
    let wrong = || answer(vec![call("a"), call("b")], vec![How::Invalid("No.".to_owned()), How::Client]);
    let out = run.apply(wrong(), &NAMES, Millis(1));
    assert_eq!((run.status(), says(&out).last().map(String::as_str)), (Status::Waiting, Some("run.waiting")));
    run.give(piece(2), Given::Error("x".to_owned()), &NAMES, Millis(2)).unwrap();
    let out = run.apply(wrong(), &NAMES, Millis(3));
    assert_eq!(run.status(), Status::Failed);
    assert_eq!(
        says(&out).iter().filter(|said| *said == "tool.result").count(),
        2,
        "both calls have their result"
    );
}

#[test]
fn what_is_said_meanwhile_is_answered_by_another_step() {
    let mut run = begun(terms());
    run.apply(Happened::Steered, &NAMES, Millis(1));
    let out = run.apply(answer(vec![AssistantPart::text("Hi")], vec![]), &NAMES, Millis(1));
    assert_eq!(effects(&out), ["model 2.1"]);
}

#[test]
fn a_paused_run_finishes_what_is_under_way_and_begins_nothing() {
    let mut run = begun(terms());
    let out = run.apply(Happened::Paused { reason: None }, &NAMES, Millis(1));
    assert_eq!((says(&out), run.unpaused()), (vec!["run.paused".to_owned()], Status::InProgress));
    let out = run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(2));
    assert_eq!((effects(&out), run.status()), (vec![], Status::Paused));
    let out = run.apply(Happened::Resumed, &NAMES, Millis(3));
    assert_eq!((effects(&out), says(&out)), (vec!["tool 1.1".to_owned()], vec!["run.resumed".to_owned()]));
}

#[test]
fn without_money_it_ends_or_waits_until_there_is_some() {
    let fault =
        || Happened::Unanswered { fault: Fault::Budget { resets_at: Some(Millis(500)) }, cost: Nanos::ZERO };
    let mut run = begun(terms());
    run.apply(fault(), &NAMES, Millis(1));
    assert_eq!(run.status(), Status::Incomplete);

    let mut run = begun(Terms { on_budget: OnBudget::Wait, ..terms() });
    let out = run.apply(fault(), &NAMES, Millis(1));
    assert_eq!(
        (says(&out), run.wake_at()),
        (vec!["step.restarted".to_owned(), "run.waiting".to_owned()], Some(Millis(500)))
    );
    assert_eq!(run.apply(Happened::Time, &NAMES, Millis(499)), []);
    assert_eq!(effects(&run.apply(Happened::Time, &NAMES, Millis(500))), ["model 1.1"]);
}

#[test]
fn a_run_without_progress_is_given_up() {
    let mut run = begun(terms());
    let mut crashes = 0;
    while !run.is_over() {
        run.apply(Happened::Cut { voids: None }, &NAMES, Millis(crashes));
        crashes += 1;
    }
    assert_eq!((run.status(), crashes), (Status::Failed, i64::from(MAX_ATTEMPTS)));
}

/// A run with these calls of other agents, and this much to spend beside the step that was paid.
fn family(children: usize, max_usd: Option<u64>) -> (Run, Vec<Do>) {
    let limits = Limits { max_usd: max_usd.map(|most| Nanos::new(most + 10)), ..Limits::default() };
    let mut run = begun(Terms { limits, ..terms() });
    let calls = (0..children).map(|_| call("ask")).collect();
    let out = run.apply(answer(calls, vec![child(); children]), &NAMES, Millis(1));
    (run, out)
}

#[test]
fn a_child_is_waited_for_asleep_and_its_end_is_the_result() {
    let (mut run, out) = family(1, None);
    assert_eq!((effects(&out), run.status()), (vec!["tool 1.1".to_owned()], Status::InProgress));
    let out = run.apply(Happened::ChildBegun { entry: piece(1) }, &NAMES, Millis(2));
    assert_eq!(
        (says(&out), run.status()),
        (vec!["child.started".to_owned(), "run.waiting".to_owned()], Status::Waiting)
    );
    assert!(!run.needs_somebody());
    let said = |seq, waits, message: Option<&str>| Happened::ChildSaid {
        entry: piece(1),
        seq,
        waits,
        message: message.map(str::to_owned),
    };
    let out = run.apply(said(1, false, Some("half")), &NAMES, Millis(3));
    assert_eq!(says(&out), ["child.progress"]);
    assert_eq!(run.apply(said(1, false, Some("half")), &NAMES, Millis(3)), [], "it is heard once");
    let out = run.apply(said(2, true, None), &NAMES, Millis(4));
    assert_eq!((says(&out), run.needs_somebody()), (vec!["run.waiting".to_owned()], true));
    let out = run.apply(child_ended(piece(1), 5, 0), &NAMES, Millis(5));
    assert_eq!(says(&out), ["child.ended", "tool.result", "run.resumed", "step.started"]);
    assert_eq!(run.spent, Nanos::new(15));
    run.apply(child_ended(piece(1), 5, 0), &NAMES, Millis(6));
    assert_eq!(run.spent, Nanos::new(15), "it is paid once");
}

#[test]
fn a_child_that_ends_before_it_is_known_to_be_there_has_ended() {
    let (mut run, _) = family(1, None);
    let out = run.apply(child_ended(piece(1), 5, 0), &NAMES, Millis(5));
    assert_eq!(says(&out)[..3], ["child.started", "child.ended", "tool.result"]);
    assert_eq!(run.apply(Happened::ChildBegun { entry: piece(1) }, &NAMES, Millis(6)), []);
}

#[test]
fn what_is_left_is_shared_among_children_and_no_more_is_given() {
    let given = |run: &Run| run.children.values().map(|child| child.given.unwrap().get()).collect::<Vec<_>>();
    let (mut run, _) = family(3, Some(90));
    assert_eq!((given(&run), run.left()), (vec![30, 30, 30], Some(Nanos::ZERO)));
    // What one does not need goes back.
    run.apply(child_ended(piece(1), 5, 0), &NAMES, Millis(2));
    assert_eq!(run.left(), Some(Nanos::new(25)));
    // What may still be spent of one that was cut off does not.
    run.apply(child_ended(piece(2), 5, 1_000), &NAMES, Millis(2));
    assert_eq!((run.left(), run.set_aside), (Some(Nanos::new(25)), Nanos::new(25)));

    let (run, out) = family(3, Some(2));
    assert_eq!(given(&run), [1, 1], "one nano-dollar each, and nothing for the third");
    assert_eq!(says(&out).iter().filter(|said| *said == "tool.result").count(), 1);
    let (run, out) = family(1, Some(0));
    assert!(run.children.is_empty(), "{run:?}");
    assert_eq!(says(&out).last().map(String::as_str), Some("run.incomplete"));
}

#[test]
fn a_child_goes_with_the_run_whether_or_not_it_is_there_yet() {
    for has_begun in [false, true] {
        let (mut run, _) = family(1, None);
        if has_begun {
            run.apply(Happened::ChildBegun { entry: piece(1) }, &NAMES, Millis(2));
        }
        let out = run.apply(Happened::Cancelled { reason: None }, &NAMES, Millis(3));
        assert_eq!(effects(&out), ["cancel 1"]);
        run.apply(child_ended(piece(1), 5, 0), &NAMES, Millis(4));
        assert_eq!((run.spent, run.status()), (Nanos::new(15), Status::Cancelled), "and is paid");
    }
    // A run whose time is up goes on to its last word.
    let (mut run, _) = family(1, None);
    run.apply(Happened::ChildBegun { entry: piece(1) }, &NAMES, Millis(2));
    let out = run.apply(Happened::Time, &NAMES, Millis(60 * 60_000));
    assert_eq!(effects(&out), ["look 1.1", "cancel 1", "model 2.1"]);
}

#[test]
fn a_quiet_child_is_asked_how_it_is_and_may_be_gone() {
    let (mut run, _) = family(1, None);
    run.apply(Happened::ChildLost { entry: piece(1) }, &NAMES, Millis(1));
    assert_eq!(run.status(), Status::InProgress, "it may not be there yet");
    run.apply(Happened::ChildBegun { entry: piece(1) }, &NAMES, Millis(2));
    for (nth, pause) in [30_000, 60_000, 120_000, 240_000, 300_000, 300_000].into_iter().enumerate() {
        let due = run.wake_at().unwrap();
        assert_eq!(run.apply(Happened::Time, &NAMES, due.plus(-1)), []);
        let out = run.apply(Happened::Time, &NAMES, due);
        assert_eq!(effects(&out), [format!("look 1.{}", nth + 1)]);
        let next = [60_000, 120_000, 240_000, 300_000, 300_000, 300_000][nth];
        assert_eq!(run.wake_at(), Some(due.plus(next)), "after {pause}");
    }
    let out = run.apply(Happened::ChildLost { entry: piece(1) }, &NAMES, Millis(3));
    assert_eq!(says(&out)[0], "tool.result");
}

/// Deterministic noise.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }
}

/// A child as its own thread has it.
#[derive(Default)]
struct Kid {
    given: Option<Nanos>,
    said: u64,
    is_cancelled: bool,
    is_over: bool,
}

/// A run's world, which sees that the machine keeps its word.
struct Theatre {
    run: Run,
    now: Millis,
    /// The model's open step.
    asked: Option<(u32, u32)>,
    /// Tool calls under way.
    running: BTreeSet<u32>,
    children: BTreeMap<u32, Kid>,
    /// Words of children on their way.
    words: Vec<Happened>,
    /// How often each unsafe call may be begun.
    allowed: BTreeMap<u32, u32>,
    begun: BTreeMap<u32, u32>,
    items: Vec<Item>,
    calls: BTreeSet<String>,
    results: BTreeSet<String>,
    spent: u64,
    is_over: bool,
}

impl Theatre {
    fn new(dice: &mut Dice) -> Self {
        let limits = Limits {
            max_steps: 1 + u32::try_from(dice.roll(6)).unwrap(),
            max_usd: (dice.roll(4) == 0).then(|| Nanos::new(50)),
            max_minutes: 1,
            max_tool_calls: (dice.roll(4) == 0).then_some(5),
            max_parallel_tools: 1 + u32::try_from(dice.roll(3)).unwrap(),
        };
        let on_unknown = [OnUnknown::Ask, OnUnknown::Report, OnUnknown::Fail][dice.below(3)];
        let on_budget = [OnBudget::End, OnBudget::Wait][dice.below(2)];
        let run = Run::new(1, Terms { limits, on_unknown, on_budget, ..terms() }, Millis(0));
        let said =
            Item { position: 0, run: 0, entry: 0, step: 0, at: Millis(0), message: Message::user("Go") };
        Self {
            run,
            now: Millis(0),
            asked: None,
            running: BTreeSet::new(),
            children: BTreeMap::new(),
            words: Vec::new(),
            allowed: BTreeMap::new(),
            begun: BTreeMap::new(),
            items: vec![said],
            calls: BTreeSet::new(),
            results: BTreeSet::new(),
            spent: 0,
            is_over: false,
        }
    }

    fn apply(&mut self, happened: Happened) {
        // As it would be read again after a crash.
        let stored = serde_json::to_string(&self.run).unwrap();
        assert_eq!(serde_json::from_str::<Run>(&stored).unwrap(), self.run);
        let out = self.run.apply(happened, &NAMES, self.now);
        self.perform(out);
    }

    fn perform(&mut self, out: Vec<Do>) {
        for todo in out {
            assert!(!self.is_over, "{todo:?} after the end");
            match todo {
                Do::Say(event) => self.is_over |= event.is_last(),
                Do::Write { entry, step, message } => self.write(entry, step, message),
                Do::CallModel { step, attempt } => {
                    assert!(
                        self.asked.replace((step, attempt)).is_none(),
                        "the model is asked once at a time"
                    );
                }
                Do::CallTool { entry, .. } => {
                    assert!(self.running.insert(entry));
                    // One of which only a crash knows whether it was begun is not counted until it is begun again.
                    let is_known =
                        |entry| self.run.call(entry).is_some_and(|call| call.stage == Stage::Child);
                    let at_work =
                        self.children.iter().filter(|(entry, kid)| !kid.is_over && is_known(**entry));
                    // Nor is the word that one is there, which comes after its end.
                    let is_open = |entry: &&u32| self.run.call(**entry).is_some_and(|call| !call.is_done());
                    let at_once = self.running.iter().filter(is_open).count() + at_work.count();
                    assert!(at_once <= self.run.terms.limits.max_parallel_tools as usize);
                    self.check_money();
                    *self.begun.entry(entry).or_default() += 1;
                    if let Some(call) = self.run.call(entry).filter(|call| !call.may_repeat()) {
                        let allowed = *self.allowed.entry(entry).or_insert(1);
                        assert!(self.begun[&entry] <= allowed, "{call:?} was begun again");
                    }
                }
                Do::CancelChild { entry } => {
                    // Also one that is not there yet, which then never comes.
                    let kid = self.children.entry(entry).or_default();
                    assert!(!std::mem::replace(&mut kid.is_cancelled, true), "{entry} is cancelled again");
                }
                Do::LookAtChild { entry, .. } => {
                    if !self.children.contains_key(&entry) {
                        self.words.push(Happened::ChildLost { entry });
                    }
                }
            }
        }
        assert_eq!(self.run.spent.get(), self.spent);
        assert_eq!(self.run.is_over(), self.is_over);
        if self.is_over {
            assert_eq!(self.calls, self.results, "every call has its result");
            let orphan = self.children.iter().find(|(_, kid)| !kid.is_over && !kid.is_cancelled);
            assert!(orphan.is_none(), "{:?} works for nobody", orphan.map(|(entry, _)| entry));
        } else {
            assert!(self.results.is_subset(&self.calls));
        }
    }

    fn write(&mut self, entry: u32, step: u32, message: Message) {
        match &message {
            Message::Assistant { parts } => {
                for call in AssistantPart::calls_of(parts) {
                    assert!(self.calls.insert(call.id.clone()), "{} was used before", call.id);
                }
            }
            Message::Tool { call_id, .. } => {
                assert!(self.results.insert(call_id.clone()), "{call_id} has two results");
            }
            other => panic!("{other:?}"),
        }
        let position = self.items.len() as u64;
        self.items.push(Item { position, run: 1, entry, step, at: self.now, message });
    }

    fn answer(&mut self, dice: &mut Dice) {
        let calls = dice.roll(4);
        let hows = [
            How::Client,
            How::Ours(Effect::Pure),
            How::Ours(Effect::Idempotent),
            How::Ours(Effect::Unsafe),
            child(),
            How::Invalid("No.".to_owned()),
        ];
        let mut parts = vec![AssistantPart::reasoning("hm"), AssistantPart::text("Well")];
        parts.extend((0..calls).map(|_| call("f")));
        let plan = (0..calls).map(|_| hows[dice.below(hows.len())].clone()).collect();
        self.spent += 7;
        let finish = if dice.roll(20) == 0 { Finish::Length } else { Finish::Stop };
        let answered = Answered { parts, finish, plan, usage: Usage::default(), cost: Nanos::new(7) };
        self.asked = None;
        self.apply(Happened::Answered(answered));
    }

    fn fail(&mut self, dice: &mut Dice) {
        let failure = Failure::new("upstream_error", "no");
        let fault = match dice.roll(8) {
            0 => Fault::Final(failure),
            1 | 2 => Fault::Budget { resets_at: None },
            _ => Fault::Transient { failure, at: None },
        };
        self.spent += 1;
        self.asked = None;
        self.apply(Happened::Unanswered { fault, cost: Nanos::new(1) });
    }

    /// All that was under way is gone.
    fn crash(&mut self) {
        if self.asked.take().is_some() {
            self.apply(Happened::Cut { voids: Some(Voids { from: 1, to: 2 }) });
        }
        for entry in std::mem::take(&mut self.running) {
            if self.is_child(entry) && entry % 2 == 0 {
                self.begin_child(entry);
            }
            self.apply(Happened::Interrupted { entry });
        }
    }

    fn is_child(&self, entry: u32) -> bool {
        self.run.call(entry).is_some_and(|call| call.child().is_some())
    }

    /// Beginning it again finds it.
    fn begin_child(&mut self, entry: u32) {
        // It may have ended before it is known to be there.
        let Some(given) = self.run.children.get(&entry).map(|child| child.given) else { return };
        let kid = self.children.entry(entry).or_insert_with(|| Kid { given, ..Kid::default() });
        assert!(kid.is_cancelled || kid.given == given, "{entry} is begun with another limit");
    }

    /// No more is given than is left.
    fn check_money(&self) {
        let Some(most) = self.run.terms.limits.max_usd else { return };
        let given: Nanos = self.run.children.values().map(|child| child.given.unwrap()).sum();
        if given > Nanos::ZERO {
            assert!(self.run.spent + self.run.set_aside + given <= most, "{:?}", self.run);
        }
    }

    /// A child says something, ends, or is deleted.
    fn live(&mut self, dice: &mut Dice) {
        if !self.words.is_empty() {
            // A word may come twice.
            let at = dice.below(self.words.len());
            let word = if dice.roll(3) == 0 { self.words[at].clone() } else { self.words.swap_remove(at) };
            if let Happened::ChildEnded { entry, ended } = &word
                && self.run.children.contains_key(entry)
            {
                self.spent += ended.cost.get();
            }
            return self.apply(word);
        }
        let alive: Vec<u32> =
            self.children.iter().filter(|(_, kid)| !kid.is_over).map(|(entry, _)| *entry).collect();
        if alive.is_empty() {
            return;
        }
        let entry = alive[dice.below(alive.len())];
        let Some(kid) = self.children.get_mut(&entry) else { return };
        match dice.roll(if kid.is_cancelled { 2 } else { 6 }) {
            0 | 1 => {
                kid.is_over = true;
                let cost = dice.roll(4).min(kid.given.map_or(u64::MAX, Nanos::get));
                self.words.push(child_ended(entry, cost, dice.roll(2) * 100));
            }
            2 if self.run.children.get(&entry).is_some_and(|child| child.has_begun) => {
                self.children.remove(&entry);
            }
            _ => {
                kid.said += 1;
                let (seq, waits) = (kid.said, dice.roll(2) == 0);
                self.words.push(Happened::ChildSaid { entry, seq, waits, message: Some("hm".to_owned()) });
            }
        }
    }

    fn end_tool(&mut self, dice: &mut Dice) {
        let at = |all: &BTreeSet<u32>, dice: &mut Dice| all.iter().nth(dice.below(all.len().max(1))).copied();
        if let Some(entry) = at(&self.running, dice) {
            self.running.remove(&entry);
            if self.is_child(entry) {
                if self.children.contains_key(&entry) || dice.roll(4) > 0 {
                    self.begin_child(entry);
                    return self.apply(Happened::ChildBegun { entry });
                }
                let output = vec![Part::Text("no such agent".to_owned())];
                return self.apply(Happened::Ended { entry, output, is_error: true, cost: Nanos::ZERO });
            }
            // Tools of ours are free; where a run has no limit they need not be.
            let cost = if self.run.terms.limits.max_usd.is_some() { 0 } else { 3 };
            self.spent += cost;
            self.apply(Happened::Ended { entry, output: vec![], is_error: false, cost: Nanos::new(cost) });
        } else {
            self.live(dice);
        }
    }

    fn give(&mut self, dice: &mut Dice) {
        let waiting: Vec<u32> =
            self.run.calls().iter().filter(|call| call.waits()).map(|call| call.entry).collect();
        if waiting.is_empty() {
            return;
        }
        let entry = waiting[dice.below(waiting.len())];
        let given = match dice.roll(3) {
            0 => Given::Output(vec![]),
            1 => Given::Error("no".to_owned()),
            _ => Given::Retry,
        };
        let is_retry = given == Given::Retry;
        if let Ok(out) = self.run.give(entry, given, &NAMES, self.now) {
            if is_retry {
                *self.allowed.entry(entry).or_insert(1) += 1;
            }
            self.perform(out);
        }
    }

    /// Something that can happen now.
    fn step(&mut self, dice: &mut Dice) {
        let (asked, over) = (self.asked.is_some(), self.is_over);
        match dice.roll(16) {
            0..=4 if asked => self.answer(dice),
            5 if asked => self.fail(dice),
            0..=6 => self.end_tool(dice),
            7 => self.live(dice),
            8 | 9 => self.give(dice),
            10 => self.crash(),
            11 if !over && dice.roll(20) == 0 => self.apply(Happened::Cancelled { reason: None }),
            12 => self.apply(Happened::Steered),
            13 if dice.roll(3) == 0 => self.apply(Happened::Paused { reason: None }),
            13 => self.apply(Happened::Resumed),
            _ => {
                self.now = self.now.plus(i64::try_from(dice.roll(4_000)).unwrap());
                self.apply(Happened::Time);
            }
        }
    }
}

#[test]
fn whatever_happens_a_run_ends_with_one_result_for_each_call() {
    let mut dice = Dice(12);
    let (mut steps, mut ends) = (0_u32, BTreeMap::<&str, u32>::new());
    while steps < 1_000_000 {
        let mut stage = Theatre::new(&mut dice);
        stage.apply(Happened::Begun);
        let mut life = 0;
        while !stage.is_over {
            stage.step(&mut dice);
            life += 1;
            assert!(life < 20_000, "it goes on for ever: {:?}", stage.run);
        }
        // What was under way may still end, and only costs.
        for _ in 0..4 {
            stage.step(&mut dice);
        }
        let sent = sendable(stage.items.clone());
        let results = sent.iter().filter(|message| matches!(message, Message::Tool { .. })).count();
        assert_eq!(results, stage.results.len());
        *ends.entry(stage.run.status().name()).or_default() += 1;
        steps += life + 4;
    }
    for status in ["completed", "incomplete", "failed", "cancelled"] {
        assert!(ends.get(status).is_some_and(|n| *n > 100), "{ends:?}");
    }
}
