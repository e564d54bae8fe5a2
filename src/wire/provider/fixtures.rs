//! Streams for tests: read whole, cut in two at every byte, and ended at every byte.

use super::{DecodeError, Decoder, Renamed};
use crate::domain::message::{ChatReply, Event, Gather, Usage};
use crate::domain::provider::Wire;

/// All events of a stream that arrives in these pieces, and how it ended.
pub(super) fn read(wire: Wire, pieces: &[&[u8]]) -> (Vec<Event>, Result<(), DecodeError>) {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(wire, Renamed::default());
    for piece in pieces {
        if let Err(error) = decoder.feed(piece, &mut events) {
            return (events, Err(error));
        }
    }
    let end = decoder.finish(&mut events);
    (events, end)
}

/// The events of a stream, which must be whole. They must be the same however its bytes are cut, and a stream that
/// is ended early must be refused unless all of them came.
pub(super) fn events(wire: Wire, stream: &[u8]) -> Vec<Event> {
    let (events, end) = read(wire, &[stream]);
    assert_eq!(end, Ok(()), "{events:?}");
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(wire, &bytes), (events.clone(), Ok(())), "byte by byte");
    for at in 0..stream.len() {
        let (head, tail) = stream.split_at(at);
        assert_eq!(read(wire, &[head, tail]), (events.clone(), Ok(())), "cut at {at}");
        let (seen, end) = read(wire, &[head]);
        assert!(events.starts_with(&seen), "ended at {at}: {seen:?}");
        assert!(end.is_err() || seen == events, "ended at {at} and taken for whole: {seen:?}");
    }
    events
}

/// What a stream gives, sound or not. It must be the same however its bytes are cut.
pub(super) fn steady(wire: Wire, stream: &[u8]) -> (Vec<Event>, Result<(), DecodeError>) {
    let whole = read(wire, &[stream]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(wire, &bytes), whole, "byte by byte");
    for at in 0..stream.len() {
        let (head, tail) = stream.split_at(at);
        assert_eq!(read(wire, &[head, tail]), whole, "cut at {at}");
    }
    whole
}

/// What choice 0 of a stream's events says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub text: String,
    pub reasoning: String,
    /// Identifier, name and arguments.
    pub calls: Vec<(String, String, String)>,
}

/// The reply that the events are the pieces of.
pub(super) fn gathered(events: &[Event]) -> ChatReply {
    let mut gather = Gather::default();
    events.iter().cloned().for_each(|event| gather.push(event).unwrap());
    gather.finish()
}

/// Puts the deltas of choice 0 together.
pub(super) fn told(events: &[Event]) -> Told {
    let Some(choice) = gathered(events).choices.into_iter().next() else { return Told::default() };
    Told {
        text: choice.text().unwrap_or_default().into_owned(),
        reasoning: choice.reasoning().unwrap_or_default().into_owned(),
        calls: choice
            .calls()
            .map(|call| (call.id.clone(), call.name.clone(), call.arguments.clone()))
            .collect(),
    }
}

/// A reported error: its words, its status, and whether it has a count.
pub fn as_reported<T: std::fmt::Debug>(end: Result<T, DecodeError>) -> (String, u16, Option<Usage>) {
    match end {
        Err(DecodeError::Reported(error)) => (error.message, error.status, error.usage),
        other => panic!("not reported: {other:?}"),
    }
}
