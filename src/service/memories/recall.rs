//! What fits a run: of its user's memories and of the account's work, as far as its agent reads them.

use futures_util::future::join_all;

use super::{ask, unexpected};
use crate::domain::agent;
use crate::domain::ids::AccountId;
use crate::domain::memory::command::{Answer, Command, Recall};
use crate::domain::memory::notes::{Note, in_turn};
use crate::domain::memory::shelf::Reach;
use crate::domain::memory::{Kind, Memory};
use crate::ports::{Unavailable, World};
use crate::service::App;

/// The most memories that are looked at of a kind, and their bytes: more than the most tokens that an agent is given.
const LIMIT: u32 = 40;
const BYTES: u64 = 64 * 1_024;

/// What was found, of both kinds.
#[derive(Debug, Default)]
pub struct Found {
    /// What fits the text, best first.
    pub fitting: Vec<Note>,
    /// The newest.
    pub newest: Vec<Note>,
    /// The kinds whose object did not answer.
    pub missing: Vec<Kind>,
}

/// Looks for what fits a text.
pub async fn recall<W: World>(
    app: &App<W>,
    account: AccountId,
    (memory, reach): (agent::Memory, &Reach),
    text: &str,
) -> Found {
    let shelves = memory.read.each().filter_map(|kind| reach.shelf(kind));
    let asked = shelves.map(async |shelf| {
        let recall = Recall { query: text.to_owned(), limit: LIMIT, bytes: BYTES };
        let answer = ask(app, account, &shelf, Command::Recall(recall)).await;
        (shelf.kind(), answer.and_then(read))
    });
    let mut found = Found::default();
    for (kind, answer) in join_all(asked).await {
        match answer {
            Ok((fitting, newest)) => {
                let notes = |memories: Vec<Memory>| {
                    memories.into_iter().map(|memory| Note::of(kind, memory)).collect()
                };
                found.fitting = in_turn(std::mem::take(&mut found.fitting), notes(fitting)).collect();
                found.newest = in_turn(std::mem::take(&mut found.newest), notes(newest)).collect();
            }
            Err(error) => {
                app.world.log(&format!("memories ({}) of {account} were not recalled: {error}", kind.name()));
                found.missing.push(kind);
            }
        }
    }
    found
}

fn read(answer: Answer) -> Result<(Vec<Memory>, Vec<Memory>), Unavailable> {
    match answer {
        Answer::Recalled { found, newest } => Ok((found, newest)),
        other => Err(unexpected(&other)),
    }
}
