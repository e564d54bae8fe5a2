//! What a request refers to: items of the agent's threads.

use crate::domain::message::{Message, stored};
use crate::domain::right::Right;
use crate::http::problem::{Kind, Problem};
use crate::ports::World;
use crate::service::App;
use crate::service::call::{Given, Resolved};
use crate::service::threads::{Error, Visitor};
use crate::wire::client::responses::{Piece, item_id};

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
        let message = message.ok_or_else(|| named(Problem::new(Kind::NotFound, words()), at, None))?;
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

/// There is no response of this name from which to go on. OpenAI says so with 400.
pub fn no_response(id: &str) -> Problem {
    let words = format!("Previous response with id '{id:.80}' not found.");
    let code = Some("previous_response_not_found");
    named(Problem::new(Kind::InvalidRequest, words), "previous_response_id", code)
}

pub fn no_conversation(id: &str) -> Problem {
    let words = format!("Conversation with id '{id:.80}' not found.");
    named(Problem::new(Kind::NotFound, words), "conversation", None)
}

fn named(problem: Problem, field: &str, code: Option<&str>) -> Problem {
    let (code, param) = (code.map(str::to_owned), Some(field.to_owned()));
    problem.given(Box::new(Given { code, param, is_unpaid: false }))
}
