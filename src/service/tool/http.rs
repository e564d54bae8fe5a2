//! A tool that is a request to a server which the agent names: arguments out, text back. Pieces of the secrets that went out
//! in its headers are taken out of what comes back.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::domain::agent::{Inline, Method, Secrets, headers};
use crate::domain::ids::AccountId;
use crate::domain::outbound::{self, CheckedUrl};
use crate::domain::redact;
use crate::domain::run::tool::Effect;
use crate::domain::secret::Secret;
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

/// What of an agent a call needs.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    pub account: AccountId,
    pub tool: &'a Inline,
    /// What the masks in its headers stand for.
    pub secrets: &'a Secrets,
    /// What the run has passed.
    pub via: &'a Via,
}

/// Calls the tool. `key` names the call, the same in each attempt.
///
/// # Errors
/// [`Error`].
pub async fn call<W: World>(app: &App<W>, of: Of<'_>, key: String, arguments: &str) -> Result<String, Error> {
    let mut sent = Vec::new();
    let request = request(app, of, key, arguments, &mut sent).map_err(Error::Failed)?;
    send(app, of.tool, request, &sent).await
}

async fn send<W: World>(
    app: &App<W>,
    tool: &Inline,
    request: UpstreamRequest,
    sent: &[Secret],
) -> Result<String, Error> {
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
        Err(ReadError::Broken(_) | ReadError::TooLarge(_) | ReadError::Unwanted) => return Err(broken()),
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = redact::without(&text, sent);
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
    of: Of<'_>,
    key: String,
    arguments: &str,
    sent: &mut Vec<Secret>,
) -> Result<UpstreamRequest, String> {
    let tool = of.tool;
    let url = tool.url.as_deref().unwrap_or_default();
    let url = outbound::check(url, app.world.settings().loopback())
        .map_err(|refusal| format!("The tool's URL is refused: {refusal}."))?;
    let own = own_headers(app, of, url.origin(), sent)?;
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
    headers.push((via::HEADER.into(), of.via.as_str().to_owned()));
    headers.extend(own.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case(via::HEADER)));
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

/// The tool's headers with what their masks stand for, which is also noted in `sent`.
fn own_headers<W: World>(
    app: &App<W>,
    of: Of<'_>,
    origin: &str,
    sent: &mut Vec<Secret>,
) -> Result<Vec<(Cow<'static, str>, String)>, String> {
    let mut all = Vec::new();
    for (name, value) in of.tool.headers.iter().flatten() {
        let name = name.to_ascii_lowercase();
        let value = match headers::is_masked(value) {
            false => value.clone(),
            true => {
                let secret = opened(app, of, (of.tool.name(), &name, origin))?;
                sent.extend(headers::secrets_in(&secret));
                secret.expose().to_owned()
            }
        };
        all.push((name.into(), value));
    }
    Ok(all)
}

fn opened<W: World>(app: &App<W>, of: Of<'_>, place: (&str, &str, &str)) -> Result<Secret, String> {
    let (tool, header, _) = place;
    let kept = of.secrets.find(tool, header);
    let opened = kept.map(|kept| kept.open(&app.world.settings().master()?, of.account, place)).transpose();
    let opened = opened.map_err(|error| {
        app.world.log(&format!("header {header} of tool {tool} of account {}: {error}", of.account));
        format!("The tool was not called: the stored value of its header `{header}` cannot be opened.")
    })?;
    opened.flatten().ok_or_else(|| {
        format!("The tool was not called: its header `{header}` has no value yet. Whoever configures the agent has to give it.")
    })
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
