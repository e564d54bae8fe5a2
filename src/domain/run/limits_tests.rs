//! A run at its limits.

use super::*;

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
    let out = give(&mut run, piece(3), Given::Error("x".to_owned()), Millis(2)).unwrap();
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
