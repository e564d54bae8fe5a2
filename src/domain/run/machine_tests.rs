use std::collections::BTreeMap;

use serde_json::Value;

use super::super::awaited::Awaited;
use super::super::happening::Fault;
use super::super::input::{Given, Input};
use super::super::state::Failure;
use super::super::terms::{OnBudget, OnUnknown};
use super::super::tool::How;
use super::super::trouble::MAX_ATTEMPTS;
use super::super::word::Ended;
use super::*;
use crate::domain::ids::AgentId;
use crate::domain::message::{AssistantPart, Message, Part, ToolCall, Usage};
use crate::domain::run::manner::Manner;
use crate::domain::run::terms::{Limits, Priority, Starter};
use crate::domain::run::tool::Effect;
use crate::domain::thread::id::{EntryId, RunId, ThreadKey};

#[path = "machine_compacting_tests.rs"]
mod compacting;
#[path = "machine_given_tests.rs"]
mod given;
#[path = "machine_simulation_tests.rs"]
mod simulation;
#[path = "machine_typed_tests.rs"]
mod typed;
#[path = "machine_waiting_tests.rs"]
mod waiting;

fn entry_id(number: u32) -> EntryId {
    EntryId { run: RunId { thread: ThreadKey::new(Millis(1), [1; 10]), number: 1 }, number }
}

const NAMES: Names<'static> = Names { entry: &entry_id, awaited: &|_| Value::Null };

fn terms() -> Terms {
    Terms {
        agent: AgentId::new(Millis(1), [2; 10]),
        version: 1,
        started_by: Starter::Anonymous,
        user: None,
        limits: Limits::default(),
        on_unknown: OnUnknown::Ask,
        on_budget: OnBudget::End,
        priority: Priority::Normal,
        variables: BTreeMap::new(),
        tools: Vec::new(),
        manner: Manner::default(),
        parent: None,
        via: None,
        typed: false,
        webhooks: Vec::new(),
        hands_over: false,
        request: None,
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
    Happened::Answered(Answered {
        parts,
        finish: Finish::Stop,
        plan,
        usage,
        cost,
        warnings: Vec::new(),
        output: Checked::Free,
    })
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
            Do::Compact { nth } => Some(format!("compact {nth}")),
            Do::Slide { horizon } => Some(format!("slide {}", horizon.until)),
            Do::Compacted { compacted, .. } => Some(format!("sum {}", compacted.summed)),
            Do::CancelChild { entry } => Some(format!("cancel {}", nth(*entry))),
            Do::LookAtChild { entry, nth: look } => Some(format!("look {}.{look}", nth(*entry))),
            Do::Say(_) | Do::Write { .. } | Do::Hear { .. } | Do::GiveUp { .. } => None,
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
        let is_again = expected.1 == ["tool 1.2"];
        assert_eq!(
            (run.status(), effects(&out)),
            (expected.0, expected.1.into_iter().map(str::to_owned).collect()),
            "{how:?} {on_unknown:?}"
        );

        assert_eq!(says(&out).contains(&"tool.progress".to_owned()), is_again, "{how:?} {on_unknown:?}");
    }
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
    let out = run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(1));
    assert_eq!(effects(&out), [""; 0], "nobody would learn what the call has done");
    assert_eq!(says(&out), ["tool.call", "step.completed", "tool.result", "run.incomplete"]);
    assert_eq!(run.tool_calls, 0);
}

/// The words of the results that are written.
fn results(out: &[Do]) -> Vec<String> {
    out.iter()
        .filter_map(|todo| match todo {
            Do::Write { message: Message::Tool { parts, .. }, .. } => match &parts[..] {
                [Part::Text(text)] => Some(text.clone()),
                other => panic!("{other:?}"),
            },
            _ => None,
        })
        .collect()
}

const NOT_MADE: &str = "This call was not made: the run had reached its limit.";

#[test]
fn a_limit_of_tool_calls_holds_inside_a_step() {
    let limits = Limits { max_tool_calls: Some(3), max_parallel_tools: 32, ..Limits::default() };
    let mut run = begun(Terms { limits, ..terms() });
    let plan = [How::Ours(Effect::Unsafe), How::Invalid("No.".to_owned()), How::Client, child()];
    let plan: Vec<How> = plan.into_iter().chain(vec![How::Ours(Effect::Unsafe); 16]).collect();
    let out = run.apply(answer(vec![call("a"); 20], plan), &NAMES, Millis(1));
    assert_eq!(effects(&out), ["tool 1.1", "tool 4.1"], "what does not fit is not made, and does not count");
    assert_eq!(results(&out)[1..], [NOT_MADE; 16]);
    assert_eq!(run.tool_calls, 3);
    run.apply(ended(piece(1)), &NAMES, Millis(2));
    run.apply(ended(piece(4)), &NAMES, Millis(2));
    let out = given::give(&mut run, piece(3), Given::Error("x".to_owned()), Millis(2)).unwrap();
    assert_eq!((effects(&out), run.closing), (vec!["model 2.1".to_owned()], Some(Reason::MaxToolCalls)));
    let out = run.apply(answer(vec![call("b")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(3));
    assert_eq!((results(&out), run.tool_calls), (vec![NOT_MADE.to_owned()], 3));
    assert_eq!(run.status(), Status::Incomplete);
}

#[test]
fn no_tool_call_begins_when_the_time_is_up() {
    let limits = Limits { max_minutes: 1, max_parallel_tools: 1, ..Limits::default() };
    let two = || answer(vec![call("a"), call("b")], vec![How::Ours(Effect::Pure), How::Client]);
    let mut run = begun(Terms { limits, ..terms() });
    let out = run.apply(two(), &NAMES, Millis(60_000));
    assert_eq!((effects(&out), results(&out)), (vec!["model 2.1".to_owned()], vec![NOT_MADE.to_owned(); 2]));
    assert_eq!((run.closing, run.tool_calls), (Some(Reason::MaxMinutes), 0));

    let mut run = begun(Terms { limits, ..terms() });
    let ours = || How::Ours(Effect::Pure);
    run.apply(answer(vec![call("a"), call("b")], vec![ours(), ours()]), &NAMES, Millis(1));
    let out = run.apply(ended(piece(1)), &NAMES, Millis(60_000));
    assert_eq!(results(&out), ["done", NOT_MADE], "the alarm has not come yet");
    assert_eq!((effects(&out), run.tool_calls), (vec!["model 2.1".to_owned()], 1));
}

#[test]
fn a_call_that_was_made_once_is_not_said_to_be_not_made() {
    let mut run = begun(terms());
    run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Idempotent)]), &NAMES, Millis(1));
    run.apply(Happened::Paused { reason: None }, &NAMES, Millis(2));
    run.apply(Happened::Interrupted { entry: piece(1) }, &NAMES, Millis(2));
    let out = run.apply(Happened::Cancelled { reason: None }, &NAMES, Millis(3));
    assert!(results(&out)[0].starts_with("Whether this call had its effect is not known"), "{out:?}");
}

#[test]
fn a_call_that_does_not_fit_is_said_once_and_then_fails_the_run() {
    let mut run = begun(terms());
    let wrong = || answer(vec![call("a"), call("b")], vec![How::Invalid("No.".to_owned()), How::Client]);
    let out = run.apply(wrong(), &NAMES, Millis(1));
    assert_eq!((run.status(), says(&out).last().map(String::as_str)), (Status::Waiting, Some("run.waiting")));
    given::give(&mut run, piece(2), Given::Error("x".to_owned()), Millis(2)).unwrap();
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
    let out = run.apply(Happened::Time, &NAMES, Millis(500));
    assert_eq!(effects(&out), ["model 1.2"], "no two attempts have one name");
    let out = run.apply(Happened::Cut { voids: None }, &NAMES, Millis(501));
    assert_eq!(effects(&out), ["model 1.3"]);
    run.apply(fault(), &NAMES, Millis(502));
    let out = run.apply(Happened::Resumed, &NAMES, Millis(503));
    assert_eq!(effects(&out), ["model 1.4"]);
    let out = run.apply(answer(vec![call("a")], vec![How::Invalid("No.".to_owned())]), &NAMES, Millis(504));
    assert_eq!(effects(&out), ["model 2.1"]);
}

#[test]
fn a_time_beyond_what_anybody_waits_without_progress_is_an_end() {
    let away = |at: i64| {
        let failure = Failure::new("upstream_rate_limited", "Later.");
        let fault = Fault::Transient { failure, at: Some(Millis(at)), broke_off: None };
        Happened::Unanswered { fault, cost: Nanos::ZERO }
    };
    let mut run = begun(terms());
    run.apply(away(299_000), &NAMES, Millis(0));
    assert_eq!((run.status(), run.wake_at()), (Status::Waiting, Some(Millis(299_000))));
    run.apply(Happened::Time, &NAMES, Millis(299_000));
    // Only a second is left of the five minutes.
    run.apply(away(301_000), &NAMES, Millis(299_000));
    let Phase::Ended { end: End::Failed(failure), .. } = &run.phase else { panic!("{run:?}") };
    assert_eq!((failure.code.as_str(), failure.retry_at), ("upstream_rate_limited", Some(Millis(301_000))));
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
