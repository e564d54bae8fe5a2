//! A tool that is a request to a server which the agent names: arguments out, text back.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::domain::agent::{Inline, Method};
use crate::domain::outbound::{self, CheckedUrl};
use crate::domain::run::tool::Effect;
use crate::ports::{self, Body, Destination, ReadError, SendError, Upstream, UpstreamRequest, World};
use crate::service::App;
use crate::service::call::via::{self, Via};

/// The most bytes of an answer.
const MAX_ANSWER: usize = 256 * 1024;
/// The most bytes of an answer that is no success: of it only the beginning is quoted.
const MAX_REFUSAL: usize = 8 * 1024;
/// The most characters of it that are quoted.
const MAX_QUOTED: usize = 2_000;

/// Why a call has no result.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// Words for the model.
    Failed(String),
    /// It must not happen twice, and whether it happened is not known.
    Unknown(String),
}

/// Calls the tool. `key` names the call, the same in each attempt; `via` is what the run has passed.
///
/// # Errors
/// [`Error`].
pub async fn call<W: World>(
    app: &App<W>,
    tool: &Inline,
    (key, via): (String, &Via),
    arguments: &str,
) -> Result<String, Error> {
    let request = request(app, tool, (key, via), arguments).map_err(Error::Failed)?;
    let is_unsafe = tool.effect() == Effect::Unsafe;
    let lost = |words: String| if is_unsafe { Error::Unknown(words) } else { Error::Failed(words) };
    let late = || lost(format!("The tool did not answer within {} seconds.", tool.timeout_ms() / 1_000));
    let broken = || lost("The connection to the tool's server was lost.".to_owned());
    let reply = app.world.upstream().send(request).await.map_err(|error| match error {
        SendError::NotConnected(_) => Error::Failed("The tool's server cannot be reached.".to_owned()),
        SendError::Lost(_) => broken(),
        SendError::Timeout => late(),
    })?;
    let status = reply.status;
    let is_success = matches!(status, 200..300);
    let most = if is_success { MAX_ANSWER } else { MAX_REFUSAL };
    let (bytes, is_cut) = match read(reply.body, most).await {
        Ok(read) => read,
        Err(_) if !is_success => (Vec::new(), false),
        Err(ReadError::Timeout) => return Err(late()),
        Err(ReadError::Broken(_) | ReadError::TooLarge(_)) => return Err(broken()),
    };
    let text = String::from_utf8_lossy(&bytes);
    match (is_success, is_cut) {
        (true, false) if text.is_empty() => Ok(format!("The tool answered {status} without a body.")),
        (true, false) => Ok(text.into_owned()),
        (true, true) => Err(Error::Failed(format!(
            "The tool answered {status} with more than {MAX_ANSWER} bytes, which is too much."
        ))),
        (false, _) => {
            let hint = if matches!(status, 300..400) { " (redirects are not followed)" } else { "" };
            let quoted: String = text.chars().take(MAX_QUOTED).collect();
            Err(Error::Failed(format!("The tool answered {status}{hint}: {quoted}")))
        }
    }
}

fn request<W: World>(
    app: &App<W>,
    tool: &Inline,
    (key, via): (String, &Via),
    arguments: &str,
) -> Result<UpstreamRequest, String> {
    let url = tool.url.as_deref().unwrap_or_default();
    let url = outbound::check(url, app.world.settings().loopback())
        .map_err(|refusal| format!("The tool's URL is refused: {refusal}."))?;
    let (url, body) = match tool.method() {
        Method::Get | Method::Delete => (with_arguments(&url, arguments)?, None),
        Method::Post | Method::Put | Method::Patch => {
            (url, Some(Bytes::copy_from_slice(arguments.as_bytes())))
        }
    };
    let mut headers: Vec<(Cow<'static, str>, String)> =
        vec![("accept".into(), "application/json, text/*;q=0.9, */*;q=0.1".to_owned())];
    if body.is_some() {
        headers.push(("content-type".into(), "application/json".to_owned()));
    }
    headers.push(("idempotency-key".into(), key));
    headers.push((via::HEADER.into(), via.as_str().to_owned()));
    for (name, value) in
        tool.headers.iter().flatten().filter(|(name, _)| !name.eq_ignore_ascii_case(via::HEADER))
    {
        headers.push((name.to_ascii_lowercase().into(), value.clone()));
    }
    Ok(UpstreamRequest {
        method: match tool.method() {
            Method::Get => ports::Method::Get,
            Method::Post => ports::Method::Post,
            Method::Put => ports::Method::Put,
            Method::Patch => ports::Method::Patch,
            Method::Delete => ports::Method::Delete,
        },
        destination: Destination::Url(url),
        headers,
        body,
        timeout_ms: tool.timeout_ms(),
        limit: MAX_ANSWER,
        is_stream: true,
    })
}

/// The URL with the arguments in its query: texts as they are, lists entry by entry, other values as JSON, null left out.
fn with_arguments(url: &CheckedUrl, arguments: &str) -> Result<CheckedUrl, String> {
    let arguments: Map<String, Value> = serde_json::from_str(arguments).map_err(|error| error.to_string())?;
    let mut pairs = Vec::new();
    for (name, value) in &arguments {
        match value {
            Value::Null => {}
            Value::Array(entries) => pairs.extend(entries.iter().map(|entry| (name.as_str(), plain(entry)))),
            value => pairs.push((name.as_str(), plain(value))),
        }
    }
    url.with_query(&pairs).map_err(|_| "The arguments are too long for a URL.".to_owned())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// What is read of a body, and whether there is more than that.
async fn read(mut body: impl Body, most: usize) -> Result<(Vec<u8>, bool), ReadError> {
    let mut all = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        all.extend_from_slice(&chunk);
        if all.len() > most {
            all.truncate(most);
            return Ok((all, true));
        }
    }
    Ok((all, false))
}
