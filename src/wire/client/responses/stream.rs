//! A response as it grows: what happens in, events out, and the response at the end.
//!
//! Numbers of events count what happens and the characters of what is said, not the pieces in which it came: whoever comes back with the
//! last number that was seen goes on at that very letter, though the pieces are others by then.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::id::item_id;
use super::item::{OutputItem, SERVER, Status, annotation};
use super::reply::{Ending, Response, Rest};
use super::request::Base;
use crate::domain::message::{About, Event, Finish, Part, ProofKind, Usage};
use crate::domain::money::Nanos;
use crate::domain::run::state::Reason;
use crate::domain::thread::id::EntryId;
use crate::domain::warning::Warning;
use crate::wire::client::call_id;
use crate::wire::to_json;

/// Writes the events of one response.
#[derive(Debug)]
pub struct StreamEncoder {
    pub(super) id: String,
    pub(super) created_s: i64,
    pub(super) completed_s: Option<i64>,
    pub(super) base: Base,
    pub(super) cached: bool,
    /// Tools of these names are the client's.
    pub(super) own: BTreeSet<String>,
    pub(super) warnings: Vec<Warning>,
    pub(super) left_out: usize,
    pub(super) items: Vec<OutputItem>,
    /// The message or the thought that is being said.
    pub(super) open: Option<usize>,
    /// Calls that the model is still writing, by its number of them.
    pub(super) calls: BTreeMap<u32, usize>,
    /// Calls that run here, by their ids.
    pub(super) running: BTreeMap<String, usize>,
    /// The item of the thread that is being said.
    pub(super) piece: Option<EntryId>,
    /// The number of the next event.
    pub(super) next: u64,
    /// Events up to this number are known.
    pub(super) known: Option<u64>,
    pub(super) finish: Finish,
    pub(super) reason: Option<Reason>,
    pub(super) has_begun: bool,
    /// How many items stood before the step.
    pub(super) step_at: usize,
}

impl StreamEncoder {
    pub fn new(id: String, created_s: i64, base: Base) -> Self {
        let own = base.tools().map(str::to_owned).collect();
        Self {
            id,
            created_s,
            completed_s: None,
            base,
            cached: false,
            own,
            warnings: Vec::new(),
            left_out: 0,
            items: Vec::new(),
            open: None,
            calls: BTreeMap::new(),
            running: BTreeMap::new(),
            piece: None,
            next: 0,
            known: None,
            finish: Finish::Stop,
            reason: None,
            has_begun: false,
            step_at: 0,
        }
    }

    /// Tools of these names are the client's, too.
    #[must_use]
    pub fn with_tools(mut self, names: BTreeSet<String>) -> Self {
        self.own.extend(names);
        self
    }

    #[must_use]
    pub fn cached(self, cached: bool) -> Self {
        Self { cached, ..self }
    }

    /// Says only what comes behind this number.
    #[must_use]
    pub fn behind(self, known: Option<u64>) -> Self {
        Self { known, ..self }
    }

    pub fn warn(&mut self, warnings: Vec<Warning>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Why the answer is not whole.
    pub const fn incomplete(&mut self, reason: Reason) {
        self.reason = Some(reason);
    }

    pub const fn completed_at(&mut self, seconds: i64) {
        self.completed_s = Some(seconds);
    }

    /// What is said next is of this item of the thread.
    pub fn piece(&mut self, item: EntryId, out: &mut Vec<u8>) {
        if self.piece != Some(item) {
            self.close(out);
            self.piece = Some(item);
        }
    }

    /// The first events, unless they were said.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if self.has_begun {
            return;
        }
        self.has_begun = true;
        for kind in ["response.created", "response.in_progress"] {
            self.whole(kind, &Ending::InProgress, None, out);
        }
    }

    /// A step of a run begins.
    pub fn step(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        self.close(out);
        self.step_at = self.items.len();
    }

    /// What was said in the step is void, and nobody has seen it.
    pub fn void(&mut self) {
        self.items.truncate(self.step_at);
        (self.open, self.piece) = (None, None);
    }

    /// Takes an event of the answer.
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.begin(out);
        match event {
            Event::Text { delta, .. } => self.text(delta, out),
            Event::Reasoning { delta, .. } => self.thought(delta, out),
            Event::Refusal { delta, .. } => self.refusal(delta, out),
            Event::Boundary { .. } => self.close(out),
            Event::Proof { proof, .. } => self.proof(proof, out),
            Event::Citation { citation, .. } => {
                if let Some(annotation) = annotation(citation) {
                    self.annotate(annotation, out);
                }
            }
            Event::ToolCall { index, id, name, proof, .. } => {
                let signature = proof.as_ref().and_then(|proof| proof.of_kind(ProofKind::GeminiSignature));
                let call_id = call_id::signed(id, signature).into_owned();
                let at = self.call(call_id, name, out);
                self.calls.insert(*index, at);
            }
            Event::ToolArguments { index, delta, .. } => {
                if let Some(at) = self.calls.get(index).copied() {
                    self.arguments(at, delta, out);
                }
            }
            Event::Finish { reason, .. } => self.finish = *reason,
            Event::Logprobs { .. } | Event::Usage(_) => {}
            Event::About(about) => self.about(about),
        }
    }

    /// A tool is called: the client's own, whose call is handed over, or one that runs here.
    pub fn called(&mut self, id: &EntryId, name: &str, arguments: &str, out: &mut Vec<u8>) {
        self.begin(out);
        self.close(out);
        if self.own.contains(name) {
            self.piece = Some(*id);
            let at = self.call(id.to_string(), name, out);
            self.arguments(at, arguments, out);
            self.end_call(at, Status::Completed, out);
            self.piece = None;
            return;
        }
        let item = OutputItem::McpCall {
            id: item_id("mcp", id),
            status: Status::InProgress,
            server_label: SERVER,
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            output: None,
            error: None,
            approval_request_id: None,
        };
        let at = self.add(item, out);
        self.running.insert(id.to_string(), at);
    }

    /// What a tool that runs here gave.
    pub fn resulted(&mut self, id: &EntryId, parts: &[Part], is_error: bool, out: &mut Vec<u8>) {
        let Some(at) = self.running.remove(&id.to_string()) else { return };
        if let Some(OutputItem::McpCall { status, output, error, .. }) = self.items.get_mut(at) {
            let text = words(parts);
            if is_error {
                (*status, *error) = (Status::Failed, Some(text));
            } else {
                (*status, *output) = (Status::Completed, Some(text));
            }
        }
        self.say(
            "response.output_item.done",
            &json!({ "output_index": at, "item": self.items.get(at) }),
            out,
        );
    }

    /// Appends the stream's end.
    pub fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        self.begin(out);
        let ending = self.ending();
        let status = if ending == Ending::Completed { Status::Completed } else { Status::Incomplete };
        self.close_as(status, out);
        let calls: Vec<usize> = std::mem::take(&mut self.calls).into_values().collect();
        calls.into_iter().for_each(|at| self.end_call(at, status, out));
        let kind = match ending {
            Ending::Incomplete(_) => "response.incomplete",
            _ => "response.completed",
        };
        self.whole(kind, &ending, Some((*usage, cost)), out);
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Appends the end of a response that failed.
    pub fn failed(&mut self, code: &str, message: &str, out: &mut Vec<u8>) {
        self.begin(out);
        self.close_as(Status::Incomplete, out);
        let ending = Ending::Failed(code.to_owned(), message.to_owned());
        self.whole("response.failed", &ending, None, out);
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// The whole response, as JSON, after [`Self::finish`].
    pub fn into_whole(self, usage: &Usage, cost: Nanos) -> Vec<u8> {
        let ending = self.ending();
        to_json(&self.response(&ending, Some((*usage, cost))))
    }

    fn ending(&self) -> Ending {
        match (self.reason, self.finish) {
            (Some(reason), _) => Ending::incomplete(reason),
            (None, Finish::Length) => Ending::incomplete(Reason::MaxOutputTokens),
            (None, Finish::ContentFilter) => Ending::incomplete(Reason::ContentFilter),
            (None, Finish::Stop | Finish::ToolCalls) => Ending::Completed,
        }
    }

    pub(super) fn response<'a>(&'a self, ending: &'a Ending, usage: Option<(Usage, Nanos)>) -> Response<'a> {
        Response {
            id: &self.id,
            created_s: self.created_s,
            completed_s: self.completed_s,
            base: &self.base,
            output: Rest::Items(&self.items),
            usage,
            ending,
            warnings: &self.warnings,
            cached: self.cached,
        }
    }

    fn about(&mut self, about: &About) {
        if let Some(tier) = &about.service_tier {
            self.base.0.insert("service_tier".to_owned(), json!(tier));
        }
        for name in about.left_out.iter().skip(self.left_out) {
            self.left_out += 1;
            self.warnings.push(Warning::not_carried(name));
        }
    }
}

/// A tool's result as a text.
pub fn words(parts: &[Part]) -> String {
    let texts: Vec<String> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Json(json) => json.raw().map(|raw| raw.get().to_owned()),
            Part::CachePoint(_) => None,
            Part::Image(_) | Part::File(_) | Part::Audio(_) => Some("[media]".to_owned()),
        })
        .collect();
    texts.join("\n")
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
