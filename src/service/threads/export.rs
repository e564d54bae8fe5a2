//! All of a thread as one JSON document, written piece by piece as its object is read.

use serde::Serialize;

use super::refusal::{Error, refusal};
use super::{ThreadView, Visitor};
use crate::domain::thread::command::{Answer, Command};
use crate::domain::thread::export::{Exported, Part, Place};
use crate::domain::thread::id::{ThreadKey, ThreadRef};
use crate::ports::World;
use crate::service::App;
use crate::service::retry::Policy;

/// How often a page is asked for, where the object cannot be reached.
const PAGES: Policy = Policy { tries: 4, first_pause_ms: 250, most_ms: 2_000, jitter_percent: 25 };

/// An export on its way.
pub struct Export {
    visitor: Visitor,
    thread: ThreadKey,
    /// The text that comes next.
    text: Vec<u8>,
    /// Where the next page begins; `None`: all is written.
    place: Option<Place>,
    /// Whether the part that is being written has any yet.
    has_entries: bool,
}

impl Visitor {
    /// Begins an export of a thread.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn export<W: World>(self, app: &App<W>, thread: &ThreadRef) -> Result<Export, Error> {
        let view: ThreadView = self.show(app, thread).await?;
        let mut text = b"{\"exported_at\":".to_vec();
        write(&mut text, &app.world.now());
        text.extend_from_slice(b",\"thread\":");
        write(&mut text, &view);
        let first = Place::default();
        open(&mut text, first.part);
        Ok(Export { visitor: self, thread: view.id, text, place: Some(first), has_entries: false })
    }
}

impl Export {
    /// The next piece of the document; `None` at its end. What is written to the thread meanwhile may be in it or not. The
    /// document is whole where it ends with `"is_whole":true}`.
    ///
    /// # Errors
    /// [`Error`]: the rest cannot be read.
    pub async fn next<W: World>(&mut self, app: &App<W>) -> Result<Option<Vec<u8>>, Error> {
        while let Some(place) = self.place {
            let Exported { entries, next } = self.page(app, place).await?;
            for entry in &entries {
                if std::mem::replace(&mut self.has_entries, true) {
                    self.text.push(b',');
                }
                write(&mut self.text, entry);
            }
            self.turn(place, next);
            if !self.text.is_empty() {
                return Ok(Some(std::mem::take(&mut self.text)));
            }
        }
        Ok(None)
    }

    /// Goes on to the next page.
    fn turn(&mut self, from: Place, to: Option<Place>) {
        match to {
            Some(to) if to.part != from.part => {
                self.text.push(b']');
                open(&mut self.text, to.part);
                self.has_entries = false;
            }
            Some(_) => {}
            None => self.text.extend_from_slice(b"],\"is_whole\":true}\n"),
        }
        self.place = to;
    }

    async fn page<W: World>(&self, app: &App<W>, place: Place) -> Result<Exported, Error> {
        let mut tries = PAGES.begin();
        loop {
            let command = Command::Export(self.visitor.who(), place);
            match self.visitor.ask(app, self.thread, command).await {
                Ok(Answer::Exported(page)) => return Ok(*page),
                Ok(other) => return Err(refusal("thread", other, None)),
                Err(error @ Error::Unavailable(_)) => {
                    if !tries.again(&app.world).await {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn open(text: &mut Vec<u8>, part: Part) {
    text.extend_from_slice(format!(",\"{}\":[", part.name()).as_bytes());
}

fn write(text: &mut Vec<u8>, value: &impl Serialize) {
    // Views have no keys but texts, so this does not fail.
    text.extend(serde_json::to_vec(value).unwrap_or_default());
}
