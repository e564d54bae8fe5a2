//! One attempt to send a message, signed as Standard Webhooks has it.

use std::borrow::Cow;

use bytes::Bytes;

use super::body;
use crate::domain::dispatch::effect::{Outcome, Progress};
use crate::domain::dispatch::notice::Posting;
use crate::domain::outbound;
use crate::domain::thread::command::{Answer, Command, Who};
use crate::domain::time::Millis;
use crate::domain::vault::Place;
use crate::domain::webhook::secret::sign;
use crate::ports::{
    Destination, Dispatched, Method, SendError, ThreadOf, Threads, Upstream, UpstreamRequest, World,
};
use crate::service::App;
use crate::service::unexpected::name_of;

/// How long a receiver has to answer.
const TIMEOUT_MS: u64 = 15_000;

/// Sends a notice; `id` is the effect's.
pub async fn send<W: World>(app: &App<W>, object: &impl Dispatched, id: &str, notice: &str) -> Outcome {
    match attempt(app, object, id, notice).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

async fn attempt<W: World>(
    app: &App<W>,
    object: &impl Dispatched,
    id: &str,
    notice: &str,
) -> Result<Outcome, Outcome> {
    let posting = object.posting(notice).map_err(|_| unread())?.ok_or(Outcome::Done)?;
    let body = match &posting.body {
        Some(body) => body.clone(),
        None => first_body(app, object, id, &posting).await?,
    };
    let request = request(app, &posting, body)?;
    let reply = app.world.upstream().send(request).await.map_err(|error| {
        Outcome::Failed(match error {
            SendError::NotConnected(_) => "the receiver could not be reached".to_owned(),
            SendError::Lost(_) => "the connection to the receiver was lost".to_owned(),
            SendError::Timeout => {
                format!("the receiver did not answer within {} seconds", TIMEOUT_MS / 1_000)
            }
        })
    })?;
    let (status, retry_after_ms) = (reply.status, reply.retry_after_ms);
    // What it says does not matter: a body that comes slowly would hold a place of the account's. Dropped, it is cancelled.
    drop(reply.body);
    Ok(Outcome::Answered { status, retry_after_ms })
}

fn unread() -> Outcome {
    Outcome::Failed("the message could not be read".to_owned())
}

/// Makes what a message says, and keeps it: every attempt says the same.
async fn first_body<W: World>(
    app: &App<W>,
    object: &impl Dispatched,
    id: &str,
    posting: &Posting,
) -> Result<String, Outcome> {
    let run = posting.run.ok_or(Outcome::Gone)?;
    let thread = ThreadOf { account: posting.account, thread: run.thread };
    let body = match app.world.threads().ask(thread, Command::Run(Who::Account, run.number)).await {
        Ok(Answer::Run(view)) => body::of_run(posting, &view),
        Ok(Answer::NotFound) => return Err(Outcome::Gone),
        Ok(other) => {
            app.world.log(&format!("a thread's object answered {} for a webhook", name_of(&other)));
            return Err(Outcome::Failed("the run could not be read".to_owned()));
        }
        Err(error) => {
            app.world.log(&format!("a run could not be read for a webhook: {error}"));
            return Err(Outcome::Failed("the run could not be read".to_owned()));
        }
    };
    object.progress(id, Progress::Body(body)).map_err(|_| unread())?;
    // What was not written is not sent: another attempt might say otherwise.
    let kept = object.posting(&posting.id).map_err(|_| unread())?.ok_or(Outcome::Done)?;
    kept.body.ok_or_else(unread)
}

fn request<W: World>(app: &App<W>, posting: &Posting, body: String) -> Result<UpstreamRequest, Outcome> {
    let url = outbound::check(&posting.webhook.url, app.world.settings().loopback());
    let url = url.map_err(|refusal| Outcome::Failed(format!("the webhook's URL is refused: {refusal}")))?;
    let now = app.world.now();
    let timestamp = now.0.div_euclid(1_000);
    let signature = signatures(app, posting, now, timestamp, &body)?;
    let headers: Vec<(Cow<'static, str>, String)> = vec![
        ("content-type".into(), "application/json".to_owned()),
        ("user-agent".into(), "Retinue".to_owned()),
        ("webhook-id".into(), posting.id.clone()),
        ("webhook-timestamp".into(), timestamp.to_string()),
        ("webhook-signature".into(), signature),
    ];
    Ok(UpstreamRequest {
        method: Method::Post,
        destination: Destination::Url(url),
        headers,
        body: Some(Bytes::from(body)),
        timeout_ms: TIMEOUT_MS,
        limit: 0,
        is_stream: true,
    })
}

/// A signature under each secret that signs now, the newest first.
fn signatures<W: World>(
    app: &App<W>,
    posting: &Posting,
    now: Millis,
    timestamp: i64,
    body: &str,
) -> Result<String, Outcome> {
    let closed = |error: &dyn std::fmt::Display| {
        app.world.log(&format!("webhook {} of account {}: {error}", posting.name, posting.account));
        Outcome::Failed("the webhook's secret cannot be opened: rotate it".to_owned())
    };
    let master = app.world.settings().master().map_err(|error| closed(&error))?;
    let mut all = Vec::new();
    for kept in posting.webhook.signing(now) {
        let opened = master.open(posting.account, Place::Webhook(&posting.name), &kept.sealed);
        let secret = opened.map_err(|error| closed(&error))?;
        all.push(sign(&secret, &posting.id, timestamp, body).map_err(|error| closed(&error))?);
    }
    Ok(all.join(" "))
}
