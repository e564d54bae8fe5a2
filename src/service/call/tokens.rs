//! How many tokens a request has: the provider's own count where it has one, else what the characters let expect.

use super::bundle::Candidate;
use super::error::Error;
use super::select::{self, Selection};
use super::via::Via;
use super::{Asked, Caller, Resolved, attempt, instructions};
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

/// Counts them as the model does that would be asked first; nothing is billed.
///
/// # Errors
/// [`Error::Variables`], and those of [`Selection::new`].
pub async fn tokens<W: World>(
    app: &App<W>,
    caller: &Caller,
    resolved: &Resolved,
    asked: &Asked,
) -> Result<Tokens, Error> {
    let instructions = instructions::fill(resolved, asked, app.world.now())?;
    let selection = Selection::new(&resolved.bundle, asked, &instructions)?;
    let estimate = Tokens { count: selection.needs.input_estimate, is_estimated: true };
    let first = selection.candidates.iter().find(|candidate| candidate.server.is_ok());
    // Nothing limits how often it is asked: what strangers cost, or the platform pays for, is not.
    let first = first.filter(|candidate| !resolved.is_of_stranger() && !select::is_given(candidate));
    let Some(first) = first else { return Ok(estimate) };
    let mut request = asked.request.clone();
    request.messages.insert(0, Message::system(instructions));
    let via = caller.via().cloned().unwrap_or_else(|| Via::begun(app));
    let counted = counted(app, first, &via, request).await;
    Ok(counted.map_or(estimate, |count| Tokens { count, is_estimated: false }))
}

async fn counted<W: World>(
    app: &App<W>,
    candidate: &Candidate,
    via: &Via,
    mut request: ChatRequest,
) -> Option<u64> {
    let server = candidate.server.as_ref().ok()?;
    if !counting::is_there(server.wire) {
        return None;
    }
    candidate.params.fill(&mut request.sampling);
    attempt::leave_effort(candidate, &mut request);
    let target = Target { dialect: &candidate.dialect, code: &candidate.code };
    let asked = provider::encode(target, &request, false).outgoing;
    let outgoing = counting::of(server.wire, &candidate.code, asked)?;
    let request = attempt::request(candidate, server, &outgoing, via, MAX_COUNT_MS, false).ok()?;
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
