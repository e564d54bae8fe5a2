//! A stream on its way to the client. It is read to its end whether or not anyone still listens, because the end brings
//! the bill.

use std::sync::Arc;

use super::attempt::Opened;
use super::bundle::Candidate;
use super::error::Error;
use super::in_flight::{InFlight, Receipt, Seen};
use crate::domain::admission::command::CallStatus;
use crate::domain::message::{Event, Usage};
use crate::domain::routing::Needs;
use crate::domain::time::Millis;
use crate::ports::{Body, ReadError, Upstream, World};
use crate::wire::provider::Decoder;

/// What comes next of a stream.
#[derive(Debug)]
pub enum Step {
    Events(Vec<Event>),
    /// The last step.
    End(Ending),
}

#[derive(Debug)]
pub enum Ending {
    Done(Receipt),
    /// The stream broke; what came before stands.
    Failed {
        error: Error,
        receipt: Receipt,
    },
}

pub struct Relay<W: World> {
    /// `None` once it has ended.
    flight: Option<InFlight<W>>,
    /// The entry that answers.
    candidate: Arc<Candidate>,
    needs: Needs,
    body: <W::Upstream as Upstream>::Body,
    decoder: Decoder,
    /// Events read and not yet taken.
    ready: Vec<Event>,
    first_token_at: Millis,
    usage: Option<Usage>,
    bytes: u64,
    has_finished: bool,
    /// Why choices have ended, for the client: said when nothing more of them can come.
    finishes: Vec<Event>,
    /// How it has ended, until the last events are taken.
    ended: Option<Option<Error>>,
}

impl<W: World> Relay<W> {
    pub(super) fn new(
        flight: InFlight<W>,
        candidate: Arc<Candidate>,
        needs: Needs,
        opened: Opened<<W::Upstream as Upstream>::Body>,
    ) -> Self {
        let mut relay = Self {
            flight: Some(flight),
            candidate,
            needs,
            body: opened.body,
            decoder: opened.decoder,
            ready: Vec::new(),
            first_token_at: opened.at,
            usage: None,
            bytes: 0,
            has_finished: false,
            finishes: Vec::new(),
            ended: None,
        };
        relay.ready = relay.watch(opened.events);
        relay
    }

    /// The next step; `None` after [`Step::End`].
    pub async fn next(&mut self) -> Option<Step> {
        self.flight.as_ref()?;
        if !self.ready.is_empty() {
            return Some(Step::Events(std::mem::take(&mut self.ready)));
        }
        if let Some(error) = self.ended.take() {
            return self.end(error);
        }
        loop {
            let mut events = Vec::new();
            let ended = match self.body.chunk().await {
                Ok(Some(chunk)) => self.decoder.feed(&chunk, &mut events).err().map(|_| Some(broken())),
                Ok(None) => Some(self.decoder.finish(&mut events).err().map(|_| broken())),
                Err(error) => Some(Some(unread(&error))),
            };
            let mut events = self.watch(events);
            let Some(error) = ended else {
                if events.is_empty() {
                    continue;
                }
                return Some(Step::Events(events));
            };
            events.append(&mut self.finishes);
            if events.is_empty() {
                return self.end(error);
            }
            self.ended = Some(error);
            return Some(Step::Events(events));
        }
    }

    /// Notes what the events say of the bill, and keeps the ones that a client is told.
    fn watch(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        for event in &events {
            match event {
                Event::Usage(usage) => self.usage = Some(self.usage.unwrap_or_default().max(*usage)),
                Event::Finish { .. } => self.has_finished = true,
                Event::Text { delta, .. }
                | Event::Reasoning { delta, .. }
                | Event::Refusal { delta, .. }
                | Event::ToolArguments { delta, .. } => self.bytes += delta.len() as u64,
                Event::ToolCall { id, name, .. } => self.bytes += (id.len() + name.len()) as u64,
                Event::Boundary { .. }
                | Event::Proof { .. }
                | Event::Citation { .. }
                | Event::Logprobs { .. }
                | Event::About(_) => {}
            }
        }
        events.retain(|event| !matches!(event, Event::Usage(_)));
        self.finishes.extend(events.extract_if(.., |event| matches!(event, Event::Finish { .. })));
        events
    }

    fn end(&mut self, error: Option<Error>) -> Option<Step> {
        let flight = self.flight.take()?;
        // A count that came with the answer's end is the bill, even if the connection broke after it; a count in the
        // middle of a broken answer is not.
        let usage = self.usage.filter(|_| error.is_none() || self.has_finished);
        let seen = Seen { usage, bytes: self.bytes, whole: error.is_none() };
        let receipt = flight.receipt(&self.candidate, &self.needs, &seen);
        let status = if error.is_none() { CallStatus::Ok } else { CallStatus::Interrupted };
        flight.settle(status, &receipt, Some(self.first_token_at));
        Some(Step::End(match error {
            None => Ending::Done(receipt),
            Some(error) => Ending::Failed { error, receipt },
        }))
    }
}

fn broken() -> Error {
    Error::Upstream("the provider broke off its answer".to_owned())
}

fn unread(error: &ReadError) -> Error {
    match error {
        ReadError::Timeout => Error::UpstreamTimeout,
        ReadError::Broken(_) | ReadError::TooLarge(_) => broken(),
    }
}
