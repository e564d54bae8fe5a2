//! All that is kept of a person as one JSON document, written piece by piece as it is read.

use serde::Serialize;

use super::named;
use crate::domain::dispatch::command::{Answer, Command, List, Order, Position};
use crate::domain::dispatch::entry::Kind;
use crate::domain::memory::shelf::Shelf;
use crate::domain::memory::view::MemoryView;
use crate::domain::thread::id::ThreadKey;
use crate::domain::thread::id::ThreadRef;
use crate::domain::time::Millis;
use crate::ports::{Dispatch, Unavailable, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;
use crate::service::memories::{self, Narrow};
use crate::service::page::Request;
use crate::service::threads::{self, Visitor};
use crate::service::unexpected::name_of;

/// How many threads are looked for at once.
const AT_ONCE: u32 = 100;

/// An export on its way.
pub struct Export {
    session: Session,
    user: String,
    /// The text that comes next.
    text: Vec<u8>,
    /// Those that were found and are not written yet, the next one last.
    found: Vec<ThreadKey>,
    thread: Option<threads::Export>,
    stage: Stage,
    /// Whether the part that is being written has any yet.
    has_entries: bool,
}

enum Stage {
    /// Threads behind this one.
    Threads(Position),
    /// All were found.
    LastThreads,
    Memories(Option<String>),
    Done,
}

/// Begins an export.
///
/// # Errors
/// [`Failure`].
pub async fn begin<W: World>(app: &App<W>, session: &Session, user: &str) -> Result<Export, Failure> {
    let user = named(user)?;
    let mut text = b"{\"exported_at\":".to_vec();
    write(&mut text, &app.world.now());
    text.extend_from_slice(b",\"user\":");
    write(&mut text, &user);
    text.extend_from_slice(b",\"threads\":[");
    let stage = Stage::Threads(Position::until(Position::NEWEST));
    let mut export = Export {
        session: session.clone(),
        user,
        text,
        found: Vec::new(),
        thread: None,
        stage,
        has_entries: false,
    };
    // Before the first byte leaves it is known whether the index can be reached.
    export.look(app).await?;
    Ok(export)
}

impl Export {
    /// The next piece of the document; `None` at its end. It is whole where it ends with `"is_whole":true}`.
    ///
    /// # Errors
    /// [`Unavailable`]: the rest cannot be read.
    pub async fn next<W: World>(&mut self, app: &App<W>) -> Result<Option<Vec<u8>>, Unavailable> {
        while self.text.is_empty() {
            if let Some(thread) = &mut self.thread {
                match thread.next(app).await {
                    Ok(Some(piece)) => self.text = trimmed(piece),
                    Ok(None) => self.thread = None,
                    Err(error) => return Err(broken(&error)),
                }
            } else if let Some(key) = self.found.pop() {
                match Visitor::member(&self.session).export(app, &ThreadRef::Key(key)).await {
                    Ok(export) => {
                        self.begin_entry();
                        self.thread = Some(export);
                    }
                    // It is gone since.
                    Err(threads::Error::NotFound(_)) => {}
                    Err(error) => return Err(broken(&error)),
                }
            } else if !self.turn(app).await? {
                return Ok(None);
            }
        }
        Ok(Some(std::mem::take(&mut self.text)))
    }

    fn begin_entry(&mut self) {
        if std::mem::replace(&mut self.has_entries, true) {
            self.text.push(b',');
        }
    }

    /// Reads on; whether there is more.
    async fn turn<W: World>(&mut self, app: &App<W>) -> Result<bool, Unavailable> {
        match &self.stage {
            Stage::Threads(_) => self.look(app).await?,
            Stage::LastThreads => {
                self.text.extend_from_slice(b"],\"memories\":[");
                (self.has_entries, self.stage) = (false, Stage::Memories(None));
            }
            Stage::Memories(cursor) => {
                let page = Request { limit: None, cursor: cursor.clone() };
                let shelf = Shelf::User(self.user.clone());
                let account = self.session.account.id;
                let page = memories::list(app, account, &shelf, Narrow::default(), &page).await;
                let page = page.map_err(|failure| broken(&failure))?;
                for memory in page.rows {
                    self.begin_entry();
                    write(&mut self.text, &MemoryView::of(&shelf, memory));
                }
                self.stage = match page.next_cursor {
                    Some(next) => Stage::Memories(Some(next)),
                    None => {
                        self.text.extend_from_slice(b"],\"is_whole\":true}\n");
                        Stage::Done
                    }
                };
            }
            Stage::Done => return Ok(false),
        }
        Ok(true)
    }

    /// Looks for more threads.
    async fn look<W: World>(&mut self, app: &App<W>) -> Result<(), Unavailable> {
        let Stage::Threads(after) = &self.stage else { return Ok(()) };
        let list = List {
            kind: Kind::Thread,
            order: Order::Created,
            agent: None,
            status: None,
            user: Some(self.user.clone()),
            label: None,
            since: Millis(0),
            after: after.clone(),
            limit: AT_ONCE,
        };
        match app.world.dispatch().ask(self.session.account.id, Command::List(list)).await? {
            Answer::Listed(listed) => {
                self.found = listed.entries.iter().rev().filter_map(|entry| key_of(entry)).collect();
                self.stage = match listed.next {
                    Some(next) => Stage::Threads(next),
                    None => Stage::LastThreads,
                };
                Ok(())
            }
            other => Err(Unavailable(format!("an index answered {}", name_of(&other)))),
        }
    }
}

fn key_of(entry: &str) -> Option<ThreadKey> {
    let line: serde_json::Value = serde_json::from_str(entry).ok()?;
    ThreadKey::parse(line["id"].as_str()?)
}

/// A thread's document stands in another, without the end of its line.
fn trimmed(mut piece: Vec<u8>) -> Vec<u8> {
    if piece.last() == Some(&b'\n') {
        piece.pop();
    }
    piece
}

fn broken(error: &impl std::fmt::Display) -> Unavailable {
    Unavailable(error.to_string())
}

fn write(text: &mut Vec<u8>, value: &impl Serialize) {
    // Views have no keys but texts, so this does not fail.
    text.extend(serde_json::to_vec(value).unwrap_or_default());
}
