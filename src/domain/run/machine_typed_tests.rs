//! Answers that must fit a schema.

use super::*;
use crate::domain::run::misfit::Misfit;
use crate::domain::schema;

pub fn misfit(answer: &str) -> Checked {
    let fault = schema::Fault { at: "/age".to_owned(), words: "is required".to_owned() };
    Checked::Misfit(Misfit { answer: answer.to_owned(), faults: vec![fault] })
}

fn said(text: &str, output: Checked) -> Happened {
    let parts = vec![AssistantPart::text(text)];
    let (usage, cost) = (Usage { output_tokens: 3, ..Usage::default() }, Nanos::new(10));
    let (finish, plan, warnings) = (Finish::Stop, Vec::new(), Vec::new());
    Happened::Answered(Answered { parts, finish, plan, usage, cost, warnings, output })
}

fn typed() -> Terms {
    Terms { typed: true, ..terms() }
}

fn completed(out: &[Do]) -> (Nanos, u64) {
    let found = out.iter().find_map(|todo| match todo {
        Do::Say(Event::StepCompleted { cost_usd, usage, .. }) => Some((*cost_usd, usage.output_tokens)),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn an_answer_that_does_not_fit_is_taken_back_and_asked_for_once_more() {
    let mut run = begun(typed());
    let out = run.apply(said("{}", misfit("{}")), &NAMES, Millis(1));
    assert_eq!(
        (says(&out), effects(&out)),
        (vec!["step.restarted".to_owned()], vec!["model 1.2".to_owned()])
    );
    assert_eq!(run.open_misfit().unwrap().answer, "{}");
    let out = run.apply(said("[1]", Checked::Fits), &NAMES, Millis(2));
    assert_eq!(says(&out), ["step.completed", "run.completed"]);
    assert_eq!(completed(&out), (Nanos::new(20), 6), "what it took is what both took");
    assert_eq!((run.spent, run.steps, run.open_misfit()), (Nanos::new(20), 1, None));
}

#[test]
fn a_second_answer_that_does_not_fit_is_written_and_ends_the_run_incomplete() {
    let mut run = begun(typed());
    run.apply(said("{}", misfit("{}")), &NAMES, Millis(1));
    let out = run.apply(said("[]", misfit("[]")), &NAMES, Millis(2));
    assert_eq!(says(&out), ["step.completed", "run.incomplete"]);
    assert!(out.iter().any(|todo| matches!(todo, Do::Write { .. })));
    assert_eq!(run.phase, Phase::Ended { end: End::Incomplete(Reason::OutputInvalid), at: Millis(2) });
    assert_eq!((run.faults().len(), run.repair.unwrap().misfit.answer.as_str()), (1, ""));
}

#[test]
fn a_crash_neither_loses_the_repair_nor_gives_another() {
    let mut run = begun(typed());
    run.apply(said("{}", misfit("{}")), &NAMES, Millis(1));
    let stored: Run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
    assert_eq!(stored, run);
    let out = run.apply(Happened::Cut { voids: None }, &NAMES, Millis(2));
    assert_eq!(effects(&out), ["model 1.3"]);
    assert!(run.open_misfit().is_some());
    let failure = Failure::new("upstream_error", "no");
    let fault = Fault::Transient { failure, at: None, broke_off: None };
    run.apply(Happened::Unanswered { fault, cost: Nanos::ZERO }, &NAMES, Millis(3));
    let out = run.apply(Happened::Resumed, &NAMES, Millis(4));
    assert_eq!(effects(&out), ["model 1.4"]);
    assert!(run.open_misfit().is_some());
    run.apply(said("[]", misfit("[]")), &NAMES, Millis(5));
    assert_eq!(run.status(), Status::Incomplete);
}

#[test]
fn there_is_one_repair_a_run_also_where_the_model_calls_tools_instead() {
    let mut run = begun(typed());
    run.apply(said("{}", misfit("{}")), &NAMES, Millis(1));
    run.apply(answer(vec![call("f")], vec![How::Ours(Effect::Pure)]), &NAMES, Millis(2));
    assert_eq!(run.open_misfit(), None);
    let out = run.apply(ended(piece(1)), &NAMES, Millis(3));
    assert_eq!(effects(&out), ["model 2.1"]);
    run.apply(said("{}", misfit("{}")), &NAMES, Millis(4));
    assert_eq!(run.status(), Status::Incomplete);
}

#[test]
fn without_money_or_time_nothing_is_asked_again() {
    for (limits, now) in [
        (Limits { max_usd: Some(Nanos::new(10)), ..Limits::default() }, Millis(1)),
        (Limits { max_minutes: 1, ..Limits::default() }, Millis(60_000)),
    ] {
        let mut run = begun(Terms { limits, ..typed() });
        let out = run.apply(said("{}", misfit("{}")), &NAMES, now);
        assert_eq!(
            (says(&out), effects(&out)),
            (vec!["step.completed".to_owned(), "run.incomplete".to_owned()], vec![])
        );
    }
}

#[test]
fn what_is_said_meanwhile_comes_first() {
    let mut run = begun(typed());
    run.apply(Happened::Steered, &NAMES, Millis(1));
    let out = run.apply(said("{}", misfit("{}")), &NAMES, Millis(1));
    assert_eq!(effects(&out), ["model 2.1"], "it was not the last word");
    run.apply(said("{}", misfit("{}")), &NAMES, Millis(2));
    assert!(run.open_misfit().is_some());
}

#[test]
fn an_answer_that_is_put_in_order_is_said_anew() {
    let mut run = begun(typed());
    let out = run.apply(said("{\"a\":1}", Checked::Tidied), &NAMES, Millis(1));
    assert_eq!(says(&out), ["step.restarted", "text.delta", "step.completed", "run.completed"]);
    let Do::Say(Event::Text { item, offset: 0, delta, .. }) = &out[1] else { panic!("{out:?}") };
    assert_eq!((item.number, delta.as_str()), (piece(1), "{\"a\":1}"));
}

#[test]
fn answers_are_checked_as_they_are_written() {
    let schema = serde_json::json!({"type": "object", "required": ["a"]});
    let schema = schema.as_object().unwrap();
    let checked = |parts: &[AssistantPart]| {
        let mut parts = parts.to_vec();
        (crate::domain::run::misfit::check(schema, &mut parts), parts)
    };
    let [thought, whole] = [AssistantPart::reasoning("hm"), AssistantPart::text("{\"a\": 1} ")];
    let parts = vec![thought.clone(), whole];
    assert_eq!(checked(&parts), (Checked::Fits, parts));
    let [one, two] = ["```\n{\"a\":", "1}\n```"].map(AssistantPart::text);
    let put = vec![thought.clone(), AssistantPart::text("{\"a\":1}")];
    assert_eq!(checked(&[one, thought.clone(), two]).0, Checked::Tidied);
    assert_eq!(checked(&[thought, AssistantPart::text("```\n{\"a\":1}\n```")]), (Checked::Tidied, put));
    let long = "ä".repeat(40_000);
    let Checked::Misfit(misfit) = checked(&[AssistantPart::text(&*long)]).0 else { panic!() };
    assert!(misfit.answer.len() <= 64 * 1_024 && long.starts_with(&misfit.answer));
    assert!(misfit.words().contains("(the whole answer): is not JSON"), "{}", misfit.words());
    assert!(matches!(checked(&[]).0, Checked::Misfit(misfit) if misfit.faults[0].words.contains("empty")));
}
