//! What a run is given, and what it cannot be given.

use super::super::super::input::NotTaken;
use super::*;

pub(super) fn give(run: &mut Run, entry: u32, given: Given, now: Millis) -> Result<Vec<Do>, NotTaken> {
    let input = Input::Call { entry, given };
    run.can_take(&input).map(|()| run.give(vec![input], &NAMES, now).1)
}

#[test]
fn what_a_run_is_given_at_once_is_considered_in_one_step() {
    for is_last_first in [true, false] {
        let mut run = begun(terms());
        run.apply(answer(vec![call("a"), call("b")], vec![How::Client; 2]), &NAMES, Millis(1));
        let output = |entry| Input::Call { entry: piece(entry), given: Given::Output(vec![]) };
        let mut inputs = vec![output(1), output(2), Input::Message(Message::user("And this"))];
        if !is_last_first {
            inputs.reverse();
        }
        let (entries, out) = run.give(inputs, &NAMES, Millis(2));
        assert_eq!(entries.len(), 3);
        assert_eq!(effects(&out), ["model 2.1"]);
        assert_eq!(says(&out).iter().filter(|said| *said == "run.resumed").count(), 1);
        let done = run.apply(answer(vec![AssistantPart::text("Seen")], vec![]), &NAMES, Millis(3));
        assert_eq!(run.status(), Status::Completed, "{done:?}");
    }
}

#[test]
fn a_call_that_nobody_answered_is_given_up_with_the_run() {
    let mut run = begun(terms());
    let plan = vec![How::Client, How::Ours(Effect::Pure)];
    run.apply(answer(vec![call("a"), call("b")], plan), &NAMES, Millis(1));
    let out = run.apply(Happened::Cancelled { reason: None }, &NAMES, Millis(2));
    let given_up = out.iter().filter(|todo| matches!(todo, Do::GiveUp { .. })).cloned().collect::<Vec<_>>();
    assert_eq!(given_up, [Do::GiveUp { entry: piece(1) }]);
    let message = Input::Message(Message::user("Hello?"));
    assert_eq!(run.can_take(&message), Err(NotTaken::RunEnded));
}

#[test]
fn a_client_s_tool_is_waited_for_and_answered_once() {
    let mut run = begun(terms());
    let out = run.apply(answer(vec![call("look")], vec![How::Client]), &NAMES, Millis(1));
    assert_eq!(says(&out), ["tool.call", "step.completed", "run.waiting"]);
    assert_eq!((run.status(), run.wake_at()), (Status::Waiting, Some(Millis(3_600_000))));
    let output = || Given::Output(vec![Part::Text("42".to_owned())]);
    assert_eq!(give(&mut run, 9, output(), Millis(2)), Err(NotTaken::NeverAsked));
    assert_eq!(give(&mut run, piece(1), Given::Retry, Millis(2)), Err(NotTaken::NoRetry));
    let out = give(&mut run, piece(1), output(), Millis(2)).unwrap();
    assert_eq!(says(&out), ["tool.result", "run.resumed", "step.started"]);
    assert_eq!(effects(&out), ["model 2.1"]);
    // Its step is over; that it was answered before is known to who keeps the answers.
    assert_eq!(give(&mut run, piece(1), output(), Millis(3)), Err(NotTaken::NeverAsked));
}

#[test]
fn who_knows_how_a_call_ended_may_have_it_made_again() {
    let mut run = begun(terms());
    run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Unsafe)]), &NAMES, Millis(1));
    run.apply(Happened::Interrupted { entry: piece(1) }, &NAMES, Millis(2));
    assert!(matches!(run.awaited()[..], [Awaited::Outcome(_)]));
    assert_eq!(effects(&give(&mut run, piece(1), Given::Retry, Millis(3)).unwrap()), ["tool 1.2"]);
    assert_eq!(give(&mut run, piece(1), Given::Retry, Millis(3)), Err(NotTaken::NotWaiting));
}

#[test]
fn a_run_that_hands_over_ends_where_only_the_client_s_tools_are_left() {
    let mut run = begun(Terms { hands_over: true, ..terms() });
    let plan = vec![How::Client, How::Ours(Effect::Pure)];
    let out = run.apply(answer(vec![call("a"), call("b")], plan), &NAMES, Millis(1));
    assert_eq!((effects(&out), run.status()), (vec!["tool 2.1".to_owned()], Status::InProgress));
    let out = run.apply(ended(piece(2)), &NAMES, Millis(2));
    assert_eq!(says(&out), ["tool.result", "run.completed"]);
    assert_eq!(run.status(), Status::Completed);
    // The call of the client's has no result, and no other run of it.
    let results = out.iter().filter(|todo| matches!(todo, Do::Write { .. })).count();
    assert_eq!(results, 1);
    assert!(
        out.contains(&Do::GiveUp { entry: piece(1) }),
        "whoever answers it late is told that the run is over"
    );
}

#[test]
fn a_run_that_hands_over_goes_on_where_the_calls_were_ours() {
    let mut run = begun(Terms { hands_over: true, ..terms() });
    run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(1));
    assert_eq!(effects(&run.apply(ended(piece(1)), &NAMES, Millis(2))), ["model 2.1"]);
}
