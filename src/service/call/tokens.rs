//! How many tokens a request has: the provider's own count where it has one, else what the characters let expect.

use super::bundle::Candidate;
use super::error::Error;
use super::select::Selection;
use super::via::Via;
use super::{Asked, Resolved, attempt, instructions};
use crate::domain::message::{ChatRequest, Message};
use crate::ports::{Body, Upstream, World};
use crate::service::App;
use crate::wire::provider::{self, Target, counting};

/// A provider that is slower is not waited for.
const MAX_COUNT_MS: u64 = 5_000;

/// Of a request, with the agent's instructions and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub count: u64,
    /// Nobody has counted.
    pub is_estimated: bool,
}

/// Counts them as the first model that could answer does; nothing is billed.
///
/// # Errors
/// [`Error::Variables`], and those of [`Selection::new`].
pub async fn tokens<W: World>(app: &App<W>, resolved: &Resolved, asked: &Asked) -> Result<Tokens, Error> {
    let instructions = instructions::fill(resolved, asked, app.world.now())?;
    let selection = Selection::new(&resolved.bundle, asked, &instructions)?;
    let estimate = Tokens { count: selection.needs.input_estimate, is_estimated: true };
    // Nothing limits how often strangers ask.
    if resolved.is_of_stranger() {
        return Ok(estimate);
    }
    let mut request = asked.request.clone();
    request.messages.insert(0, Message::system(instructions));
    let counted = counted(app, selection.first(), request).await;
    Ok(counted.map_or(estimate, |count| Tokens { count, is_estimated: false }))
}

async fn counted<W: World>(app: &App<W>, candidate: &Candidate, mut request: ChatRequest) -> Option<u64> {
    let server = candidate.server.as_ref().ok()?;
    if !counting::is_there(server.wire) {
        return None;
    }
    candidate.params.fill(&mut request.sampling);
    let target = Target { dialect: &candidate.dialect, code: &candidate.code };
    let asked = provider::encode(target, &request, false).outgoing;
    let outgoing = counting::of(server.wire, &candidate.code, asked)?;
    let request =
        attempt::request(candidate, server, &outgoing, &Via::begun(app), MAX_COUNT_MS, false).ok()?;
    let reply = match app.world.upstream().send(request).await {
        Ok(reply) if reply.status == 200 => reply,
        Ok(reply) => {
            app.world.log(&format!("{}: counts no tokens: status {}", candidate.label, reply.status));
            return None;
        }
        Err(error) => {
            app.world.log(&format!("{}: counts no tokens: {error}", candidate.label));
            return None;
        }
    };
    counting::read(&reply.body.all().await.ok()?)
}
