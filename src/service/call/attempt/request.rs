//! What is sent to a provider: where to, and with which headers.

use super::MAX_REPLY_BYTES;
use crate::ports::{Destination, Method, UpstreamRequest};
use crate::service::call::bundle::Candidate;
use crate::service::call::error::Error;
use crate::service::call::reach::{Server, Unreachable};
use crate::service::call::via::{self, Via};
use crate::wire::provider;

/// What is sent to the candidate's provider.
///
/// # Errors
/// [`Error::Unreachable`], where its address is none that may be asked.
pub fn request(
    candidate: &Candidate,
    server: &Server,
    outgoing: &provider::Outgoing,
    via: &Via,
    timeout_ms: u64,
    is_stream: bool,
) -> Result<UpstreamRequest, Error> {
    let destination = destination(candidate, server, &outgoing.path)?;
    let mut headers = vec![("content-type".into(), "application/json".to_owned())];
    headers.extend(outgoing.headers.iter().map(|(name, value)| ((*name).into(), value.clone())));
    headers.push((via::HEADER.into(), via.as_str().to_owned()));
    if let Some(key) = &server.key {
        let (name, prefix) = provider::key_header(server.wire);
        headers.push((name.into(), format!("{prefix}{}", key.expose())));
    }
    Ok(UpstreamRequest {
        method: Method::Post,
        destination,
        headers,
        body: Some(outgoing.body.clone()),
        timeout_ms,
        limit: MAX_REPLY_BYTES,
        is_stream,
    })
}

fn destination(candidate: &Candidate, server: &Server, path: &str) -> Result<Destination, Error> {
    let Some(base) = &server.base_url else { return Ok(Destination::WorkersAi(candidate.code.clone())) };
    base.append(path).map(Destination::Url).map_err(|why| {
        let name = candidate.provider.clone();
        Error::Unreachable(Unreachable::Refused { name, why })
    })
}
