//! A million steps of random histories, crashes among them.

use std::collections::BTreeSet;

#[path = "machine_dice.rs"]
mod dice;

use dice::{Dice, checked};

use super::super::super::compaction::Slid;
use super::super::super::event::Voids;
use super::compacting::compacted;
use super::*;
use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::item::Item;
use crate::domain::thread::transcript::sendable;

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
    /// All that it was ever asked.
    attempts: BTreeSet<(u32, u32)>,
    /// The summary that is asked for, and how often one was.
    summing: Option<u32>,
    sums: u32,
    /// Tool calls under way.
    running: BTreeSet<u32>,
    children: BTreeMap<u32, Kid>,
    /// Children whose threads somebody has deleted: none is begun again.
    deleted: BTreeSet<u32>,
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
            ..Limits::default()
        };
        let on_unknown = [OnUnknown::Ask, OnUnknown::Report, OnUnknown::Fail][dice.below(3)];
        let on_budget = [OnBudget::End, OnBudget::Wait][dice.below(2)];
        let run = Run::new(
            1,
            Terms { limits, on_unknown, on_budget, typed: dice.roll(2) == 0, ..terms() },
            Millis(0),
        );
        let said = Item {
            position: 0,
            run: 0,
            entry: 0,
            step: 0,
            at: Millis(0),
            message: Message::user("Go"),
            stands_for: None,
            by: None,
        };
        Self {
            run,
            now: Millis(0),
            asked: None,
            attempts: BTreeSet::new(),
            summing: None,
            sums: 0,
            running: BTreeSet::new(),
            children: BTreeMap::new(),
            deleted: BTreeSet::new(),
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
                    assert!(self.attempts.insert((step, attempt)), "{step}.{attempt} is asked twice");
                    assert!(
                        self.asked.replace((step, attempt)).is_none() && self.summing.is_none(),
                        "the model is asked once at a time"
                    );
                }
                Do::Compact { nth } => {
                    assert_eq!(nth, self.sums + 1, "each attempt has its own number");
                    assert!(self.asked.is_none() && self.summing.replace(nth).is_none());
                    self.sums = nth;
                }
                Do::Compacted { .. } | Do::Slide { .. } => {}
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
                    assert!(self.now < self.run.deadline().unwrap(), "{entry} was begun too late");
                    *self.begun.entry(entry).or_default() += 1;
                    if let Some(call) = self.run.call(entry).filter(|call| !call.may_repeat()) {
                        let allowed = *self.allowed.entry(entry).or_insert(1);
                        assert!(self.begun[&entry] <= allowed, "{call:?} was begun again");
                    }
                }
                Do::GiveUp { .. } | Do::Hear { .. } => {}
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
        let most = self.run.terms.limits.max_tool_calls.unwrap_or(u32::MAX);
        assert!(self.begun.len() <= self.run.tool_calls as usize && self.run.tool_calls <= most);
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
        self.items.push(Item {
            position,
            run: 1,
            entry,
            step,
            at: self.now,
            message,
            stands_for: None,
            by: None,
        });
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
        let is_checked = self.run.terms.typed && calls == 0 && finish == Finish::Stop;
        let output = if is_checked { checked(dice) } else { Checked::Free };
        let is_misfit = matches!(output, Checked::Misfit(_));
        let is_last = self.run.closing.is_none() && !self.run.is_steered;
        let was_mended = self.run.repair.is_some();
        let answered = Answered {
            parts,
            finish,
            plan,
            usage: Usage::default(),
            cost: Nanos::new(7),
            warnings: Vec::new(),
            output,
        };
        self.asked = None;
        self.apply(Happened::Answered(answered));
        if is_misfit && is_last {
            assert_ne!(self.run.status(), Status::Completed, "what does not fit is no answer");
            assert!(!was_mended || self.is_over, "it is mended once");
        }
    }

    fn fail(&mut self, dice: &mut Dice) {
        let failure = Failure::new("upstream_error", "no");
        let fault = match dice.roll(9) {
            0 => Fault::Final(failure),
            8 => Fault::TooLong(failure),
            1 | 2 => Fault::Budget { resets_at: None },
            3 => Fault::Place { at: None, noise: 7 },
            _ => Fault::Transient { failure, at: None, broke_off: None },
        };
        self.spent += 1;
        self.asked = None;
        self.apply(Happened::Unanswered { fault, cost: Nanos::new(1) });
    }

    /// All that was under way is gone.
    fn crash(&mut self) {
        if self.asked.take().is_some() {
            self.apply(Happened::Cut { voids: Some(Voids { from: 1, to: 2 }) });
        } else if self.summing.take().is_some() {
            self.apply(Happened::CompactionCut);
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
        let there = self.run.children.get(&entry).filter(|_| !self.deleted.contains(&entry));
        let Some(given) = there.map(|child| child.given) else { return };
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
                && (self.run.children.contains_key(entry) || self.run.guessed.contains_key(entry))
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
            // One that is being begun once more is not deleted meanwhile: it would be there again.
            2 if self.run.children.get(&entry).is_some_and(|child| child.has_begun)
                && !self.running.contains(&entry) =>
            {
                let given = kid.given.map_or(u64::MAX, Nanos::get);
                self.children.remove(&entry);
                self.deleted.insert(entry);
                // Its thread says so; whether that or a look comes first.
                self.words.push(child_ended(entry, dice.roll(4).min(given), 0));
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
                if dice.roll(6) == 0 {
                    return self.not_made(entry);
                }
                if self.children.contains_key(&entry) || dice.roll(4) > 0 {
                    self.begin_child(entry);
                    return self.apply(Happened::ChildBegun { entry });
                }
                let output = vec![Part::Text("no such agent".to_owned())];
                return self.apply(Happened::Ended { entry, output, is_error: true, cost: Nanos::ZERO });
            }
            if dice.roll(6) == 0 {
                return self.not_made(entry);
            }
            // Tools of ours are free; where a run has no limit they need not be.
            let cost = if self.run.terms.limits.max_usd.is_some() { 0 } else { 3 };
            self.spent += cost;
            self.apply(Happened::Ended { entry, output: vec![], is_error: false, cost: Nanos::new(cost) });
        } else {
            self.live(dice);
        }
    }

    /// Then it may be begun once more.
    fn not_made(&mut self, entry: u32) {
        *self.allowed.entry(entry).or_insert(1) += 1;
        self.apply(Happened::NotMade { entry, why: "away".to_owned() });
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
        let input = Input::Call { entry, given };
        if self.run.can_take(&input).is_ok() {
            if is_retry {
                *self.allowed.entry(entry).or_insert(1) += 1;
            }
            let (entries, out) = self.run.give(vec![input], &NAMES, self.now);
            assert_eq!(entries, [entry]);
            self.perform(out);
        }
    }

    /// What was asked for a summary says something, or nothing.
    fn sum_up(&mut self, dice: &mut Dice) {
        self.summing = None;
        self.spent += 2;
        let cost = Nanos::new(2);
        let horizon = Horizon::default();
        let why = "no".to_owned();
        self.apply(match dice.roll(3) {
            0 => {
                Happened::Compacted { compacted: compacted(dice.roll(2) == 0), cost, usage: Usage::default() }
            }
            1 => Happened::NotCompacted { slid: Slid { horizon: Some(horizon), why }, fault: None, cost },
            _ => {
                let failure = Failure::new("upstream_error", "no");
                let fault = match dice.roll(4) {
                    0 => Fault::Place { at: None, noise: 9 },
                    1 => Fault::Transient { failure, at: None, broke_off: None },
                    2 => Fault::Empty,
                    _ => Fault::Final(failure),
                };
                Happened::NotCompacted { slid: Slid { horizon: None, why }, fault: Some(fault), cost }
            }
        });
    }

    /// Something that can happen now.
    fn step(&mut self, dice: &mut Dice) {
        let (asked, over) = (self.asked.is_some(), self.is_over);
        if asked && dice.roll(8) == 0 {
            self.apply(Happened::Full);
        }
        match dice.roll(16) {
            0..=5 if self.summing.is_some() => self.sum_up(dice),
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
