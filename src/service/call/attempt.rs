//! One attempt at one entry of the line: sent, its head judged, and a stream opened up to its first event, because
//! until then the next entry can still be tried.

mod embed;
mod refused;
mod request;

use std::sync::Arc;

use bytes::Bytes;

use super::bundle::Candidate;
use super::count::{Count, Counter};
use super::error::Error;
use super::in_flight::{InFlight, Ran, Seen};
use super::reach::Server;
use super::select;
use super::until::Heard;
use crate::domain::message::{ChatReply, ChatRequest, Event, Gather, ReasoningEffort, Usage};
use crate::domain::model::Capability;
use crate::domain::provider::Wire;
use crate::domain::routing::Plan;
use crate::domain::thread::window::has_media;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;
use crate::ports::{Body, ReadError, SendError, Upstream, UpstreamReply, World};
use crate::wire::provider::{self, DecodeError, Decoder, Encoded, Renamed, Reported, Target};
pub use embed::embed;
pub use refused::{Refused, clean_about};
pub use request::request;

/// The longest whole reply that is read.
const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;
/// A provider that says when to come back is asked again if that is no later than this.
const SHORT_RETRY_MS: u64 = 2_000;

pub enum Attempt<B> {
    Whole { reply: ChatReply, seen: Seen },
    Stream(Opened<B>),
}

/// An answer, and what was not asked of the model as the client wanted.
pub struct Made<B> {
    pub attempt: Attempt<B>,
    pub warnings: Vec<Warning>,
}

/// A stream whose first event has arrived.
pub struct Opened<B> {
    pub body: B,
    pub decoder: Box<Decoder>,
    pub events: Vec<Event>,
    /// What came with them and cannot be read, or is an error.
    pub fault: Option<DecodeError>,
    pub at: Millis,
}

/// Why an attempt gave no answer.
#[derive(Debug)]
pub struct Failure {
    pub ran: Ran,
    /// Whether the next entry may do better.
    pub goes_on: bool,
    pub error: Error,
}

pub type BodyOf<W> = Heard<<<W as World>::Upstream as Upstream>::Body>;

/// Makes an attempt at the line's `candidate`; `request` has the agent's instructions, and the line's parameters where it sets none itself.
///
/// A limit that only the budget asks for must not be what a provider refuses: where prompt and limit do not fit into
/// the context together the request is sent again with a smaller one. What was held still bounds the answer, because
/// the provider has said that less than the limit is left.
pub async fn make<W: World>(
    flight: &InFlight<W>,
    line: &[Arc<Candidate>],
    candidate: &Candidate,
    plan: &Plan,
    request: &mut ChatRequest,
    stream: bool,
    deadline: Millis,
) -> Result<Made<BodyOf<W>>, Failure> {
    let server =
        candidate.server.as_ref().map_err(|why| failure(Ran::No, true, Error::Unreachable(why.clone())))?;
    let limit = limit_output(flight, candidate, plan);
    request.sampling.max_output_tokens = limit;
    let unreasoned = leave_effort(candidate, request);
    let mut is_retried = false;
    loop {
        let target = Target { dialect: &candidate.dialect, code: &candidate.code };
        let Encoded { outgoing, mut warnings, renamed } = provider::encode(target, request, stream);
        let reply = send_twice(flight, candidate, server, &outgoing, stream, deadline).await?;
        let refused = if reply.status == 200 {
            let now = || flight.app().world.now();
            let answer = match stream {
                true => open(candidate, Decoder::new(server.wire, renamed), reply.body, now).await,
                false => {
                    let choices = u64::from(request.sampling.n.unwrap_or(1).max(1));
                    read(candidate, server.wire, renamed, reply.body, choices).await
                }
            };
            match answer {
                Ok(attempt) => {
                    warnings.extend(unreasoned);
                    return Ok(Made { attempt, warnings });
                }
                Err(NoAnswer::Failed(failure)) => return Err(failure),
                Err(NoAnswer::Reported(error)) => Refused::reported(line, *error),
            }
        } else {
            refused(line, reply).await
        };
        refused.log(&flight.app().world, candidate);
        let ours = limit.filter(|_| !plan.limit_asked && !is_retried);
        match ours.and_then(|tokens| refused.smaller_limit(tokens, candidate.dialect.limit_required)) {
            Some(smaller) => request.sampling.max_output_tokens = smaller,
            None => {
                // Servers differ in what they fetch and read of images, files and sounds.
                let may_differ = !refused.refusal.is_policy && has_media(&request.messages);
                let failure = refused.failure(candidate);
                let is_rejected = matches!(failure.error, Error::Rejected { .. });
                return Err(Failure { goes_on: failure.goes_on || (may_differ && is_rejected), ..failure });
            }
        }
        is_retried = true;
    }
}

/// Sends the request, and once more where the provider says that a moment's wait will do.
async fn send_twice<W: World>(
    flight: &InFlight<W>,
    candidate: &Candidate,
    server: &Server,
    outgoing: &provider::Outgoing,
    stream: bool,
    deadline: Millis,
) -> Result<UpstreamReply<BodyOf<W>>, Failure> {
    let reply = send(flight, candidate, server, outgoing, stream, deadline).await?;
    match reply.retry_after_ms.filter(|ms| *ms <= SHORT_RETRY_MS && is_transient(reply.status)) {
        None => Ok(reply),
        Some(ms) => {
            flight.app().world.sleep(ms).await;
            send(flight, candidate, server, outgoing, stream, deadline).await
        }
    }
}

/// The limit that was paid for. Where no budget applies and the client asked for none, the provider's own default
/// stands, unless it requires a limit.
fn limit_output<W: World>(flight: &InFlight<W>, candidate: &Candidate, plan: &Plan) -> Option<u32> {
    let affordable = plan.affordable(candidate.model.as_ref(), flight.granted());
    let is_sent = flight.has_budget() || plan.limit_asked || candidate.dialect.limit_required;
    affordable.filter(|_| is_sent).map(|limit| u32::try_from(limit).unwrap_or(u32::MAX))
}

/// A model that is known not to reason is not told how much.
pub fn leave_effort(candidate: &Candidate, request: &mut ChatRequest) -> Option<Warning> {
    let reasons = candidate.model.as_ref().is_none_or(|model| model.capabilities.has(Capability::Reasoning));
    let effort = request.sampling.reasoning_effort.take_if(|_| !reasons)?;
    (effort != ReasoningEffort::None).then(|| Warning::not_taken("reasoning_effort"))
}

async fn send<W: World>(
    flight: &InFlight<W>,
    candidate: &Candidate,
    server: &Server,
    outgoing: &provider::Outgoing,
    is_stream: bool,
    deadline: Millis,
) -> Result<UpstreamReply<BodyOf<W>>, Failure> {
    let world = &flight.app().world;
    let left = deadline.since(world.now());
    if left == 0 {
        return Err(failure(Ran::No, false, Error::UpstreamTimeout));
    }
    let timeout_ms = select::timeout_ms(candidate).min(left);
    let request = request(candidate, server, outgoing, flight.via(), timeout_ms, is_stream);
    let request = request.map_err(|error| failure(Ran::No, true, error))?;
    let until = flight.until();
    match until.wait(world.upstream().send(request)).await {
        Some(Ok(UpstreamReply { status, retry_after_ms, body })) => {
            Ok(UpstreamReply { status, retry_after_ms, body: Heard::new(body, until.clone()) })
        }
        Some(Err(error)) => {
            world.log(&format!("{}: {error}", candidate.label));
            Err(unsent(candidate, &error))
        }
        None => Err(failure(Ran::Maybe, false, unwanted())),
    }
}

/// The run that asked is over.
pub fn unwanted() -> Error {
    Error::Upstream("the run was over before the model had answered".to_owned())
}

fn unsent(candidate: &Candidate, error: &SendError) -> Failure {
    match error {
        SendError::NotConnected(_) => failure(Ran::No, true, unreachable_provider(candidate)),
        SendError::Lost(_) => failure(Ran::Maybe, true, unreachable_provider(candidate)),
        SendError::Timeout => failure(Ran::Maybe, true, Error::UpstreamTimeout),
    }
}

fn unreachable_provider(candidate: &Candidate) -> Error {
    Error::Upstream(format!("provider `{}` cannot be reached", candidate.provider))
}

const fn failure(ran: Ran, goes_on: bool, error: Error) -> Failure {
    Failure { ran, goes_on, error }
}

const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

async fn refused<B: Body>(line: &[Arc<Candidate>], reply: UpstreamReply<B>) -> Refused {
    let (status, retry_after_ms) = (reply.status, reply.retry_after_ms);
    let body = reply.body.all().await.unwrap_or_default();
    Refused::read(line, status, retry_after_ms, &body)
}

/// Why a reply with status 200 has no answer.
enum NoAnswer {
    /// The provider says why.
    Reported(Box<Reported>),
    Failed(Failure),
}

async fn read<B: Body>(
    candidate: &Candidate,
    wire: Wire,
    renamed: Renamed,
    body: B,
    choices: u64,
) -> Result<Attempt<B>, NoAnswer> {
    let bytes = body.all().await.map_err(|error| broken(candidate, &error))?;
    if provider::is_stream(&bytes) {
        let gathered = gather(Decoder::new(wire, renamed), &bytes, choices);
        let (reply, seen) = gathered.map_err(|(error, usage)| undecodable(candidate, error, usage))?;
        return Ok(Attempt::Whole { reply, seen });
    }
    match provider::decode(wire, &renamed, &bytes) {
        Ok(reply) => {
            let count = reply.usage.map_or(Count::None, Count::Final);
            let seen = Seen { count, bytes: reply.generated_bytes(), whole: true };
            Ok(Attempt::Whole { reply, seen })
        }
        Err(error) => Err(undecodable(candidate, error, None)),
    }
}

/// Reads a stream that stands in place of a whole reply.
fn gather(
    mut decoder: Decoder,
    bytes: &[u8],
    choices: u64,
) -> Result<(ChatReply, Seen), (DecodeError, Option<Usage>)> {
    let mut events = Vec::new();
    let fed = decoder.feed(bytes, &mut events).and_then(|()| decoder.finish(&mut events));
    fed.map_err(|error| (error, usage_in(&events)))?;
    let (mut counter, mut reply) = (Counter::default(), Gather::default());
    for event in events {
        counter.watch(&event);
        let taken = reply.push(event);
        taken.map_err(|error| (DecodeError::Malformed(error.to_string()), None))?;
    }
    let reply = reply.finish();
    let seen = Seen { count: counter.count(choices), bytes: reply.generated_bytes(), whole: true };
    Ok((reply, seen))
}

/// Reads until there is something to relay.
async fn open<B: Body>(
    candidate: &Candidate,
    mut decoder: Decoder,
    mut body: B,
    now: impl Fn() -> Millis,
) -> Result<Attempt<B>, NoAnswer> {
    let mut events = Vec::new();
    loop {
        let chunk: Option<Bytes> = body.chunk().await.map_err(|error| broken(candidate, &error))?;
        let fed = match &chunk {
            Some(chunk) => decoder.feed(chunk, &mut events),
            None => decoder.finish(&mut events),
        };
        let has_begun = events.iter().any(Event::is_content);
        match fed {
            // An error after the first event is reported by the relay.
            fed if has_begun => {
                let (decoder, fault, at) = (Box::new(decoder), fed.err(), now());
                return Ok(Attempt::Stream(Opened { body, decoder, events, fault, at }));
            }
            Err(error) => return Err(undecodable(candidate, error, usage_in(&events))),
            Ok(()) if chunk.is_none() => {
                let empty = DecodeError::Malformed("the stream has no content".to_owned());
                return Err(undecodable(candidate, empty, usage_in(&events)));
            }
            Ok(()) => squeeze(&mut events),
        }
    }
}

/// Keeps of what is no content what counts: a server can repeat it without end.
fn squeeze(events: &mut Vec<Event>) {
    let usage = usage_in(events).map(Event::Usage);
    let about = events.extract_if(.., |event| matches!(event, Event::About(_))).last();
    events.clear();
    events.extend(about.into_iter().chain(usage));
}

fn usage_in(events: &[Event]) -> Option<Usage> {
    let usages = events.iter().filter_map(|event| match event {
        Event::Usage(usage) => Some(*usage),
        _ => None,
    });
    usages.reduce(Usage::max)
}

fn broken(candidate: &Candidate, error: &ReadError) -> NoAnswer {
    let shown = match error {
        ReadError::Timeout => Error::UpstreamTimeout,
        ReadError::Unwanted => return NoAnswer::Failed(failure(Ran::Maybe, false, unwanted())),
        ReadError::Broken(_) => {
            Error::Upstream(format!("provider `{}` broke off its answer", candidate.provider))
        }
        ReadError::TooLarge(limit) => {
            Error::Upstream(format!("provider `{}` answered more than {limit} bytes", candidate.provider))
        }
    };
    NoAnswer::Failed(failure(Ran::Maybe, true, shown))
}

/// What a provider answered with status 200 and is no answer. An error that it reports itself is billed as it says; of
/// anything else nothing is known.
fn undecodable(candidate: &Candidate, error: DecodeError, usage: Option<Usage>) -> NoAnswer {
    match error.counted(usage) {
        DecodeError::Reported(error) => NoAnswer::Reported(error),
        DecodeError::Malformed(_) => {
            let words = format!("provider `{}` answered something unreadable", candidate.provider);
            NoAnswer::Failed(failure(Ran::Maybe, true, Error::Upstream(words)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::About;

    #[test]
    fn what_comes_without_end_before_the_answer_is_kept_once() {
        let usage = |input_tokens, output_tokens| {
            Event::Usage(Usage { input_tokens, output_tokens, ..Usage::default() })
        };
        let about =
            |tier: &str| Event::About(About { service_tier: Some(tier.to_owned()), ..About::default() });
        let mut events = Vec::new();
        for count in 0..1_000 {
            events.extend([usage(7, count), about(&count.to_string()), Event::Boundary { choice: 0 }]);
            squeeze(&mut events);
            assert_eq!(events, [about(&count.to_string()), usage(7, count)]);
        }
        events.push(usage(9, 0));
        squeeze(&mut events);
        assert_eq!(events, [about("999"), usage(9, 999)], "the largest of each count");
    }
}
