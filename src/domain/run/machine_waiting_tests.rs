//! What is tried again, waited for and put right later.

use super::*;

#[test]
fn a_crash_counts_once_however_many_calls_it_cuts() {
    let limits = Limits { max_parallel_tools: 32, ..Limits::default() };
    let busy = || {
        let mut run = begun(Terms { limits, ..terms() });
        let plan = vec![How::Ours(Effect::Idempotent); 32];
        assert_eq!(effects(&run.apply(answer(vec![call("a"); 32], plan), &NAMES, Millis(1))).len(), 32);
        run
    };
    let crash = |run: &mut Run, attempt: i64| {
        let cut = (1..=32).map(|nth| Happened::Interrupted { entry: piece(nth) });
        let out = cut.flat_map(|cut| run.apply(cut, &NAMES, Millis(attempt))).collect::<Vec<_>>();
        effects(&out)
    };
    let mut run = busy();
    assert_eq!(crash(&mut run, 2), (1..=32).map(|nth| format!("tool {nth}.2")).collect::<Vec<_>>());
    let out = (1..=32).flat_map(|nth| run.apply(ended(piece(nth)), &NAMES, Millis(3))).collect::<Vec<_>>();
    assert_eq!(effects(&out), ["model 2.1"]);
    run.apply(answer(vec![AssistantPart::text("Done")], vec![]), &NAMES, Millis(4));
    assert_eq!(run.status(), Status::Completed);

    let mut run = busy();
    for nth in 1..MAX_ATTEMPTS {
        assert_eq!(crash(&mut run, i64::from(nth)).len(), 32, "after {nth} crashes");
    }
    // Whatever progresses begins the count again.
    run.apply(ended(piece(32)), &NAMES, Millis(20));
    for nth in 1..MAX_ATTEMPTS {
        assert_eq!(crash(&mut run, i64::from(nth)).len(), 31, "after {nth} crashes");
    }
    assert_eq!(crash(&mut run, 30), [""; 0]);
    assert!(
        matches!(&run.phase, Phase::Ended { end: End::Failed(failure), .. } if failure.code == "no_progress")
    );
}

#[test]
fn a_call_that_cannot_be_made_is_begun_again_after_growing_pauses() {
    let not_made = || Happened::NotMade { entry: piece(1), why: "away".to_owned() };
    let two = || answer(vec![call("a"), call("b")], vec![How::Ours(Effect::Unsafe), How::Ours(Effect::Pure)]);
    let mut run = begun(terms());
    assert_eq!(effects(&run.apply(two(), &NAMES, Millis(1))), ["tool 1.1", "tool 2.1"]);
    let mut now = Millis(1);
    for (attempt, pause) in [1_000, 2_000, 4_000].into_iter().enumerate() {
        let out = run.apply(not_made(), &NAMES, now);
        assert_eq!((effects(&out), says(&out)), (Vec::new(), vec!["tool.progress".to_owned()]));
        assert_eq!((run.status(), run.wake_at()), (Status::InProgress, Some(now.plus(pause))));
        now = now.plus(pause);
        let out = run.apply(Happened::Time, &NAMES, now);
        assert_eq!(effects(&out), [format!("tool 1.{}", attempt + 2)]);
    }
    run.apply(ended(piece(2)), &NAMES, now);
    // What ends meanwhile is progress; and alone it waits for its time.
    let out = run.apply(not_made(), &NAMES, now);
    assert_eq!(
        (says(&out), run.status()),
        (vec!["tool.progress".to_owned(), "run.waiting".to_owned()], Status::Waiting)
    );
    assert!(matches!(run.awaited()[..], [Awaited::Time(at)] if at == now.plus(1_000)));
    assert!(!run.needs_somebody());
    let out = run.apply(Happened::Resumed, &NAMES, now);
    assert_eq!((effects(&out), says(&out)), (vec!["tool 1.5".to_owned()], vec!["run.resumed".to_owned()]));
    while !run.is_over() {
        run.apply(not_made(), &NAMES, now);
        now = run.wake_at().unwrap_or(now);
        run.apply(Happened::Time, &NAMES, now);
    }
    assert!(
        matches!(&run.phase, Phase::Ended { end: End::Failed(failure), .. } if failure.code == "no_progress")
    );
    assert!((240_000..300_000).contains(&now.0), "it was tried for minutes: {now:?}");
}

#[test]
fn runs_that_wait_for_a_place_are_all_completed_however_long_it_takes() {
    const AT_ONCE: usize = 2;
    const STEP_MS: i64 = 10_000;
    let noise = |nth: usize, now: Millis| ((nth as i64 * 97 + now.0 * 31) % 256) as u8;
    let mut runs: Vec<Run> = (0..100).map(|_| begun(terms())).collect();
    // When each has its answer, of those that the model is asked for.
    let mut ends: Vec<Option<Millis>> = vec![None; runs.len()];
    let (mut now, mut looks) = (Millis(0), 0_u32);
    while runs.iter().any(|run| !run.is_over()) {
        for nth in 0..runs.len() {
            let at_work = ends.iter().flatten().count();
            let run = &mut runs[nth];
            if ends[nth].is_some_and(|end| end <= now) {
                ends[nth] = None;
                run.apply(answer(vec![AssistantPart::text("Hi")], vec![]), &NAMES, now);
            } else if ends[nth].is_none() && matches!(run.phase, Phase::Model { .. }) {
                if at_work < AT_ONCE {
                    ends[nth] = Some(now.plus(STEP_MS));
                } else {
                    looks += 1;
                    let fault = Fault::Place { at: None, noise: noise(nth, now) };
                    run.apply(Happened::Unanswered { fault, cost: Nanos::ZERO }, &NAMES, now);
                    assert!(matches!(run.awaited()[..], [Awaited::Time(at)] if at <= now.plus(30_000)));
                    assert!(!run.needs_somebody());
                }
            } else if run.wake_at().is_some_and(|at| at <= now) {
                run.apply(Happened::Time, &NAMES, now);
            }
        }
        now = now.plus(100);
    }
    assert!(runs.iter().all(|run| run.status() == Status::Completed));
    assert!((500_000..900_000).contains(&now.0), "places stand free: {now:?}");
    assert!(looks < 100 * 60, "they come back too often: {looks}");
}

#[test]
fn a_run_waits_for_a_place_no_longer_than_its_time() {
    let refused = || Happened::Unanswered { fault: Fault::Place { at: None, noise: 255 }, cost: Nanos::ZERO };
    for max_steps in [1, 30] {
        let limits = Limits { max_steps, max_minutes: 7, ..Limits::default() };
        let mut run = begun(Terms { limits, ..terms() });
        run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(1));
        run.apply(ended(piece(1)), &NAMES, Millis(2));
        let mut now = Millis(2);
        while !run.is_over() {
            run.apply(refused(), &NAMES, now);
            now = run.wake_at().unwrap();
            run.apply(Happened::Time, &NAMES, now);
        }
        let reason = if max_steps == 1 { Reason::MaxSteps } else { Reason::MaxMinutes };
        assert_eq!(run.phase, Phase::Ended { end: End::Incomplete(reason), at: Millis(7 * 60_000) });
    }
    // What was trouble before does not get older meanwhile.
    let mut run = begun(terms());
    let failure = || Failure::new("upstream_error", "no");
    let fails = || Happened::Unanswered {
        fault: Fault::Transient { failure: failure(), at: None, broke_off: None },
        cost: Nanos::ZERO,
    };
    let mut now = Millis(0);
    for happened in [fails()].into_iter().chain((0..20).map(|_| refused())).chain([fails()]) {
        run.apply(happened, &NAMES, now);
        now = run.wake_at().unwrap();
        run.apply(Happened::Time, &NAMES, now);
    }
    assert!(now > Millis(300_000) && !run.is_over());
}

#[test]
fn what_was_set_aside_for_a_child_by_a_look_is_put_right_by_its_own_word() {
    let look = |cost| child_ended(piece(1), cost, Ended::UNKNOWN.get());
    for (first, cost) in [(look(5), 5), (Happened::ChildLost { entry: piece(1) }, 0)] {
        for is_over in [false, true] {
            let (mut run, _) = family(1, Some(90));
            run.apply(Happened::ChildBegun { entry: piece(1) }, &NAMES, Millis(2));
            run.apply(first.clone(), &NAMES, Millis(3));
            assert_eq!(
                (run.spent.get(), run.set_aside.get(), run.left()),
                (10 + cost, 90 - cost, Some(Nanos::ZERO))
            );
            if is_over {
                run.apply(Happened::Cancelled { reason: None }, &NAMES, Millis(3));
            }
            run.apply(look(7), &NAMES, Millis(4));
            let out = run.apply(child_ended(piece(1), 7, 2), &NAMES, Millis(5));
            assert_eq!((run.spent.get(), run.set_aside.get(), run.left()), (17, 2, Some(Nanos::new(81))));
            assert_eq!(says(&out), [""; 0], "it has ended before");
            run.apply(child_ended(piece(1), 7, 2), &NAMES, Millis(6));
            assert_eq!((run.spent.get(), run.set_aside.get()), (17, 2), "it is paid once");
        }
    }
}

#[test]
fn a_paused_run_that_is_cut_asks_nothing_until_it_goes_on() {
    let mut run = begun(terms());
    run.apply(Happened::Paused { reason: None }, &NAMES, Millis(1));
    let out = run.apply(Happened::Cut { voids: None }, &NAMES, Millis(2));
    assert_eq!((effects(&out), says(&out)), (vec![], vec!["step.restarted".to_owned()]));
    assert_eq!((run.status(), run.unpaused(), run.steps), (Status::Paused, Status::InProgress, 0));
    let out = run.apply(Happened::Resumed, &NAMES, Millis(3));
    assert_eq!(effects(&out), ["model 1.2"]);
    assert_eq!(says(&out), ["run.resumed", "step.started"]);
}

#[test]
fn an_answer_is_heard_out_for_a_minute_behind_the_runs_time_and_no_longer() {
    let limits = Limits { max_minutes: 2, ..Limits::default() };
    for is_last_word in [false, true] {
        let mut run = begun(Terms { limits, ..terms() });
        if is_last_word {
            run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(1));
            let out = run.apply(ended(piece(1)), &NAMES, Millis(120_000));
            assert_eq!(
                (effects(&out), run.closing),
                (vec!["model 2.1".to_owned()], Some(Reason::MaxMinutes))
            );
        }
        assert_eq!(run.wake_at(), Some(Millis(180_000)));
        // It ends in its time.
        let mut heard = run.clone();
        heard.apply(answer(Vec::new(), Vec::new()), &NAMES, Millis(179_999));
        assert_eq!(heard.status(), if is_last_word { Status::Incomplete } else { Status::Completed });
        // It does not, and costs what it costs.
        assert_eq!(run.apply(Happened::Time, &NAMES, Millis(179_999)), []);
        assert_eq!(says(&run.apply(Happened::Time, &NAMES, Millis(180_000))), ["run.incomplete"]);
        assert!(matches!(run.phase, Phase::Ended { end: End::Incomplete(Reason::MaxMinutes), .. }));
        let spent = run.spent;
        run.apply(answer(Vec::new(), Vec::new()), &NAMES, Millis(200_000));
        assert!(run.spent > spent);
        // It breaks off, and is not waited for any longer.
        let mut run = begun(Terms { limits, ..terms() });
        let failure = Failure::new("upstream_error", "no");
        let fault = Fault::Transient { failure, at: None, broke_off: None };
        run.apply(Happened::Unanswered { fault, cost: Nanos::ZERO }, &NAMES, Millis(179_500));
        assert_eq!(run.wake_at(), Some(Millis(120_000)));
    }
}

#[test]
fn a_last_word_that_is_asked_for_late_is_heard_out_as_well() {
    let limits = Limits { max_minutes: 2, ..Limits::default() };
    let mut run = begun(Terms { limits, ..terms() });
    run.apply(Happened::Paused { reason: None }, &NAMES, Millis(1));
    run.apply(answer(vec![call("a")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(2));
    let day = Millis(86_400_000);
    let out = run.apply(Happened::Resumed, &NAMES, day);
    assert_eq!((effects(&out), run.wake_at()), (vec!["model 2.1".to_owned()], Some(day.plus(60_000))));
    assert_eq!(run.apply(Happened::Time, &NAMES, day.plus(59_999)), []);
    run.apply(answer(vec![AssistantPart::text("That far")], Vec::new()), &NAMES, day.plus(59_999));
    assert_eq!(run.status(), Status::Incomplete);
}
