//! What a request refers to: items of the agent's threads, and calls whose outputs it brings.

use std::collections::BTreeSet;

use crate::domain::message::{AssistantPart, Message, stored};
use crate::domain::right::Right;
use crate::domain::thread::command::Page;
use crate::domain::thread::id::{RunId, ThreadKey, ThreadRef};
use crate::domain::thread::view::Content;
use crate::http::problem::{Kind, Problem};
use crate::ports::World;
use crate::service::App;
use crate::service::call::{Given, Resolved};
use crate::service::threads::{Error, MAX_OF_RUN, Visitor};
use crate::wire::client::responses::{Piece, item_id, response_id};

/// The most items that a request names: each is asked for by itself.
const MAX_REFERENCES: usize = 500;

/// Puts the items that are named in the places of their names.
pub async fn resolve<W: World>(app: &App<W>, resolved: &Resolved, said: &mut [Piece]) -> Result<(), Problem> {
    let references = said.iter().filter(|piece| matches!(piece, Piece::Reference(..))).count();
    if references == 0 {
        return Ok(());
    }
    if references > MAX_REFERENCES {
        let words = format!("has at most {MAX_REFERENCES} items of type `item_reference`");
        return Err(Problem::in_field("input", words));
    }
    let visitor = Visitor::of(resolved, Right::CALL_ON_THREAD).map_err(Problem::report(app))?;
    for piece in said {
        let Piece::Reference(entry, at) = piece else { continue };
        let message = match visitor.item(app, *entry).await {
            Ok(text) => stored::read(&text).ok(),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(Problem::report(app)(error)),
        };
        let words = || format!("Item with id '{}' not found.", item_id("…", entry));
        let message = message.ok_or_else(|| not_found(at, words(), None))?;
        *piece = match message {
            Message::Assistant { mut parts } if parts.len() == 1 => match parts.pop() {
                Some(part) => Piece::Answered(part),
                None => continue,
            },
            message => Piece::Said(message),
        };
    }
    Ok(())
}

/// Nothing of that name is here.
pub fn not_found(field: &str, words: String, code: Option<&str>) -> Problem {
    let param = Some(field.to_owned());
    let given = Given { code: code.map(str::to_owned), param, is_unpaid: false };
    Problem::new(Kind::NotFound, words).given(Box::new(given))
}

/// Checks that outputs answer calls that wait for them, and that none waits in vain: of the response from which this goes on, or else
/// of the conversation's last.
pub async fn check_outputs<W: World>(
    app: &App<W>,
    resolved: &Resolved,
    (thread, follows): (ThreadKey, Option<RunId>),
    messages: &[Message],
) -> Result<(), Problem> {
    let visitor = Visitor::of(resolved, Right::CALL_ON_THREAD).map_err(Problem::report(app))?;
    let open = match open_calls(app, &visitor, thread, follows).await {
        Ok(open) => open,
        Err(Error::NotFound(_)) => {
            return Err(match follows {
                Some(run) => {
                    let words = format!("Previous response with id '{}' not found.", response_id(&run));
                    not_found("previous_response_id", words, Some("previous_response_not_found"))
                }
                None => not_found("conversation", "There is no such conversation here.".to_owned(), None),
            });
        }
        Err(error) => return Err(Problem::report(app)(error)),
    };
    let made: BTreeSet<&str> = messages.iter().flat_map(calls_of).collect();
    let given: BTreeSet<&str> = messages.iter().filter_map(answers).collect();
    let unknown = given.iter().find(|id| !made.contains(*id) && !open.contains(**id));
    if let Some(id) = unknown {
        let words = format!("No tool call found for function call output with call_id {id:.80}.");
        return Err(Problem::at("input".to_owned(), words));
    }
    match open.iter().find(|id| !given.contains(id.as_str())) {
        Some(id) => {
            Err(Problem::at("input".to_owned(), format!("No tool output found for function call {id}.")))
        }
        None => Ok(()),
    }
}

fn calls_of(message: &Message) -> Vec<&str> {
    match message {
        Message::Assistant { parts } => AssistantPart::calls_of(parts).map(|call| call.id.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn answers(message: &Message) -> Option<&str> {
    match message {
        Message::Tool { call_id, .. } => Some(call_id),
        _ => None,
    }
}

/// The calls of a run that have no result: of the thread's last one where none is named.
async fn open_calls<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    thread: ThreadKey,
    follows: Option<RunId>,
) -> Result<BTreeSet<String>, Error> {
    let thread = ThreadRef::Key(thread);
    let run = match follows {
        // One that does not exist has no items either.
        Some(run) => Some(visitor.run(app, run).await?.id),
        None => {
            let page = Page { after: None, newest_first: true, limit: 1, run: None };
            visitor.items(app, &thread, page).await?.0.into_iter().find_map(|item| item.run_id)
        }
    };
    let (mut open, mut after) = (BTreeSet::new(), None);
    let Some(run) = run else { return Ok(open) };
    loop {
        let page = Page { after, newest_first: false, limit: MAX_OF_RUN, run: Some(run.number) };
        let (items, has_more) = visitor.items(app, &thread, page).await?;
        after = items.last().map(|item| item.id);
        for item in items {
            match item.content {
                Content::Call { call_id, .. } => drop(open.insert(call_id)),
                Content::Result { call_id, .. } => drop(open.remove(&call_id)),
                Content::Said { .. } => {}
            }
        }
        if !has_more || after.is_none() {
            return Ok(open);
        }
    }
}
