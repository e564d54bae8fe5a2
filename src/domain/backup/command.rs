//! What every object can be asked besides its own commands: to hand out all that its SQLite has, and to take it in again.
//!
//! A dump is one moment's state, however long it takes. What fits into one page is read in one step. Of more, each page is
//! read as the object is then, and the object notes which rows change meanwhile; they come again behind the last table, as
//! they are then, until a page has all that is left of them. The state is that of the last page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rows::{Cell, Rows};

/// The version of [`Asked`] and [`Answer`]; see [`crate::domain::admission::command::VERSION`] for what that means.
pub const VERSION: u32 = 1;

/// How such a question is told from the object's own commands, none of which has this name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    Storage(Command),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A page of a dump; `None`: the first.
    Dump(Option<Cursor>),
    Restore(Part),
}

/// Where a dump goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ObjectCursor)]
pub struct Cursor {
    /// Names the dump.
    pub dump: String,
    /// The table to be read next, by its place among all in the order of their names; behind the last: what has changed.
    pub table: u32,
    /// Behind the row with this key, or the change of this number.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub after: Vec<Cell>,
}

/// A page of a dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ObjectPage)]
pub struct Page {
    /// How many steps of its schema the object has taken.
    pub steps: u32,
    pub rows: Vec<Rows>,
    /// Where the next page begins; null: this was the last.
    pub next: Option<Cursor>,
}

/// A page that is taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub steps: u32,
    /// From 0 on, each in its turn; the same once more changes nothing.
    pub page: u32,
    pub rows: Vec<Rows>,
    pub is_last: bool,
    /// What is still to be sent to others outside is not sent: this is a copy of an environment that lives on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copy: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Page(Box<Page>),
    /// Nothing was ever written in this object.
    Empty,
    /// The dump is over: another began, it took too long, or the object's schema has changed. It is begun again.
    Lost,
    /// The page is taken in.
    Taken,
    /// The object is whole, and has begun.
    Restored,
    /// The object has something, and is as it was.
    NotEmpty,
    /// The dump has taken more steps than this code knows.
    TooNew {
        known: u32,
    },
    /// Another page is to come next.
    OutOfTurn {
        next: u32,
    },
    /// The rows do not fit: why.
    Unfit(String),
}
