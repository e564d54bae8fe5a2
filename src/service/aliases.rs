//! An account's aliases: names that stand for a model line in its agents.

use crate::domain::field_error::FieldErrors;
use crate::domain::model_line::{Item, ModelLine, ParseError};
use crate::domain::slug::Slug;
use crate::ports::{Alias, Directory, Tenant, World};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};

/// The most aliases of an account: each call's resolution reads them all.
pub const MAX_ALIASES: usize = 100;

/// Inserts or replaces.
///
/// # Errors
/// [`Failure`].
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    name: &str,
    line: String,
) -> Result<Alias, Failure> {
    let mut errors = FieldErrors::default();
    errors.take("name", Slug::parse(name));
    errors.take("model", parse(&line));
    errors.finish()?;
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let all = tenant.aliases().await?;
    if all.len() >= MAX_ALIASES && !all.iter().any(|alias| alias.name == name) {
        return Err(Failure::Full(Thing::Alias, MAX_ALIASES));
    }
    let alias = Alias { name: name.to_owned(), line, updated_at: app.world.now() };
    app.write_through(account, tenant.put_alias(&alias)).await?;
    Ok(alias)
}

/// A line of models only: one alias may not lead to another.
fn parse(line: &str) -> Result<(), ParseError> {
    let parsed = ModelLine::parse(line)?;
    let inner = parsed.items.into_iter().find_map(|item| match item {
        Item::Alias { name, at } => Some(ParseError {
            at,
            message: format!("`{name}`: an alias stands for models only, as `provider:code`"),
        }),
        Item::Model(_) => None,
    });
    inner.map_or(Ok(()), Err)
}

/// # Errors
/// [`Failure`].
pub async fn list<W: World>(app: &App<W>, session: &Session) -> Result<Vec<Alias>, Failure> {
    Ok(app.world.directory().tenant(session.account.id).aliases().await?)
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, session: &Session, name: &str) -> Result<Alias, Failure> {
    let all = list(app, session).await?;
    all.into_iter().find(|alias| alias.name == name).ok_or(Failure::Missing(Thing::Alias))
}

/// Agents whose model line names it fail from then on, saying so.
///
/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(app: &App<W>, session: &Session, name: &str) -> Result<(), Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let deleted = app.write_through(account, tenant.delete_alias(name)).await?;
    if deleted { Ok(()) } else { Err(Failure::Missing(Thing::Alias)) }
}
