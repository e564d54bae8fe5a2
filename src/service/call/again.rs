//! Answers that are given again: looked up before a call is admitted, kept after it was answered.
//!
//! Only of agents whose definition says so ([`crate::domain::agent::Caching`]). What is found is given only to a call that is
//! admitted, under the rows that it was looked up by; so nobody is answered who may not call now. A failure of the store is a
//! miss.

use std::pin::pin;

use futures_util::future::{Either, select};
use sha2::{Digest, Sha256};

use super::resolve::Resolved;
use super::select::Selection;
use super::{Asked, Cache, Sent};
use crate::domain::agent::Caching;
use crate::domain::kept::{self, Kept};
use crate::domain::message::{ChatReply, Event, Gather};
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;
use crate::ports::{Replies, Unavailable, World};
use crate::service::App;

/// The largest body of a request whose answer is kept.
const MAX_BODY: usize = 256 * 1024;
/// What is gathered of a stream at most. Pieces count with what they take beside their text, so this is more than is kept.
const MAX_GATHERED: usize = 4 * kept::MAX_BYTES;
/// How long the store is waited for: it answers within milliseconds, and a model within seconds.
const MAX_LOOK_UP_MS: u64 = 500;

/// What was found for a request.
pub enum Found {
    Kept(Kept),
    /// Nothing: the model is asked. `None`: its answer is not kept, either.
    Nothing(Option<Place>),
}

impl Found {
    pub const fn is(&self) -> Cache {
        match self {
            Self::Kept(_) => Cache::Hit,
            Self::Nothing(_) => Cache::Miss,
        }
    }

    /// Where the model's answer is kept.
    pub fn place(self) -> Option<Place> {
        match self {
            Self::Kept(_) => None,
            Self::Nothing(place) => place,
        }
    }
}

/// Where an answer is kept.
pub struct Place {
    key: String,
    ttl_s: u32,
    /// Of how many choices.
    choices: u64,
}

/// Looks for an answer to the same request; `None` for an agent that keeps none.
pub async fn look_up<W: World>(
    app: &App<W>,
    resolved: &Resolved,
    selection: &Selection,
    instructions: &str,
    asked: &Asked,
) -> Option<Found> {
    let Caching { ttl_s } = resolved.bundle.agent.definition.cache?;
    let Some(sent) = asked.sent.as_ref().filter(|sent| sent.body.len() <= MAX_BODY) else {
        return Some(Found::Nothing(None));
    };
    let deployment = app.world.settings().master_key.as_ref().map_or("", Secret::expose);
    let key = key(deployment, resolved, selection, instructions, sent);
    let found = get(app, &key).await.unwrap_or_else(|error| {
        app.world.log(&format!("a kept answer cannot be read: {error}"));
        None
    });
    let kept = found.and_then(|bytes| kept::read(&bytes, app.world.now()));
    let choices = u64::from(asked.request.sampling.n.unwrap_or(1).max(1));
    Some(kept.map_or(Found::Nothing(Some(Place { key, ttl_s, choices })), Found::Kept))
}

async fn get<W: World>(app: &App<W>, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
    let late = app.world.sleep(MAX_LOOK_UP_MS);
    match select(pin!(app.world.replies().get(key)), pin!(late)).await {
        Either::Left((found, _)) => found,
        Either::Right(_) => Err(Unavailable(format!("nothing came within {MAX_LOOK_UP_MS} ms"))),
    }
}

/// Names a request, as lower-case hex: the same deployment, account, agent and version, with the same instructions and the same
/// body in the same protocol, for the same models at the same servers, which take the same. Nothing of it can be read back.
fn key(
    deployment: &str,
    resolved: &Resolved,
    selection: &Selection,
    instructions: &str,
    sent: &Sent,
) -> String {
    let agent = &resolved.bundle.agent;
    let mut hash = Sha256::new();
    // Each with its length, so that no two lists run together to the same bytes.
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(b"retinue reply 2");
    add(deployment.as_bytes());
    add(resolved.account.to_string().as_bytes());
    add(agent.id.to_string().as_bytes());
    add(&agent.version.to_be_bytes());
    add(sent.protocol.as_bytes());
    add(&sent.body);
    add(instructions.as_bytes());
    for candidate in &selection.candidates {
        add(candidate.label.as_bytes());
        add(format!("{:?} {:?}", candidate.params, candidate.dialect).as_bytes());
        let server = candidate.server.as_ref().ok().and_then(|server| server.base_url.as_ref());
        add(server.map_or("", |url| url.as_str()).as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Place {
    /// Keeps the answer of this model after the reply, if it is worth it.
    pub fn keep<W: World>(self, app: &App<W>, reply: &ChatReply, model: &str, warnings: &[Warning]) {
        let Self { key, ttl_s, choices } = self;
        let until: Millis = app.world.now().plus(i64::from(ttl_s) * 1_000);
        let written =
            kept::is_worth(reply, choices).then(|| kept::write(reply, model, warnings, until)).flatten();
        let Some(content) = written else { return };
        let world = app.world.clone();
        app.world.spawn(async move {
            if let Err(error) = world.replies().put(&key, content, ttl_s).await {
                world.log(&format!("an answer cannot be kept: {error}"));
            }
        });
    }

    /// Gathers the answer while it is streamed.
    pub fn gather(self, warnings: &[Warning]) -> Box<Gathering> {
        let (warnings, reply) = (warnings.to_vec(), Gather::default());
        Box::new(Gathering { place: self, warnings, reply, finished: 0 })
    }
}

/// An answer that will be kept once it has come to its end.
pub struct Gathering {
    place: Place,
    warnings: Vec<Warning>,
    reply: Gather,
    /// How many choices have said why they ended.
    finished: usize,
}

impl Gathering {
    /// Takes what the client is shown; whether it may still be kept.
    pub fn push(&mut self, events: &[Event]) -> bool {
        self.finished += events.iter().filter(|event| matches!(event, Event::Finish { .. })).count();
        let is_taken = events.iter().all(|event| self.reply.push(event.clone()).is_ok());
        is_taken && self.reply.bytes() <= MAX_GATHERED
    }

    /// The stream came to its end; choices that did not are not kept.
    pub fn keep<W: World>(self, app: &App<W>, model: &str) {
        let reply = self.reply.finish();
        if reply.choices.len() == self.finished {
            self.place.keep(app, &reply, model, &self.warnings);
        }
    }
}
