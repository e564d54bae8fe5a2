//! Where a file of agents comes from: the request's body, or a URL that it names.

use serde_json::Value;

use crate::domain::outbound::{self, CheckedUrl};
use crate::domain::plan::Feature;
use crate::ports::{
    Body, Destination, Method, ReadError, SendError, Upstream, UpstreamReply, UpstreamRequest, World,
};
use crate::service::App;
use crate::service::account::require;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;
use crate::wire::file::foreign::System;
use crate::wire::file::{self, Entry, Unreadable};

/// How long a file may take to come.
const TIMEOUT_MS: u64 = 10_000;
/// The most bytes of a file: as of a body.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A body, by what it says it is.
#[derive(Clone, Debug)]
pub enum Source {
    /// The agents, or `{"url": …}`.
    Json(String),
    /// YAML, or Markdown with front matter.
    Yaml(String),
}

/// The agents of a file, and what the file is called, where it has a name.
///
/// # Errors
/// [`Failure::Unreadable`], [`Failure::Invalid`] on field `url`, [`Failure::PlanLacks`] when the account may not name a URL.
pub async fn read<W: World>(
    app: &App<W>,
    session: &Session,
    source: &Source,
    system: Option<&'static System>,
) -> Result<(Vec<Entry>, Option<String>), Failure> {
    let in_body = |error: Unreadable| Failure::Unreadable(error.to_string());
    let text = match source {
        Source::Yaml(text) => return Ok((file::read(text, system).map_err(in_body)?, None)),
        Source::Json(text) => text,
    };
    let mut value = file::json(text).map_err(in_body)?;
    let is_link = value.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key("url"));
    if !is_link {
        return Ok((file::entries(vec![value], system).map_err(in_body)?, None));
    }
    require(app, session, Feature::ImportUrl).await?;
    let Value::String(url) = value["url"].take() else {
        return Err(Failure::invalid("url", "must be a string"));
    };
    let url = outbound::check(&url, app.world.settings().loopback())
        .map_err(|refusal| Failure::invalid("url", &refusal.to_string()))?;
    let name = stem(&url);
    let text = fetch(app, url).await.map_err(|why| Failure::invalid("url", &why))?;
    let entries = file::read(&text, system).map_err(|error| Failure::invalid("url", &error.to_string()))?;
    Ok((entries, name))
}

/// Why it cannot be read is reported without the platform's own words.
async fn fetch<W: World>(app: &App<W>, url: CheckedUrl) -> Result<String, String> {
    let late = || format!("did not come within {} seconds", TIMEOUT_MS / 1_000);
    let accept = "application/yaml, application/json, text/plain;q=0.5, */*;q=0.1";
    let request = UpstreamRequest {
        method: Method::Get,
        destination: Destination::Url(url),
        headers: vec![("accept".into(), accept.to_owned())],
        body: None,
        timeout_ms: TIMEOUT_MS,
        limit: MAX_BYTES,
        is_stream: false,
    };
    let UpstreamReply { status, body, .. } =
        app.world.upstream().send(request).await.map_err(|error| match error {
            SendError::Timeout => late(),
            SendError::NotConnected(_) | SendError::Lost(_) => "cannot be reached".to_owned(),
        })?;
    match status {
        200 => {}
        300..400 => {
            return Err(format!("answers {status}: redirects are not followed; give the file's own URL"));
        }
        _ => return Err(format!("answers {status}")),
    }
    let bytes = body.all().await.map_err(|error| match error {
        ReadError::Timeout => late(),
        ReadError::Broken(_) | ReadError::Unwanted => "broke off".to_owned(),
        ReadError::TooLarge(limit) => format!("has more than {limit} bytes (4 MiB)"),
    })?;
    String::from_utf8(bytes.into()).map_err(|_| "is not UTF-8".to_owned())
}

/// The last part of the path, without its ending: by that name folders of agents know them.
fn stem(url: &CheckedUrl) -> Option<String> {
    let last = url.path().rsplit('/').next()?;
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    (!stem.is_empty() && !stem.contains('%')).then(|| stem.to_owned())
}
