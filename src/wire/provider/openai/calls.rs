//! The tool calls of an answer: told apart, numbered, each with an id of its own and with arguments.

use std::collections::HashSet;

use crate::domain::message::{Event, Proof};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json::{count_call, issued_id, unused};

/// What a call without arguments has: some servers write an empty text or nothing, on which clients fail.
pub const NO_ARGUMENTS: &str = "{}";

/// The most calls that wait for their names at once: a server that sends names late sends the next.
const MAX_UNNAMED: usize = 64;
/// The most bytes that are kept of calls whose names have not come.
const MAX_UNNAMED_BYTES: usize = 64 * 1024;

/// The calls that have come of a stream.
#[derive(Debug, Default)]
pub struct Calls {
    begun: Vec<Call>,
    /// What waits for its name, which some servers send in a later piece.
    unnamed: Vec<Unnamed>,
    /// The identifiers of each choice.
    ids: Vec<(u32, HashSet<String>)>,
}

#[derive(Debug)]
struct Call {
    choice: u32,
    /// As the server numbers it.
    given_index: u32,
    given_id: Option<String>,
    /// As it is told on: from 0 in each choice.
    index: u32,
    has_arguments: bool,
}

/// What has come of a call before its name.
#[derive(Debug)]
pub struct Unnamed {
    pub choice: u32,
    pub given_index: Option<u32>,
    pub id: Option<String>,
    pub arguments: String,
    pub proof: Option<Proof>,
}

impl Calls {
    /// A piece of a call that has not begun, behind what has come of the same call before.
    pub fn joined(&mut self, piece: Unnamed) -> Unnamed {
        let is_same = |waiting: &Unnamed| {
            let same_place = waiting.given_index == piece.given_index || piece.given_index.is_none();
            let same_id = piece.id.is_none() || waiting.id.is_none() || waiting.id == piece.id;
            waiting.choice == piece.choice && same_place && same_id
        };
        let Some(place) = self.unnamed.iter().rposition(is_same) else { return piece };
        let mut whole = self.unnamed.remove(place);
        whole.arguments.push_str(&piece.arguments);
        Unnamed { id: whole.id.or(piece.id), proof: whole.proof.or(piece.proof), ..whole }
    }

    /// Keeps a call until its name comes.
    ///
    /// # Errors
    /// Where that is too much.
    pub fn wait(&mut self, call: Unnamed) -> Result<(), DecodeError> {
        let bytes = |call: &Unnamed| call.arguments.len() + call.id.as_ref().map_or(0, String::len);
        let kept: usize = self.unnamed.iter().chain([&call]).map(bytes).sum();
        if kept > MAX_UNNAMED_BYTES || self.unnamed.len() >= MAX_UNNAMED {
            return Err(nameless());
        }
        self.unnamed.push(call);
        Ok(())
    }

    /// The answer has ended.
    ///
    /// # Errors
    /// Where a call still waits for its name.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.unnamed.is_empty() { Ok(()) } else { Err(nameless()) }
    }

    pub fn are_of(&self, choice: u32) -> bool {
        self.begun.iter().any(|call| call.choice == choice)
    }

    /// The call that a piece continues. Some servers repeat id and name on every piece, some number every call 0, and
    /// some do not number at all: a call is new when its number is, or when it is named and has another id or no number.
    pub fn known(&self, choice: u32, given_index: Option<u32>, id: Option<&str>, named: bool) -> Option<u32> {
        let mut calls = self.begun.iter().rev().filter(|call| call.choice == choice);
        let call = calls.find(|call| given_index.is_none_or(|index| call.given_index == index))?;
        let other = if id.is_some() { id != call.given_id.as_deref() } else { given_index.is_none() };
        (!(named && other)).then_some(call.index)
    }

    /// Notes a call that begins, and numbers it.
    pub fn begin(
        &mut self,
        choice: u32,
        given_index: Option<u32>,
        id: &Option<String>,
    ) -> Result<u32, DecodeError> {
        count_call(self.begun.len())?;
        let last = self.begun.iter().rev().find(|call| call.choice == choice);
        let index = last.map_or(0, |last| last.index + 1);
        let given_index = given_index.unwrap_or(index);
        self.begun.push(Call { choice, given_index, given_id: id.clone(), index, has_arguments: false });
        Ok(index)
    }

    /// The id itself, or another where a call of this choice has it already.
    pub fn unused(&mut self, choice: u32, id: String) -> String {
        let known = self.ids.iter().position(|(of, _)| *of == choice);
        let place = known.unwrap_or_else(|| {
            self.ids.push((choice, HashSet::new()));
            self.ids.len() - 1
        });
        match self.ids.get_mut(place) {
            Some((_, ids)) => unused(id, ids),
            None => id,
        }
    }

    /// Notes that a call has arguments.
    pub fn argue(&mut self, choice: u32, index: u32, delta: &str) {
        // The latest is the likeliest.
        let mut calls = self.begun.iter_mut().rev();
        if let Some(call) = calls.find(|call| (call.choice, call.index) == (choice, index)) {
            call.has_arguments |= !delta.trim_ascii().is_empty();
        }
    }

    /// A choice ends: its calls without arguments have an empty object.
    pub fn complete(&self, choice: u32, events: &mut Vec<Event>) {
        let bare = self.begun.iter().filter(|call| call.choice == choice && !call.has_arguments);
        events.extend(bare.map(|call| Event::ToolArguments {
            choice,
            index: call.index,
            delta: NO_ARGUMENTS.to_owned(),
        }));
    }
}

fn nameless() -> DecodeError {
    DecodeError::Malformed("a tool call has no name".to_owned())
}

/// The id a provider gave a tool call, or one made of the call itself where it gave none.
pub fn id_of(given: Option<String>, number: u32, name: &str, arguments: &str) -> String {
    given.filter(|id| !id.is_empty()).unwrap_or_else(|| {
        // FNV-1a: calls that differ within a conversation should not share an id.
        let bytes = name.bytes().chain([0]).chain(arguments.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        issued_id(None, Some(&format!("{hash:016x}")), number)
    })
}
