//! What admins ask of messages to webhooks.

use serde_json::json;

use super::body;
use crate::domain::declared::webhooks::FACTS;
use crate::domain::dispatch::command::{Answer, Command};
use crate::domain::dispatch::notice::{NoticeView, Notices, Place, State, TEST, Trial};
use crate::domain::field_error::FieldErrors;
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::ports::{Declarations, Directory, Dispatch, Unavailable, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::declared::webhooks::{Webhooks, rotate as rotated};
use crate::service::declared::{Context, Shown, deliver_now, shown};
use crate::service::failure::{Failure, Thing};
use crate::service::page::{Page, Request};

/// How long the secret before the newest signs besides, when nothing is said: a day.
const KEEP_S: u32 = 24 * 60 * 60;
/// The longest: a month.
const MAX_KEEP_S: u32 = 30 * 24 * 60 * 60;

/// A page of the messages to a webhook, newest first.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: &Session,
    webhook: &str,
    status: Option<&str>,
    page: &Request,
) -> Result<Page<NoticeView>, Failure> {
    let mut errors = FieldErrors::default();
    let state = status.and_then(State::parse);
    if status.is_some() && state.is_none() {
        errors.add("status", format!("write one of {}", State::ALL.map(State::name).join(", ")));
    }
    let cut = errors.take_all(page.parse(place).map_err(|failure| match failure {
        Failure::Invalid(faults) => faults,
        _ => Vec::new(),
    }));
    let cut = errors.finish_with(cut)?;
    is_there(app, session, webhook).await?;
    let limit = cut.limit();
    let list = Notices { webhook: webhook.to_owned(), status: state, after: cut.after, limit };
    match app.world.dispatch().ask(session.account.id, Command::Notices(list)).await? {
        Answer::Notices(rows, has_more) => {
            let next_cursor = rows.last().filter(|_| has_more).map(cursor);
            Ok(Page { rows, next_cursor })
        }
        other => Err(unexpected(&other)),
    }
}

fn cursor(last: &NoticeView) -> String {
    format!("{}.{}", last.created_at.0, last.id)
}

fn place(text: &str) -> Option<Place> {
    let (at, id) = text.split_once('.')?;
    let at = at.parse().ok().filter(|at| (0..1 << 53).contains(at))?;
    let is_id = id.len() <= 40 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_id.then(|| Place { at: Millis(at), id: id.to_owned() })
}

/// Sends a message again, from the first attempt on.
///
/// # Errors
/// [`Failure`].
pub async fn resend<W: World>(
    app: &App<W>,
    session: &Session,
    webhook: &str,
    id: &str,
) -> Result<NoticeView, Failure> {
    is_there(app, session, webhook).await?;
    deliver_now(app, session.account.id).await?;
    let command = Command::Resend(webhook.to_owned(), id.to_owned());
    notice(app, session, command).await
}

/// Sends a message to see whether it arrives.
///
/// # Errors
/// [`Failure`].
pub async fn try_out<W: World>(
    app: &App<W>,
    session: &Session,
    webhook: &str,
) -> Result<NoticeView, Failure> {
    is_there(app, session, webhook).await?;
    deliver_now(app, session.account.id).await?;
    let random: [u8; 16] = app.world.random();
    let id = random.iter().fold("msg_".to_owned(), |id, byte| format!("{id}{byte:02x}"));
    let body = body::written(TEST, app.world.now(), &json!({ "webhook": webhook }));
    notice(app, session, Command::Try(Trial { webhook: webhook.to_owned(), id, body })).await
}

async fn notice<W: World>(app: &App<W>, session: &Session, command: Command) -> Result<NoticeView, Failure> {
    match app.world.dispatch().ask(session.account.id, command).await? {
        Answer::Notice(view) => Ok(*view),
        Answer::NoSuchNotice => Err(Failure::Missing(Thing::Delivery)),
        Answer::NotEnabled => Err(Failure::NotEnabled(Thing::Declared(&FACTS))),
        other => Err(unexpected(&other)),
    }
}

/// Gives a webhook a new secret, which is shown this once where it is made here. The one before it signs besides for `keep_s`
/// seconds.
///
/// # Errors
/// [`Failure`].
pub async fn rotate<W: World>(
    app: &App<W>,
    session: &Session,
    webhook: &str,
    secret: Option<&Secret>,
    keep_s: Option<u32>,
) -> Result<Shown, Failure> {
    let keep_s = keep_s.unwrap_or(KEEP_S);
    if keep_s > MAX_KEEP_S {
        return Err(Failure::invalid("keep_s", &format!("must be from 0 to {MAX_KEEP_S}")));
    }
    let cx = Context::new(app, Some(session));
    let row = rotated(&cx, webhook, secret, i64::from(keep_s) * 1_000).await?;
    Ok(shown::<Webhooks>(&row))
}

async fn is_there<W: World>(app: &App<W>, session: &Session, webhook: &str) -> Result<(), Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let found = tenant.declaration(&FACTS, webhook).await?;
    found.map(drop).ok_or(Failure::Missing(Thing::Declared(&FACTS)))
}

fn unexpected(answer: &Answer) -> Failure {
    Unavailable(format!("a dispatch object answered {answer:?} to a question about webhooks")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_nothing_else_is_one() {
        for (text, is_one) in
            [("12.msg_0a", true), ("12.", true), ("12", false), ("-1.a", false), ("1.a'", false)]
        {
            assert_eq!(place(text).is_some(), is_one, "{text}");
        }
        assert!(place(&format!("1.{}", "a".repeat(41))).is_none());
    }
}
