//! An account's aliases: names that stand for a model line in its agents.

use serde_json::{Value, json};

use crate::domain::alias::Alias;
use crate::domain::change::{Action, Subject};
use crate::domain::model::Capabilities;
use crate::domain::model_line::Entry;
use crate::ports::{Aliases, Directory, World};

use super::App;
use super::authenticate::Session;
use super::change;
use super::failure::{Failure, Thing};
use super::models;
use super::retry::{retry, written_at};

/// Inserts or replaces; what changes nothing is not written.
///
/// # Errors
/// [`Failure`].
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    name: &str,
    line: String,
) -> Result<Alias, Failure> {
    Alias::check(name, &line)?;
    retry(app, || put_once(app, session, name, &line)).await
}

async fn put_once<W: World>(
    app: &App<W>,
    session: &Session,
    name: &str,
    line: &str,
) -> Result<Alias, Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let read = tenant.alias(name).await?;
    if let Some(same) = read.as_ref().filter(|read| read.line == line) {
        return Ok(same.clone());
    }
    let read = read.as_ref();
    let read_at = read.map(|read| read.updated_at);
    let updated_at = written_at(app.world.now(), read_at);
    let alias = Alias { name: name.to_owned(), line: line.to_owned(), updated_at };
    let (before, after) = (read.map(logged), Some(logged(&alias)));
    let change = app.change(session.actor(), change::put(read), Subject::Alias, name, before, after);
    let write = tenant.put_alias(&alias, read_at, Alias::MOST, &change);
    let written = app.write_through(account, write).await;
    written.map_err(|error| Failure::of_write(error, Thing::Alias))?;
    Ok(alias)
}

/// A state of an alias for the change log.
fn logged(alias: &Alias) -> Value {
    json!({"model": alias.line})
}

/// Those with a model that has every one of these capabilities; of one that nothing is known of see
/// [`Capabilities::UNKNOWN`].
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: &Session,
    needed: Vec<String>,
) -> Result<Vec<Alias>, Failure> {
    let needed = models::capabilities(needed)?;
    let tenant = app.world.directory().tenant(session.account.id);
    let all = tenant.aliases().await?;
    if needed == Capabilities::default() {
        return Ok(all);
    }
    let lines: Vec<Vec<Entry>> = all.iter().map(|alias| alias.entries().unwrap_or_default()).collect();
    let known = models::known(&tenant, lines.iter().flatten()).await?;
    let is_able = |entry: &Entry| {
        let model = known.get(&models::pair(entry));
        let able = model.map_or(Capabilities::UNKNOWN, |model| model.capabilities);
        able.missing(needed).next().is_none()
    };
    let able = all.into_iter().zip(&lines).filter(|(_, line)| line.iter().any(is_able));
    Ok(able.map(|(alias, _)| alias).collect())
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, session: &Session, name: &str) -> Result<Alias, Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    tenant.alias(name).await?.ok_or(Failure::Missing(Thing::Alias))
}

/// Agents whose model line names it fail from then on, saying so.
///
/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(app: &App<W>, session: &Session, name: &str) -> Result<(), Failure> {
    retry(app, || delete_once(app, session, name)).await
}

async fn delete_once<W: World>(app: &App<W>, session: &Session, name: &str) -> Result<(), Failure> {
    let read = get(app, session, name).await?;
    let change = app.change(session.actor(), Action::Delete, Subject::Alias, name, Some(logged(&read)), None);
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let deleted = app.write_through(account, tenant.delete_alias(name, read.updated_at, &change)).await;
    deleted.map_err(|error| Failure::of_write(error, Thing::Alias))
}
