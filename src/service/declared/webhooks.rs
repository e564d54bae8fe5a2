//! Webhooks: their rows are in the table that kinds share, with their secrets sealed.

use serde_json::{Value, json};

use crate::domain::change::Change;
use crate::domain::declared::{Facts, webhooks};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::outbound;
use crate::domain::secret::Secret;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::domain::vault::Place;
use crate::domain::webhook::{Event, Kept, MAX_SECRETS, Webhook, secret};
use crate::ports::{AgentList as _, Declaration, Declarations as _, Unavailable, World, WriteError};
use crate::service::failure::Failure;
use crate::service::page::{Cut, Page};

use super::kind::{Context, Kind, Query, Write};

/// The kind.
#[derive(Debug)]
pub struct Webhooks;

/// A webhook with its name.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: Slug,
    pub webhook: Webhook,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// A secret that was just made: it is shown this once.
    pub made: Option<Secret>,
}

impl Kind for Webhooks {
    type Name = Slug;
    type Row = Row;
    type Body = webhooks::Body;
    type Draft = webhooks::Body;
    type View = webhooks::View;

    fn facts() -> &'static Facts {
        &webhooks::FACTS
    }

    fn name(text: &str) -> Option<Slug> {
        Slug::parse(text).ok()
    }

    fn check(name: &str, body: webhooks::Body) -> Result<(Slug, webhooks::Body), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", Slug::parse(name));
        if body.events.as_ref().is_some_and(Vec::is_empty) {
            errors.add("events", "name at least one event, or leave it out for all of them");
        }
        if let Some(description) = &body.description {
            errors.length("description", description, 1, webhooks::MAX_DESCRIPTION);
        }
        // Null is what it is when it is left out: a webhook has always one.
        if let Some(Some(given)) = &body.secret {
            let _ = errors.take("secret", secret::parse(given));
        }
        Ok((errors.finish_with(name)?, body))
    }

    fn view(row: &Row) -> webhooks::View {
        webhooks::View::of(row.name.as_str(), &row.webhook, row.created_at, row.updated_at)
    }

    fn once(row: &Row) -> Option<(&'static str, Value)> {
        row.made.as_ref().map(|made| ("secret", made.expose().into()))
    }

    fn body(row: &Row) -> Value {
        let Webhook { url, events, runs, enabled, description, .. } = &row.webhook;
        json!({"url": url, "events": events, "runs": runs, "enabled": enabled, "description": description})
    }

    /// Of the secrets no more than may be shown.
    fn logged(row: &Row) -> Value {
        let mut logged = Self::body(row);
        let last4 = row.webhook.secrets.iter().map(|kept| format!("…{}", kept.last4));
        logged["secrets"] = last4.collect();
        if let Some(disabled) = &row.webhook.disabled {
            logged["disabled_reason"] = disabled.reason.as_str().into();
        }
        logged
    }

    /// Of two secrets that end alike it says that they are not the same.
    fn annotate(read: &Row, row: &Row) -> Option<(&'static str, Value)> {
        (read.webhook.secrets != row.webhook.secrets).then_some(("secrets_changed", Value::Bool(true)))
    }

    fn is_same(read: &Row, row: &Row) -> bool {
        read.webhook == row.webhook
    }

    fn name_of(row: &Row) -> String {
        row.name.to_string()
    }

    fn updated_at(row: &Row) -> Millis {
        row.updated_at
    }

    async fn find<W: World>(cx: &Context<'_, W>, name: &Slug) -> Result<Option<Row>, Failure> {
        let found = cx.tenant()?.declaration(&webhooks::FACTS, name.as_str()).await?;
        Ok(found.as_ref().map(|found| current(found, cx.app.world.now())).transpose()?)
    }

    async fn list<W: World>(cx: &Context<'_, W>, query: &Query) -> Result<Page<Row>, Failure> {
        let cut: Cut<Slug> = query.page.parse(|cursor| Slug::parse(cursor).ok())?;
        let after = cut.after.as_ref().map_or("", Slug::as_str);
        let found = cx.tenant()?.declarations(&webhooks::FACTS, cut.fetch(), after).await?;
        let now = cx.app.world.now();
        let rows = found.iter().map(|found| current(found, now)).collect::<Result<Vec<_>, _>>()?;
        Ok(cut.page(rows, Self::name_of))
    }

    async fn make<W: World>(
        cx: &Context<'_, W>,
        name: &Slug,
        draft: &webhooks::Body,
        read: Option<&Row>,
        at: Millis,
    ) -> Result<Row, Failure> {
        let mut errors = FieldErrors::default();
        let url = errors.take("url", outbound::check(&draft.url, cx.app.world.settings().loopback()));
        let url = errors.finish_with(url)?;
        let enabled = draft.enabled.unwrap_or(true);
        let (secrets, made) = secrets(cx, name, draft, read, at)?;
        let mut events = draft.events.clone().unwrap_or_else(|| Event::ALL.to_vec());
        events.sort_unstable();
        events.dedup();
        let webhook = Webhook {
            url: url.as_str().to_owned(),
            events,
            runs: draft.runs.unwrap_or_default(),
            enabled,
            description: draft.description.clone(),
            secrets,
            disabled: read.and_then(|read| read.webhook.disabled.clone()).filter(|_| !enabled),
        };
        let created_at = read.map_or(at, |read| read.created_at);
        Ok(Row { name: name.clone(), webhook, created_at, updated_at: at, made })
    }

    async fn room<W: World>(cx: &Context<'_, W>) -> Result<Option<(u32, u32)>, Failure> {
        Ok(cx.tenant()?.room(&webhooks::FACTS).await?)
    }

    async fn named_by<W: World>(cx: &Context<'_, W>, row: &Row) -> Result<Vec<String>, Failure> {
        Ok(cx.tenant()?.naming_webhook(row.name.as_str()).await?)
    }

    async fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Row>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let tenant = cx.tenant_to_write()?;
        match write {
            Write::Put { row, read } => {
                let read = read.map(|read| read.updated_at);
                tenant.put_declaration(&webhooks::FACTS, &declaration(row), read, change).await
            }
            Write::Delete { read } => {
                let (name, at) = (read.name.as_str(), read.updated_at);
                tenant.delete_declaration(&webhooks::FACTS, name, at, change).await
            }
        }
    }
}

/// A stored webhook. One that its type cannot read is the platform's fault.
pub(in crate::service) fn read(row: &Declaration) -> Result<Row, Unavailable> {
    let fault = |why: String| Unavailable(format!("webhook {}: {why}", row.name));
    let name = Slug::parse(&row.name).map_err(|error| fault(error.to_string()))?;
    let webhook = serde_json::from_str(&row.body).map_err(|error| fault(error.to_string()))?;
    Ok(Row { name, webhook, created_at: row.created_at, updated_at: row.updated_at, made: None })
}

/// The same without the secrets that sign no more.
fn current(row: &Declaration, now: Millis) -> Result<Row, Unavailable> {
    let mut row = read(row)?;
    row.webhook.secrets.retain(|kept| kept.expires_at.is_none_or(|at| now < at));
    Ok(row)
}

/// The same as it is stored.
pub(in crate::service) fn declaration(row: &Row) -> Declaration {
    Declaration {
        name: row.name.to_string(),
        body: json!(row.webhook).to_string(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// The secrets that a write leaves, and the one of them that was made by it.
fn secrets<W: World>(
    cx: &Context<'_, W>,
    name: &Slug,
    draft: &webhooks::Body,
    read: Option<&Row>,
    at: Millis,
) -> Result<(Vec<Kept>, Option<Secret>), Failure> {
    let given = draft.secret.as_ref().and_then(Option::as_ref).map(secret::parse).transpose();
    let given = given.map_err(|invalid| Failure::invalid("secret", &invalid.to_string()))?;
    let stored = read.map(|read| read.webhook.secrets.clone()).filter(|stored| !stored.is_empty());
    match (given, stored) {
        (None, Some(stored)) => Ok((stored, None)),
        (Some(given), Some(stored)) if opens_to(cx, name, &stored, &given)? => Ok((stored, None)),
        (Some(given), _) => Ok((vec![seal(cx, name, &given, at)?], None)),
        (None, None) => {
            let made = secret::made(cx.app.world.random());
            Ok((vec![seal(cx, name, &made, at)?], Some(made)))
        }
    }
}

/// Whether the only secret that is stored is this one.
fn opens_to<W: World>(
    cx: &Context<'_, W>,
    name: &Slug,
    stored: &[Kept],
    given: &Secret,
) -> Result<bool, Failure> {
    let [only] = stored else { return Ok(false) };
    let master = cx.app.world.settings().master().map_err(Failure::Vault)?;
    let opened = master.open(cx.session()?.account.id, Place::Webhook(name.as_str()), &only.sealed);
    Ok(opened.is_ok_and(|opened| opened.matches(given.expose())))
}

/// Seals a secret that is the newest from this moment on.
fn seal<W: World>(cx: &Context<'_, W>, name: &Slug, secret: &Secret, at: Millis) -> Result<Kept, Failure> {
    let world = &cx.app.world;
    let master = world.settings().master().map_err(Failure::Vault)?;
    let place = Place::Webhook(name.as_str());
    let sealed = master.seal(cx.session()?.account.id, place, world.random(), secret);
    let sealed = sealed.map_err(Failure::Vault)?;
    Ok(Kept { sealed, last4: secret.last4(), created_at: at, expires_at: None })
}

/// Gives a webhook a new secret. The one before it signs besides for so long; one before that signs no more.
///
/// # Errors
/// [`Failure`].
pub(in crate::service) async fn rotate<W: World>(
    cx: &Context<'_, W>,
    name: &str,
    given: Option<&Secret>,
    keep_ms: i64,
) -> Result<Row, Failure> {
    let name = Slug::parse(name).map_err(|_| super::missing::<Webhooks>()())?;
    let given = given.map(secret::parse).transpose();
    let given = given.map_err(|invalid| Failure::invalid("secret", &invalid.to_string()))?;
    let made = given.is_none().then(|| secret::made(cx.app.world.random()));
    let Some(newest) = given.as_ref().or(made.as_ref()) else { return Err(super::missing::<Webhooks>()()) };
    let kept = seal(cx, &name, newest, cx.app.world.now())?;
    let edit = |read: &Row, at: Millis| {
        let mut secrets = vec![Kept { created_at: at, ..kept.clone() }];
        let before = read.webhook.secrets.first().filter(|_| keep_ms > 0);
        secrets.extend(before.map(|before| Kept { expires_at: Some(at.plus(keep_ms)), ..before.clone() }));
        secrets.truncate(MAX_SECRETS);
        let webhook = Webhook { secrets, ..read.webhook.clone() };
        Ok(Row { webhook, updated_at: at, made: made.clone(), ..read.clone() })
    };
    super::edit::<Webhooks, W>(cx, &name, edit).await
}
