//! What a waiting run is given.

use serde::{Deserialize, Serialize};

use super::happening::{Do, Names};
use super::state::{Phase, Run};
use super::tool::Stage;
use crate::domain::message::{Message, Part};
use crate::domain::time::Millis;

/// What a run is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The answer to a call.
    Call { entry: u32, given: Given },
    /// Something to be considered at the next step.
    Message(Message),
}

impl Input {
    /// The entry of the call that it answers.
    pub const fn call(&self) -> Option<u32> {
        match self {
            Self::Call { entry, .. } => Some(*entry),
            Self::Message(_) => None,
        }
    }
}

/// What somebody answers to a call that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    Output(Vec<Part>),
    Error(String),
    /// Of a call whose outcome nobody knew: it is made again.
    Retry,
}

/// Why an input is not taken. The run is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotTaken {
    /// Nothing of this name was asked.
    #[error("is nothing that the run has asked for")]
    NeverAsked,
    /// It has been answered already.
    #[error("was answered before")]
    AlreadyResolved,
    /// The run ended, or went on, before it was answered.
    #[error("is not waited for any more: the run is over or went on without it")]
    RunEnded,
    /// The same request answers it twice.
    #[error("is answered twice in this request")]
    Twice,
    /// Only a call of which nobody knows how it ended can be made again.
    #[error("waits for its output: `retry` is for a call whose outcome is not known")]
    NoRetry,
    /// What is said to it would be heard by the run before it.
    #[error(
        "would be heard too early, as the run waits for its turn: say it when it has begun, or cancel the run and start another"
    )]
    NotBegun,
    /// We run this call ourselves.
    #[error("is under way and waits for nobody")]
    NotWaiting,
}

impl Run {
    /// Whether it can be given this now. Whether it was answered before is for who keeps the answers to say.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn can_take(&self, input: &Input) -> Result<(), NotTaken> {
        let (entry, given) = match input {
            Input::Call { entry, given } => (*entry, given),
            Input::Message(_) if self.is_over() => return Err(NotTaken::RunEnded),
            // It is not the run's turn to hear it, and the run before must not hear it.
            Input::Message(_) if matches!(self.phase, Phase::Queued) => return Err(NotTaken::NotBegun),
            Input::Message(_) => return Ok(()),
        };
        match (self.call(entry).map(|call| call.stage), given) {
            // One that is done without an answer from outside was a call of ours.
            (None | Some(Stage::Done), _) => Err(NotTaken::NeverAsked),
            (Some(Stage::Ready | Stage::Running | Stage::Child), _) => Err(NotTaken::NotWaiting),
            (Some(Stage::Output), Given::Retry) => Err(NotTaken::NoRetry),
            (Some(Stage::Output | Stage::Outcome), _) => Ok(()),
        }
    }

    /// Takes what it is given, all of it before it goes on; of each input the entry that it answers or becomes. What it cannot
    /// take changes nothing ([`Run::can_take`]).
    pub fn give(&mut self, inputs: Vec<Input>, names: &Names<'_>, now: Millis) -> (Vec<u32>, Vec<Do>) {
        let before = self.status();
        let (mut entries, mut out) = (Vec::with_capacity(inputs.len()), Vec::new());
        for input in inputs {
            if self.can_take(&input).is_err() {
                continue;
            }
            entries.push(match input {
                Input::Call { entry, given } => {
                    self.has_progressed();
                    match given {
                        Given::Output(parts) => self.resolve(entry, parts, false, names, &mut out),
                        Given::Error(words) => {
                            self.resolve(entry, vec![Part::Text(words)], true, names, &mut out);
                        }
                        Given::Retry => self.set(entry, Stage::Ready),
                    }
                    entry
                }
                Input::Message(message) => {
                    let entry = self.take_entry();
                    self.is_steered = true;
                    out.push(Do::Write { entry, step: 0, message });
                    entry
                }
            });
        }
        self.advance(names, now, &mut out);
        self.say_status(before, names, &mut out);
        (entries, out)
    }
}
