//! A stream on its way to the client. It is read to its end whether or not anyone still listens, because the end brings
//! the bill.

use std::sync::Arc;

use super::again::Gathering;
use super::attempt::{BodyOf, Opened, Refused, clean_about, unwanted};
use super::bundle::Candidate;
use super::count::{Count, Counter};
use super::error::Error;
use super::in_flight::{InFlight, Receipt, Seen};
use crate::domain::admission::command::CallStatus;
use crate::domain::message::Event;
use crate::domain::routing::Needs;
use crate::domain::time::Millis;
use crate::ports::{Body, ReadError, World};
use crate::wire::provider::{DecodeError, Decoder};

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
    /// All entries, whose keys no text may show.
    line: Vec<Arc<Candidate>>,
    needs: Needs,
    body: BodyOf<W>,
    decoder: Box<Decoder>,
    /// Events read and not yet taken.
    ready: Vec<Event>,
    /// What came with them and ends the answer.
    fault: Option<DecodeError>,
    first_token_at: Millis,
    /// How many choices were asked for.
    choices: u64,
    counter: Counter,
    bytes: u64,
    /// Why choices have ended, for the client: said when nothing more of them can come.
    finishes: Vec<Event>,
    /// For an answer that will be kept.
    gathering: Option<Box<Gathering>>,
    /// How it has ended, until the last events are taken.
    ended: Option<(Count, Option<Error>)>,
}

impl<W: World> Relay<W> {
    pub(super) fn new(
        flight: InFlight<W>,
        (candidate, line): (Arc<Candidate>, Vec<Arc<Candidate>>),
        needs: Needs,
        choices: u64,
        opened: Opened<BodyOf<W>>,
        gathering: Option<Box<Gathering>>,
    ) -> Self {
        let mut relay = Self {
            flight: Some(flight),
            candidate,
            line,
            needs,
            body: opened.body,
            decoder: opened.decoder,
            ready: Vec::new(),
            fault: opened.fault,
            first_token_at: opened.at,
            choices,
            counter: Counter::default(),
            bytes: 0,
            finishes: Vec::new(),
            gathering,
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
        if let Some((count, error)) = self.ended.take() {
            return self.end(count, error);
        }
        if let Some(error) = self.fault.take() {
            return self.break_off(Vec::new(), error);
        }
        loop {
            let mut events = Vec::new();
            let fed = match self.body.chunk().await {
                Ok(Some(chunk)) => self.decoder.feed(&chunk, &mut events).map(|()| false),
                Ok(None) => self.decoder.finish(&mut events).map(|()| true),
                Err(error) => {
                    let count = self.counter.count(self.choices);
                    return self.last(Vec::new(), count, Some(unread(&error)));
                }
            };
            let events = self.watch(events);
            match fed {
                Ok(true) => return self.last(events, self.counter.count(self.choices), None),
                Err(error) => return self.break_off(events, error),
                Ok(false) if events.is_empty() => {}
                Ok(false) => return Some(Step::Events(events)),
            }
        }
    }

    /// Notes what the events say of the bill, and keeps the ones that a client is told.
    fn watch(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        for event in &mut events {
            self.counter.watch(event);
            match event {
                Event::Text { delta, .. }
                | Event::Reasoning { delta, .. }
                | Event::Refusal { delta, .. }
                | Event::ToolArguments { delta, .. } => self.bytes += delta.len() as u64,
                Event::ToolCall { id, name, .. } => self.bytes += (id.len() + name.len()) as u64,
                Event::Usage(_)
                | Event::Finish { .. }
                | Event::Boundary { .. }
                | Event::Proof { .. }
                | Event::Citation { .. }
                | Event::Logprobs { .. } => {}
                Event::About(about) => clean_about(&self.line, about),
            }
        }
        events.retain(|event| !matches!(event, Event::Usage(_)));
        for finish in events.extract_if(.., |event| matches!(event, Event::Finish { .. })) {
            if !self.finishes.iter().any(|held| choice_of(held) == choice_of(&finish)) {
                self.finishes.push(finish);
            }
        }
        self.gathering.take_if(|gathering| !gathering.push(&events));
        events
    }

    /// What the provider sent cannot be read, or is an error; one that brings its count is billed by it.
    fn break_off(&mut self, events: Vec<Event>, error: DecodeError) -> Option<Step> {
        let counted = self.counter.count(self.choices);
        let (count, error) = match error {
            DecodeError::Malformed(_) => (counted, broken()),
            DecodeError::Reported(error) => {
                let count = error.usage.map_or(counted, Count::Final);
                let refused = Refused::reported(&self.line, *error);
                if let Some(flight) = &self.flight {
                    refused.log(&flight.app().world, &self.candidate);
                }
                (count, refused.judge(&self.candidate).1)
            }
        };
        self.last(events, count, Some(error))
    }

    /// The last events, if there are any, and then the end.
    fn last(&mut self, mut events: Vec<Event>, count: Count, error: Option<Error>) -> Option<Step> {
        self.gathering.take_if(|gathering| !gathering.push(&self.finishes));
        events.append(&mut self.finishes);
        if events.is_empty() {
            return self.end(count, error);
        }
        self.ended = Some((count, error));
        Some(Step::Events(events))
    }

    fn end(&mut self, count: Count, error: Option<Error>) -> Option<Step> {
        let flight = self.flight.take()?;
        let seen = Seen { count, bytes: self.bytes, whole: error.is_none() };
        let receipt = flight.receipt(&self.candidate, &self.needs, &seen);
        if let Some(gathering) = self.gathering.take().filter(|_| error.is_none()) {
            gathering.keep(flight.app(), &self.candidate.label);
        }
        let status = if error.is_none() { CallStatus::Ok } else { CallStatus::Interrupted };
        flight.settle(status, &receipt, Some(self.first_token_at));
        Some(Step::End(match error {
            None => Ending::Done(receipt),
            Some(error) => Ending::Failed { error, receipt },
        }))
    }
}

/// The choice that a finish is of.
const fn choice_of(finish: &Event) -> Option<u32> {
    match finish {
        Event::Finish { choice, .. } => Some(*choice),
        _ => None,
    }
}

fn broken() -> Error {
    Error::Upstream("the provider broke off its answer".to_owned())
}

fn unread(error: &ReadError) -> Error {
    match error {
        ReadError::Timeout => Error::UpstreamTimeout,
        ReadError::Unwanted => unwanted(),
        ReadError::Broken(_) | ReadError::TooLarge(_) => broken(),
    }
}
