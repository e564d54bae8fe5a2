//! Threads that are too long for their model: what stands for their oldest runs, whatever dies.

use retinue::domain::message::{AssistantPart, Finish, Message, Usage};
use retinue::domain::money::Nanos;
use retinue::domain::run::compaction::{Compacted, Slid};
use retinue::domain::run::happening::{Answered, Fault};
use retinue::domain::run::misfit::Checked;
use retinue::domain::run::state::Failure;
use retinue::domain::thread::command::{Answer, Command, Fork, OnBusy, Page};
use retinue::domain::thread::compaction::{Horizon, Used, Weighed};
use retinue::domain::thread::effect::{CompactionCall, Digest, Effect, ModelCall, Outcome};
use retinue::domain::thread::fork::{Cut, Origin};
use retinue::domain::thread::id::ThreadKey;
use retinue::domain::thread::item::Item;
use serde_json::{Value, json};

use crate::theatre::{START, Theatre, WHO, create, key, start};

/// Seven hundred of a thousand tokens, at four bytes a token.
pub const FULL: Used =
    Used { tokens: 700, weighed: Weighed { all: 2_800, fixed: 0 }, context: Some(1_000), is_cut: false };

impl Theatre {
    pub fn compaction(&mut self, run: u32, nth: u32) -> Option<CompactionCall> {
        let read =
            self.with(|host, moment| host.look_at(moment, |thread, disk| thread.compaction(disk, run, nth)));
        read.ok().flatten()
    }

    /// A model sums up, or fails to.
    pub fn sum_up(&mut self, run: u32, nth: u32) -> Outcome {
        let Some(CompactionCall { slid, digest, .. }) = self.compaction(run, nth) else {
            let slid = Slid { horizon: None, why: "not read".to_owned() };
            return Outcome::NotCompacted {
                slid,
                fault: None,
                cost: Nanos::ZERO,
                journal: None,
                settlement: None,
            };
        };
        let settlement = Some(Box::new(self.settlement(run)));
        let journal = json!({ "call_id": settlement.as_ref().unwrap().call });
        match digest.filter(|_| self.dice.roll(3) > 0) {
            Some(digest) => summed_up(digest, journal, settlement),
            None => {
                let fault = match self.dice.roll(3) {
                    0 => None,
                    1 => Some(Fault::Empty),
                    _ => {
                        let failure = Failure::new("upstream_error", "no");
                        Some(Fault::Transient { failure, at: None, broke_off: None })
                    }
                };
                let (cost, journal) = (Nanos::new(1), Some(journal));
                Outcome::NotCompacted { slid, fault, cost, journal, settlement }
            }
        }
    }

    pub fn horizon(&mut self) -> Horizon {
        let body: String = self.disk.db().query_row("SELECT body FROM thread", [], |row| row.get(0)).unwrap();
        let row: Value = serde_json::from_str(&body).unwrap();
        serde_json::from_value(row["there"]["horizon"].clone()).unwrap_or_default()
    }

    /// What is not sent is summed up by an item that is there and says so; a run is sent whole or not at all.
    pub fn check_horizon(&mut self, transcript: &[Item]) {
        let horizon = self.horizon();
        assert!(horizon.summed <= horizon.until, "{horizon:?}");
        let summary = transcript.iter().find(|item| Some(item.position) == horizon.summary);
        assert_eq!(summary.is_some(), horizon.summary.is_some(), "{horizon:?}");
        if let Some(summary) = summary {
            let to = summary.stands_for.unwrap().to;
            let last = transcript.iter().find(|item| (item.run, item.entry) == (to.run.number, to.number));
            // What was said last may have been taken back since.
            assert!(last.is_none_or(|last| last.position == horizon.summed), "{last:?} {horizon:?}");
            assert!(horizon.summed < summary.position);
        }
        let (gone, stays): (Vec<&Item>, Vec<&Item>) =
            transcript.iter().partition(|item| item.position <= horizon.until);
        for item in stays.iter().filter(|item| item.run > 0 && item.stands_for.is_none()) {
            let is_cut = gone.iter().any(|other| other.run == item.run && other.stands_for.is_none());
            assert!(!is_cut, "run {} is cut by {horizon:?}", item.run);
        }
    }

    /// The one thing under way that goes to a model.
    pub fn asked(&self) -> Effect {
        let asks = |effect: &&&Effect| matches!(effect, Effect::Model { .. } | Effect::Compact { .. });
        let performed = self.performed();
        let mut asked = performed.iter().filter(asks).map(|effect| (*effect).clone());
        let only = asked.next().unwrap();
        assert!(asked.next().is_none(), "{performed:?}");
        only
    }

    pub fn end_with(&mut self, effect: &Effect, outcome: Outcome) {
        let id = effect.id();
        self.give_up(&id);
        self.with(|host, moment| host.ended(&id, outcome, moment)).unwrap();
    }

    /// A run that says so much and is answered with so much, having used this.
    pub fn run(&mut self, words: &str, used: Option<Used>) {
        self.command(start(OnBusy::Queue, words));
        self.answer_with(used);
    }

    pub fn answer_with(&mut self, used: Option<Used>) {
        let effect = self.asked();
        let answered = Answered {
            parts: vec![AssistantPart::text("y".repeat(184))],
            finish: Finish::Stop,
            plan: Vec::new(),
            usage: Usage::default(),
            cost: Nanos::new(5),
            warnings: Vec::new(),
            output: Checked::Free,
        };
        let (unsaid, journal) = (Vec::new(), Value::Null);
        self.end_with(&effect, Outcome::Answered { answered, unsaid, journal, settlement: None, used });
    }

    fn sent(&mut self) -> ModelCall {
        let Effect::Model { run, step, attempt } = self.asked() else { panic!("no step") };
        self.with(|host, moment| {
            host.look_at(moment, |thread, disk| thread.model_call(disk, run, step, attempt))
        })
        .unwrap()
        .unwrap()
    }

    /// The words of people that the next step is sent, and of the summary.
    pub fn heard(&mut self) -> Vec<String> {
        let said = |message: &Message| match message {
            Message::User { parts, .. } => match parts.first() {
                Some(retinue::domain::message::Part::Text(text)) => {
                    text.split_whitespace().last().map(str::to_owned)
                }
                _ => None,
            },
            _ => None,
        };
        self.sent().sent.messages.iter().filter_map(said).collect()
    }

    fn events(&mut self, run: u32) -> Vec<&'static str> {
        let watch = retinue::domain::thread::command::Watch {
            run: Some(run),
            after: None,
            stay: false,
            is_new_only: false,
        };
        match self.command(Command::Events(WHO, watch)) {
            Some(Answer::Events(events)) => events.events.iter().map(|event| event.event.name()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

pub fn summed_up(
    digest: Digest,
    journal: Value,
    settlement: Option<Box<retinue::domain::admission::command::CallRecord>>,
) -> Outcome {
    let Digest { span, summed, horizon, has_more, .. } = digest;
    let compacted =
        Compacted { summary: format!("Up to {summed}."), span, summed, horizon, has_more, is_cut: false };
    let (cost, usage) = (Nanos::new(3), Usage::default());
    Outcome::Compacted { compacted, cost, usage, journal, settlement }
}

/// A person's words, which weigh two hundred with what every message weighs.
pub fn words(n: u32) -> String {
    format!("{} {n}", "x".repeat(182))
}

/// A thread of six runs of four hundred each, of which the last has filled the context, and a further one that waits for a summary.
fn full() -> (Theatre, CompactionCall) {
    let mut theatre = Theatre::new(1);
    for n in 1..=5 {
        theatre.run(&words(n), None);
    }
    theatre.run(&words(6), Some(FULL));
    theatre.command(start(OnBusy::Queue, &words(7)));
    assert_eq!(theatre.asked(), Effect::Compact { run: 7, nth: 1 });
    let call = theatre.compaction(7, 1).unwrap();
    (theatre, call)
}

#[test]
fn the_oldest_runs_are_summed_up_and_the_rest_is_sent_as_it_was() {
    let (mut theatre, call) = full();
    let digest = call.digest.unwrap();
    // Of 2,800 a third stays: two runs and the words of the third.
    assert_eq!((digest.summed, digest.horizon.until), (10, 10));
    assert!(
        digest.question.contains(r#"xxx 5"}"#) && !digest.question.contains(r#"xxx 6"}"#),
        "{}",
        digest.question
    );
    let outcome = summed_up(digest, Value::Null, None);
    theatre.end_with(&Effect::Compact { run: 7, nth: 1 }, outcome.clone());
    assert_eq!(theatre.heard(), ["10.", "6", "7"]);
    // The same end once more is the end of nothing.
    let id = Effect::Compact { run: 7, nth: 1 }.id();
    assert!(!theatre.with(|host, moment| host.ended(&id, outcome, moment)).unwrap());
    let first = theatre.sent().sent.messages;
    assert_eq!(theatre.sent().items.unwrap().compaction.unwrap().run.number, 7);
    theatre.answer_with(None);
    assert_eq!(
        theatre.events(7),
        [
            "run.created",
            "run.started",
            "compaction.completed",
            "step.started",
            "step.completed",
            "run.completed"
        ]
    );
    theatre.command(start(OnBusy::Queue, &words(8)));
    assert_eq!(theatre.heard(), ["10.", "6", "7", "8"]);
    assert_eq!(theatre.sent().sent.messages[..first.len()], first, "what was sent is sent again");
    // Nothing of the transcript is lost, and the summary stands in it.
    let Some(Answer::Items { items, .. }) = theatre
        .command(Command::Items(WHO, Page { after: None, newest_first: false, limit: 100, run: None }))
    else {
        panic!()
    };
    let kinds: Vec<&str> = items.iter().map(|item| item.kind.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "message").count(), 15);
    let summary = items.iter().find(|item| item.kind == "compaction").unwrap();
    let span = summary.stands_for.unwrap();
    assert_eq!((span.from, span.to), (items[0].id, items[9].id));
    let shown = serde_json::to_value(summary).unwrap();
    assert_eq!((&shown["from"], &shown["content"][0]["text"]), (&json!(items[0].id), &json!("Up to 10.")));
}

#[test]
fn a_summary_sums_up_the_one_before_it_and_what_was_left_out_since() {
    let (mut theatre, call) = full();
    theatre.end_with(&Effect::Compact { run: 7, nth: 1 }, summed_up(call.digest.unwrap(), Value::Null, None));
    theatre.answer_with(Some(FULL));
    // No summary: the window slides.
    theatre.command(start(OnBusy::Queue, &words(8)));
    let slid = theatre.compaction(8, 1).unwrap().slid;
    assert_eq!(slid.horizon.unwrap().until, 12, "the summary among the items counts for nothing");
    let (cost, fault) = (Nanos::ZERO, Some(Fault::Empty));
    let failed =
        Outcome::NotCompacted { slid, fault, cost, journal: Some(json!({"error": "no"})), settlement: None };
    theatre.end_with(&Effect::Compact { run: 8, nth: 1 }, failed);
    assert_eq!(theatre.sent().sent.left_out.items, 2);
    assert_eq!(theatre.heard(), ["10.", "fit.]", "7", "8"]);
    theatre.answer_with(Some(FULL));
    assert!(theatre.events(8).contains(&"window.slid"));
    // The next one has what was left out.
    theatre.command(start(OnBusy::Queue, &words(9)));
    let digest = theatre.compaction(9, 1).unwrap().digest.unwrap();
    assert!(
        digest.question.contains("Up to 10.") && digest.question.contains(r#"xxx 6"}"#),
        "{}",
        digest.question
    );
    assert_eq!((digest.span.from.number, digest.span.from.run.number), (1, 1));
    theatre.end_with(&Effect::Compact { run: 9, nth: 1 }, summed_up(digest, Value::Null, None));
    assert_eq!(theatre.sent().sent.left_out.items, 0);
}

#[test]
fn a_summary_that_does_not_fit_the_model_of_today_is_left_out() {
    let (mut theatre, call) = full();
    theatre.end_with(&Effect::Compact { run: 7, nth: 1 }, summed_up(call.digest.unwrap(), Value::Null, None));
    let mut nth = 1;
    while theatre.heard().contains(&"10.".to_owned()) {
        let failure = Failure::new("upstream_rejected", "the prompt is too long");
        let refused = Outcome::Unanswered {
            fault: Fault::TooLong(failure),
            cost: Nanos::ZERO,
            journal: Value::Null,
            settlement: None,
            used: Some(FULL),
        };
        let step = theatre.asked();
        theatre.end_with(&step, refused);
        nth += 1;
        assert!(nth < 5, "the run ends instead");
        let slid = theatre.compaction(7, nth).unwrap().slid;
        let (cost, fault, journal) = (Nanos::ZERO, Some(Fault::Empty), Some(json!({})));
        let failed = Outcome::NotCompacted { slid, fault, cost, journal, settlement: None };
        theatre.end_with(&Effect::Compact { run: 7, nth }, failed);
    }
    assert_eq!(theatre.heard().last().map(String::as_str), Some("7"), "the run goes on");
    assert!(theatre.sent().sent.left_out.items >= 10, "what was summed up is said to be left out");
}

#[test]
fn a_crash_in_the_middle_of_a_summary_loses_nothing_and_doubles_nothing() {
    let (mut theatre, call) = full();
    let digest = call.digest.unwrap();
    theatre.crash();
    assert_eq!(theatre.asked(), Effect::Compact { run: 7, nth: 2 });
    let again = theatre.compaction(7, 2).unwrap().digest.unwrap();
    assert_eq!(again.question, digest.question);
    // What the earlier life still says is not heard.
    let id = Effect::Compact { run: 7, nth: 1 }.id();
    let late = summed_up(digest, Value::Null, None);
    assert!(!theatre.with(|host, moment| host.ended(&id, late, moment)).unwrap());
    theatre.end_with(&Effect::Compact { run: 7, nth: 2 }, summed_up(again, Value::Null, None));
    theatre.crash();
    assert_eq!(theatre.heard(), ["10.", "6", "7"]);
    let summaries = theatre.transcript().iter().filter(|item| item.stands_for.is_some()).count();
    assert_eq!(summaries, 1);
    let journal = theatre.command(Command::Journal(WHO, 7, 0));
    let Some(Answer::Journal { steps, .. }) = journal else { panic!("{journal:?}") };
    assert_eq!(steps.iter().filter(|step| step.get("compaction").is_some()).count(), 1);
}

#[test]
fn a_run_that_is_rolled_back_takes_its_summary_with_it() {
    let (mut theatre, call) = full();
    let before = theatre.horizon();
    theatre.end_with(&Effect::Compact { run: 7, nth: 1 }, summed_up(call.digest.unwrap(), Value::Null, None));
    assert_ne!(theatre.horizon(), before);
    theatre.give_up(&theatre.asked().id());
    theatre.command(start(OnBusy::Rollback, &words(8)));
    assert_eq!(theatre.horizon(), before);
    assert_eq!(theatre.heard(), ["1", "2", "3", "4", "5", "6", "8"]);
}

#[test]
fn a_fork_has_the_summaries_up_to_where_it_is_cut() {
    let (mut theatre, call) = full();
    theatre.end_with(&Effect::Compact { run: 7, nth: 1 }, summed_up(call.digest.unwrap(), Value::Null, None));
    theatre.answer_with(None);
    for (cut, heard) in
        [(None, vec!["10.", "6", "7", "now"]), (Some(12), vec!["1", "2", "3", "4", "5", "6", "now"])]
    {
        let after = cut.map(|position| {
            let item = theatre.transcript().into_iter().find(|item| item.position == position).unwrap();
            retinue::domain::thread::id::EntryId {
                run: retinue::domain::thread::id::RunId { thread: key(), number: item.run },
                number: item.entry,
            }
        });
        let Some(Answer::Copied(page)) = theatre.command(Command::Copy(WHO, Cut::UpTo(after))) else {
            panic!()
        };
        let mut target = Theatre::new(2);
        // There was a thread of this name.
        target.run("gone", None);
        target.command(Command::Delete(WHO));
        let origin = Origin { thread: ThreadKey::new(START, [5; 10]), after: None };
        let fork = Fork {
            create: create(),
            origin,
            is_whole: true,
            until: page.until,
            behind: 0,
            items: page.items,
            next: page.next,
            horizon: page.horizon,
            titled_by: page.titled_by,
            keeps_open: false,
        };
        let made = target.command(Command::Fork(Box::new(fork)));
        assert!(matches!(made, Some(Answer::Thread { .. })), "{made:?}");
        target.command(start(OnBusy::Queue, "and now"));
        assert_eq!(target.heard(), heard);
        let transcript = target.transcript();
        let summaries: Vec<&Item> = transcript.iter().filter(|item| item.stands_for.is_some()).collect();
        assert_eq!(summaries.len(), usize::from(cut.is_none()));
        for summary in summaries {
            let span = summary.stands_for.unwrap();
            assert_eq!((span.from.number, span.to.number), (transcript[0].entry, transcript[9].entry));
        }
    }
}
