use super::super::super::compaction::{Compacted, Slid};
use super::*;
use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::item::Span;

pub fn compacted(has_more: bool) -> Compacted {
    let entry = (NAMES.entry)(1);
    let horizon = Horizon { until: 4, ..Horizon::default() };
    let span = Span { from: entry, to: entry };
    Compacted { summary: "So far".to_owned(), span, summed: 4, horizon, has_more, is_cut: false }
}

fn summed_up(has_more: bool) -> Happened {
    let (cost, usage) = (Nanos::new(3), Usage::default());
    Happened::Compacted { compacted: compacted(has_more), cost, usage }
}

fn failed(fault: Option<Fault>, until: Option<u64>) -> Happened {
    let horizon = until.map(|until| Horizon { until, ..Horizon::default() });
    let slid = Slid { horizon, why: "so".to_owned() };
    Happened::NotCompacted { slid, fault, cost: Nanos::new(3) }
}

fn too_long() -> Happened {
    let fault = Fault::TooLong(Failure::new("upstream_rejected", "the prompt is too long"));
    Happened::Unanswered { fault, cost: Nanos::ZERO }
}

fn transient() -> Fault {
    Fault::Transient { failure: Failure::new("upstream_error", "no"), at: None, broke_off: None }
}

/// A run whose thread is full before its first step.
fn full() -> Run {
    let mut run = Run::new(1, terms(), Millis(0));
    assert_eq!(effects(&run.apply(Happened::Full, &NAMES, Millis(0))), [""; 0]);
    assert_eq!(effects(&run.apply(Happened::Begun, &NAMES, Millis(0))), ["compact 1"]);
    assert_eq!(run.status(), Status::InProgress);
    run
}

#[test]
fn a_thread_that_is_full_is_summed_up_before_the_next_step() {
    let mut run = full();
    let out = run.apply(summed_up(true), &NAMES, Millis(1));
    assert_eq!(effects(&out), ["sum 4", "compact 2"], "there is more");
    assert_eq!(says(&out), ["compaction.completed"]);
    assert_eq!(effects(&run.apply(summed_up(false), &NAMES, Millis(2))), ["sum 4", "model 1.1"]);
    assert_eq!((run.spent, run.steps), (Nanos::new(6), 1));
    // Within a run, between two steps.
    run.apply(Happened::Full, &NAMES, Millis(3));
    run.apply(answer(vec![call("f")], vec![How::Client]), &NAMES, Millis(3));
    let input = Input::Call { entry: piece(1), given: Given::Output(Vec::new()) };
    let (_, out) = run.give(vec![input], &NAMES, Millis(4));
    assert_eq!(effects(&out), ["compact 3"]);
    assert_eq!(effects(&run.apply(summed_up(false), &NAMES, Millis(5))), ["sum 4", "model 2.1"]);
}

#[test]
fn a_summary_without_an_end_is_warned_of() {
    let mut run = full();
    let (cost, usage) = (Nanos::new(3), Usage::default());
    let compacted = Compacted { is_cut: true, ..compacted(false) };
    run.apply(Happened::Compacted { compacted, cost, usage }, &NAMES, Millis(1));
    let warned: Vec<_> = run.warnings.iter().map(|warning| (warning.field.as_str(), warning.code)).collect();
    assert_eq!(warned, [("compaction", crate::domain::warning::Code::LeftOut)]);
}

#[test]
fn a_run_does_without_a_summary_that_fails_and_asks_for_no_other() {
    let mut run = full();
    let out = run.apply(failed(Some(Fault::Empty), Some(7)), &NAMES, Millis(1));
    assert_eq!(effects(&out), ["slide 7", "model 1.1"]);
    assert_eq!(says(&out), ["window.slid", "step.started"]);
    assert!(run.compacting.has_given_up);
    // What fails in passing is asked for again, three times in all.
    let mut run = full();
    for (nth, at) in [(2, 1_001), (3, 3_002)] {
        assert_eq!(
            effects(&run.apply(failed(Some(transient()), Some(7)), &NAMES, Millis(at - 1_000))),
            [""; 0]
        );
        assert_eq!(run.status(), Status::Waiting);
        let at = Millis(at + 1_000);
        assert_eq!(effects(&run.apply(Happened::Time, &NAMES, at)), [format!("compact {nth}")]);
    }
    let out = run.apply(failed(Some(transient()), None), &NAMES, Millis(9_000));
    assert_eq!(effects(&out), ["model 1.1"], "nothing can be left out");
}

#[test]
fn a_crash_asks_for_the_summary_again_and_a_cancelled_run_pays_for_it() {
    let mut run = full();
    assert_eq!(effects(&run.apply(Happened::CompactionCut, &NAMES, Millis(1))), ["compact 2"]);
    run.apply(Happened::Cancelled { reason: None }, &NAMES, Millis(2));
    assert!(run.is_over() && run.was_asking);
    assert_eq!(run.apply(summed_up(false), &NAMES, Millis(3)), []);
    assert_eq!(run.spent, Nanos::new(3));
    // Again and again: without a summary, and not for ever.
    let mut run = full();
    for n in 2..11 {
        assert_eq!(effects(&run.apply(Happened::CompactionCut, &NAMES, Millis(n))).len(), 1);
        assert_eq!(run.compacting.has_given_up, n >= 4);
    }
    run.apply(Happened::CompactionCut, &NAMES, Millis(12));
    assert_eq!(run.status(), Status::Failed);
}

#[test]
fn a_step_that_is_refused_as_too_long_is_asked_again_with_less() {
    let mut run = begun(terms());
    let out = run.apply(too_long(), &NAMES, Millis(1));
    assert_eq!(effects(&out), ["compact 1"]);
    assert_eq!(says(&out), ["step.restarted"]);
    let out = run.apply(summed_up(false), &NAMES, Millis(2));
    assert_eq!(effects(&out), ["sum 4", "model 1.2"]);
    run.apply(too_long(), &NAMES, Millis(3));
    let out = run.apply(failed(None, Some(9)), &NAMES, Millis(4));
    assert_eq!(effects(&out), ["slide 9", "model 1.3"]);
    run.apply(too_long(), &NAMES, Millis(5));
    let Phase::Ended { end: End::Failed(failure), .. } = &run.phase else { panic!("{:?}", run.phase) };
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("upstream_rejected", "the prompt is too long")
    );

    let mut run = begun(terms());
    run.apply(too_long(), &NAMES, Millis(1));
    run.apply(failed(None, None), &NAMES, Millis(2));
    assert_eq!(run.status(), Status::Failed, "nothing can be left out");
}

#[test]
fn without_money_or_time_nothing_is_summed_up() {
    let limits = Limits { max_usd: Some(Nanos::new(10)), ..Limits::default() };
    let mut run = begun(Terms { limits, ..terms() });
    run.apply(Happened::Full, &NAMES, Millis(1));
    run.apply(answer(vec![call("f")], vec![How::Client]), &NAMES, Millis(1));
    let input = Input::Call { entry: piece(1), given: Given::Output(Vec::new()) };
    let (_, out) = run.give(vec![input], &NAMES, Millis(2));
    assert_eq!((effects(&out), run.status()), (vec![], Status::Incomplete));
}
