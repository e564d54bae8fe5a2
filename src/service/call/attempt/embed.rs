//! One attempt to have texts made vectors.

use std::sync::Arc;

use super::{Failure, NoAnswer, broken, failure, refused, send_twice, undecodable};
use crate::domain::embedding::{Embed, Vector};
use crate::domain::time::Millis;
use crate::ports::{Body, World};
use crate::service::call::bundle::Candidate;
use crate::service::call::count::Count;
use crate::service::call::error::Error;
use crate::service::call::in_flight::{InFlight, Ran, Seen};
use crate::wire::provider::embeddings;

/// Asks the line's `candidate`: a vector for each input, and what was counted.
pub async fn embed<W: World>(
    flight: &InFlight<W>,
    line: &[Arc<Candidate>],
    candidate: &Candidate,
    asked: &Embed,
    deadline: Millis,
) -> Result<(Vec<Vector>, Seen), Failure> {
    let server =
        candidate.server.as_ref().map_err(|why| failure(Ran::No, true, Error::Unreachable(why.clone())))?;
    let outgoing = embeddings::encode(server.wire, &candidate.code, asked);
    let reply = send_twice(flight, candidate, server, &outgoing, false, deadline).await?;
    if reply.status != 200 {
        let refused = refused(line, reply).await;
        refused.log(&flight.app().world, candidate);
        return Err(refused.failure(candidate));
    }
    let failed = |why| match why {
        NoAnswer::Failed(failure) => failure,
        NoAnswer::Reported(error) => super::Refused::reported(line, *error).failure(candidate),
    };
    let bytes = reply.body.all().await.map_err(|error| failed(broken(candidate, &error)))?;
    let read = embeddings::decode(server.wire, &bytes, asked.inputs.len());
    let (vectors, usage) = read.map_err(|error| failed(undecodable(candidate, error, None)))?;
    // Nothing is generated that would be billed.
    let seen = Seen { count: usage.map_or(Count::None, Count::Final), bytes: 0, whole: true };
    Ok((vectors, seen))
}
