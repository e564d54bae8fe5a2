//! An answer that does not fit is taken back, and the same step is asked once more with the errors.

use super::event::Event;
use super::happening::{Do, Names};
use super::misfit::{Misfit, Repair};
use super::state::{End, Reason, Run};
use crate::domain::message::{AssistantPart, Message, Usage};
use crate::domain::money::Nanos;
use crate::domain::schema::Fault;
use crate::domain::thread::item;
use crate::domain::time::Millis;

/// The most bytes of one event.
const MAX_DELTA: usize = 64 * 1_024;

impl Run {
    /// The answer that is to be mended by the running step.
    pub fn open_misfit(&self) -> Option<&Misfit> {
        self.repair.as_ref().filter(|repair| repair.is_open).map(|repair| &repair.misfit)
    }

    /// Whether an answer that does not fit can be asked again: once a run, while there is money and time.
    pub(super) fn can_repair(&self, now: Millis) -> bool {
        self.repair.is_none() && self.left() != Some(Nanos::ZERO) && !self.is_late(now)
    }

    /// Takes an answer back, and asks for another.
    pub(super) fn mend(
        &mut self,
        (step, attempt): (u32, u32),
        misfit: Misfit,
        (usage, cost): (Usage, Nanos),
        now: Millis,
        out: &mut Vec<Do>,
    ) {
        self.repair = Some(Repair { misfit, is_open: true, usage, cost });
        out.push(Do::Say(Event::Restarted { step, voids: None }));
        self.ask_again(step, attempt, now, out);
    }

    /// What an answer took, with the one that was taken back for it.
    pub(super) fn close_repair(&mut self, usage: Usage, cost: Nanos) -> (Usage, Nanos) {
        let Some(repair) = self.repair.as_mut().filter(|repair| repair.is_open) else { return (usage, cost) };
        repair.is_open = false;
        repair.misfit.answer.clear();
        (usage.plus(repair.usage), cost + repair.cost)
    }

    /// The run ends with an answer that does not fit, also after it was asked again.
    pub(super) fn end_misfit(&mut self, mut misfit: Misfit, now: Millis, out: &mut Vec<Do>) {
        misfit.answer.clear();
        self.repair = Some(Repair { misfit, is_open: false, usage: Usage::default(), cost: Nanos::ZERO });
        self.end(End::Incomplete(Reason::OutputInvalid), now, out);
    }

    /// What of the answer does not fit with which the run ended.
    pub fn faults(&self) -> &[Fault] {
        self.repair.as_ref().map(|repair| repair.misfit.faults.as_slice()).unwrap_or_default()
    }

    /// Says an answer anew that was put in order, so that what watchers hold is what is written.
    pub(super) fn say_anew(step: u32, parts: &[AssistantPart], names: &Names<'_>, out: &mut Vec<Do>) {
        out.push(Do::Say(Event::Restarted { step, voids: None }));
        for (number, piece) in (0..).zip(item::pieces(parts.to_vec())) {
            let Message::Assistant { parts } = piece else { continue };
            let thought = AssistantPart::reasoning_of(&parts);
            let is_thought = thought.is_some();
            let Some(text) = thought.or_else(|| AssistantPart::text_of(&parts)) else { continue };
            let (item, mut offset, mut rest) = ((names.entry)(Self::piece(step, number)), 0, &*text);
            while !rest.is_empty() {
                let (delta, more) = rest.split_at(rest.floor_char_boundary(MAX_DELTA));
                let (length, delta) = (delta.chars().count() as u64, delta.to_owned());
                out.push(Do::Say(if is_thought {
                    Event::Reasoning { step, item, offset, delta }
                } else {
                    Event::Text { step, item, offset, delta }
                }));
                (offset, rest) = (offset + length, more);
            }
        }
    }
}
