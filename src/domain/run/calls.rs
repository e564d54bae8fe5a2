//! Tool calls of a run: begun by the model's word, ended by exactly one result each.

use super::event::Event;
use super::happening::{Do, Names};
use super::state::{End, Failure, Phase, Run};
use super::terms::OnUnknown;
use super::tool::{How, OpenCall, Planned, Stage};
use super::trouble::pause_ms;
use crate::domain::message::{AssistantPart, Message, Part};
use crate::domain::money::Nanos;
use crate::domain::thread::item;
use crate::domain::time::Millis;

const NOT_RUN: &str = "This call was not made: ";
pub(super) const AT_LIMIT: &str = "the run had reached its limit.";
const POOR: &str = "This agent was not asked: nothing is left of what the run may spend.";
const STOPPED: &str = "The run of this agent was stopped: ";
const UNKNOWN: &str = "Whether this call had its effect is not known: the connection was lost while it ran. Do not make it \
                       again without finding out.";

impl Run {
    /// Writes the pieces of an answer; its calls, which take their entries' names.
    pub(super) fn write_answer(
        step: u32,
        parts: Vec<AssistantPart>,
        plan: Vec<How>,
        names: &Names<'_>,
        out: &mut Vec<Do>,
    ) -> Vec<OpenCall> {
        let mut plan = plan.into_iter();
        let mut calls = Vec::new();
        for (number, mut message) in (0..).zip(item::pieces(parts)) {
            let entry = Self::piece(step, number);
            if let Message::Assistant { parts } = &mut message
                && let Some(AssistantPart::ToolCall(call)) = parts.first_mut()
            {
                call.id = (names.entry)(entry).to_string();
                let how = plan.next().unwrap_or_else(|| How::Invalid("There is no such tool.".to_owned()));
                let planned = Planned { call: call.clone(), how };
                calls.push(Self::opened(entry, step, planned, names, out));
            }
            out.push(Do::Write { entry, step, message });
        }
        calls
    }

    fn opened(entry: u32, step: u32, planned: Planned, names: &Names<'_>, out: &mut Vec<Do>) -> OpenCall {
        let Planned { call, how } = planned;
        out.push(Do::Say(Event::ToolCall {
            step,
            call_id: (names.entry)(entry),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        }));
        let stage = if how == How::Client { Stage::Output } else { Stage::Ready };
        OpenCall {
            entry,
            name: call.name,
            arguments: call.arguments,
            how,
            stage,
            attempt: 0,
            failed: 0,
            not_before: None,
        }
    }

    /// Begins to wait for the calls of a step, as many of them as the run may make. What does not fit is said to the model
    /// once; a second time in a row the run fails of it.
    pub(super) fn open(
        &mut self,
        step: u32,
        calls: Vec<OpenCall>,
        names: &Names<'_>,
        now: Millis,
        out: &mut Vec<Do>,
    ) {
        let faults: Vec<(u32, String)> = calls
            .iter()
            .filter_map(|call| match &call.how {
                How::Invalid(words) => Some((call.entry, words.clone())),
                _ => None,
            })
            .collect();
        let fits = |call: &&OpenCall| !matches!(call.how, How::Invalid(_));
        let beyond = calls.iter().filter(fits).skip(self.calls_left(now)).map(|call| call.entry);
        let beyond: Vec<u32> = beyond.collect();
        self.phase = Phase::Tools { step, calls };
        let was_invalid = std::mem::replace(&mut self.was_invalid, !faults.is_empty());
        for (entry, words) in &faults {
            self.resolve(*entry, vec![Part::Text(words.clone())], true, names, out);
        }
        if let Some((_, words)) = faults.into_iter().next().filter(|_| was_invalid) {
            let failure =
                Failure::new("invalid_tool_call", format!("The model called a tool wrongly again. {words}"));
            self.seal("the run failed.", names, out);
            return self.end(End::Failed(failure), now, out);
        }
        for entry in beyond {
            self.resolve(entry, vec![Part::Text(format!("{NOT_RUN}{AT_LIMIT}"))], true, names, out);
        }
        let asked = self.calls().iter().filter(|call| matches!(call.stage, Stage::Output)).count();
        self.count_calls(asked);
    }

    /// How many tool calls the run may still make, where none is under way.
    fn calls_left(&self, now: Millis) -> usize {
        if self.is_late(now) || self.left() == Some(Nanos::ZERO) {
            return 0;
        }
        let most = self.terms.limits.max_tool_calls;
        most.map_or(usize::MAX, |most| most.saturating_sub(self.tool_calls) as usize)
    }

    fn count_calls(&mut self, made: usize) {
        self.tool_calls = self.tool_calls.saturating_add(u32::try_from(made).unwrap_or(u32::MAX));
    }

    /// Gives up the calls that still wait for their beginning, where a limit was reached meanwhile.
    pub(super) fn turn_away(&mut self, now: Millis, names: &Names<'_>, out: &mut Vec<Do>) {
        let is_spent = self.terms.limits.max_usd.is_some_and(|most| self.spent >= most);
        if is_spent || self.is_late(now) {
            self.seal_where(|call| matches!(call.stage, Stage::Ready), AT_LIMIT, names, out);
        }
    }

    /// Begins as many calls as may run at once. What is left of the run's money is shared among the children to come.
    pub(super) fn begin_calls(&mut self, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        let most = self.terms.limits.max_parallel_tools.max(1) as usize;
        let is_running = |call: &&OpenCall| matches!(call.stage, Stage::Running | Stage::Child);
        let mut free = most.saturating_sub(self.calls().iter().filter(is_running).count());
        let ready = self.calls().iter().filter(|call| call.is_due(now));
        let ready: Vec<(u32, bool)> = ready.map(|call| (call.entry, call.child().is_some())).collect();
        let mut heirs =
            ready.iter().filter(|(entry, is_child)| *is_child && !self.children.contains_key(entry)).count()
                as u64;
        for (entry, is_child) in ready {
            if free == 0 {
                break;
            }
            if is_child {
                let is_heir = !self.children.contains_key(&entry);
                if !self.endow(entry, heirs, now) {
                    self.resolve(entry, vec![Part::Text(POOR.to_owned())], true, names, out);
                    continue;
                }
                heirs -= u64::from(is_heir);
            }
            free -= 1;
            if let Some(attempt) = self.begin_call(entry) {
                out.push(Do::CallTool { entry, attempt });
            }
        }
    }

    fn begin_call(&mut self, entry: u32) -> Option<u32> {
        let Phase::Tools { calls, .. } = &mut self.phase else { return None };
        let call = calls.iter_mut().find(|call| call.entry == entry)?;
        (call.stage, call.not_before) = (Stage::Running, None);
        call.attempt = call.attempt.saturating_add(1);
        let attempt = call.attempt;
        self.count_calls(usize::from(attempt == 1));
        Some(attempt)
    }

    /// A call could not be made: it is begun again a little later.
    pub(super) fn put_off(
        &mut self,
        entry: u32,
        why: &str,
        names: &Names<'_>,
        now: Millis,
        out: &mut Vec<Do>,
    ) {
        let Some(call) = self.call(entry).filter(|call| matches!(call.stage, Stage::Running)) else { return };
        let failed = call.failed.saturating_add(1);
        if self.has_hope_after(failed, now, why, names, out) {
            let pause = pause_ms(failed);
            let message = format!("{why}; it is tried again in {} s", pause / 1_000);
            out.push(Do::Say(Event::ToolProgress { call_id: (names.entry)(entry), message }));
            let not_before = Some(now.plus(pause));
            self.change(entry, |call| {
                (call.stage, call.failed, call.not_before) = (Stage::Ready, failed, not_before);
            });
        }
    }

    /// Lets calls that were put off begin at once.
    pub(super) fn hurry_calls(&mut self) {
        if let Phase::Tools { calls, .. } = &mut self.phase {
            calls.iter_mut().for_each(|call| call.not_before = None);
        }
    }

    pub(super) fn interrupt(&mut self, entry: u32, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        let Some(call) = self.call(entry).filter(|call| matches!(call.stage, Stage::Running)) else { return };
        if call.may_repeat() {
            // Calls that one crash has cut have failed once each, and the run once with them.
            let failed = call.failed.saturating_add(1);
            if self.has_hope_after(failed, now, "a tool call was interrupted again and again", names, out) {
                let message = "it was interrupted; it is tried again".to_owned();
                out.push(Do::Say(Event::ToolProgress { call_id: (names.entry)(entry), message }));
                self.change(entry, |call| (call.stage, call.failed) = (Stage::Ready, failed));
            }
            return;
        }
        match self.terms.on_unknown {
            OnUnknown::Ask => self.set(entry, Stage::Outcome),
            OnUnknown::Report => self.resolve(entry, vec![Part::Text(UNKNOWN.to_owned())], true, names, out),
            OnUnknown::Fail => {
                let words = format!("Whether the call of `{}` had its effect is not known.", call.name);
                self.resolve(entry, vec![Part::Text(UNKNOWN.to_owned())], true, names, out);
                self.seal("the run failed.", names, out);
                self.end(End::Failed(Failure::new("outcome_unknown", words)), now, out);
            }
        }
    }

    /// Gives a call its one result.
    pub(super) fn resolve(
        &mut self,
        entry: u32,
        output: Vec<Part>,
        is_error: bool,
        names: &Names<'_>,
        out: &mut Vec<Do>,
    ) {
        let Phase::Tools { step, .. } = self.phase else { return };
        self.change(entry, |call| (call.stage, call.not_before) = (Stage::Done, None));
        let call_id = (names.entry)(entry);
        out.push(Do::Say(Event::ToolResult { call_id, output: output.clone(), is_error }));
        let message = Message::Tool { call_id: call_id.to_string(), parts: output, is_error };
        let entry = self.take_entry();
        out.push(Do::Write { entry, step, message });
    }

    /// Whether all that is left are calls of the client's tools, whose outputs come with the next run.
    pub(super) fn is_handed_over(&self) -> bool {
        let is_left = |call: &OpenCall| call.is_done() || call.stage == Stage::Output;
        self.terms.hands_over && self.calls().iter().all(is_left)
    }

    /// Ends the run with these calls, which get no result in it.
    pub(super) fn hand_over(&mut self, now: Millis, out: &mut Vec<Do>) {
        let left = self.calls().iter().filter(|call| !call.is_done());
        out.extend(left.map(|call| Do::GiveUp { entry: call.entry }));
        self.end(End::Completed, now, out);
    }

    /// Gives each call that has none its result: that it was not made, and why.
    pub(super) fn seal(&mut self, why: &str, names: &Names<'_>, out: &mut Vec<Do>) {
        self.seal_where(|call| !call.is_done(), why, names, out);
    }

    fn seal_where(
        &mut self,
        is_sealed: impl Fn(&OpenCall) -> bool,
        why: &str,
        names: &Names<'_>,
        out: &mut Vec<Do>,
    ) {
        let sealed = self.calls().iter().filter(|call| is_sealed(call));
        let sealed: Vec<(u32, Stage, bool)> =
            sealed.map(|call| (call.entry, call.stage, call.was_made())).collect();
        for (entry, stage, was_made) in sealed {
            let is_child = self.children.contains_key(&entry);
            let words = match was_made {
                _ if is_child => format!("{STOPPED}{why}"),
                true => format!("{UNKNOWN} Then {why}"),
                false => format!("{NOT_RUN}{why}"),
            };
            // Also one of which it is not known yet whether it is there.
            if is_child {
                out.push(Do::CancelChild { entry });
            }
            if matches!(stage, Stage::Output | Stage::Outcome) {
                out.push(Do::GiveUp { entry });
            }
            self.resolve(entry, vec![Part::Text(words)], true, names, out);
        }
    }

    pub(super) fn set(&mut self, entry: u32, stage: Stage) {
        self.change(entry, |call| call.stage = stage);
    }

    fn change(&mut self, entry: u32, change: impl FnOnce(&mut OpenCall)) {
        if let Phase::Tools { calls, .. } = &mut self.phase
            && let Some(call) = calls.iter_mut().find(|call| call.entry == entry)
        {
            change(call);
        }
    }

    pub(super) fn set_from(&mut self, entry: u32, from: Stage, to: Stage) {
        if self.call(entry).is_some_and(|call| call.stage == from) {
            self.set(entry, to);
        }
    }
}
