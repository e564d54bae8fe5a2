//! Aliases: names that stand for a model line in the account's agents.

use serde_json::{Value, json};

use crate::domain::alias::{Alias, only_models};
use crate::domain::change::Change;
use crate::domain::declared::{Facts, aliases};
use crate::domain::field_error::FieldError;
use crate::domain::model::Capabilities;
use crate::domain::model_line::{Entry, ModelLine};
use crate::domain::time::Millis;
use crate::ports::{self, World, WriteError};
use crate::service::agents;
use crate::service::failure::Failure;
use crate::service::page::Page;

use super::kind::{Context, Kind, Query, Write};
use super::lines::lines_naming;
use super::models::{capabilities, known, pair};

/// The kind.
#[derive(Debug)]
pub struct Aliases;

impl Kind for Aliases {
    type Name = String;
    type Row = Alias;
    type Body = aliases::Body;
    /// The line.
    type Draft = String;
    type View = aliases::View;

    fn facts() -> &'static Facts {
        &aliases::FACTS
    }

    fn name(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn check(name: &str, body: aliases::Body) -> Result<(String, String), Vec<FieldError>> {
        Alias::check(name, &body.model)?;
        Ok((name.to_owned(), body.model))
    }

    fn view(row: &Alias) -> aliases::View {
        row.into()
    }

    fn body(row: &Alias) -> Value {
        json!({"model": row.line})
    }

    fn name_of(row: &Alias) -> String {
        row.name.clone()
    }

    fn updated_at(row: &Alias) -> Millis {
        row.updated_at
    }

    async fn find<W: World>(cx: &Context<'_, W>, name: &String) -> Result<Option<Alias>, Failure> {
        Ok(ports::Aliases::alias(&cx.tenant()?, name).await?)
    }

    /// Those with a model that has every capability; of one that nothing is known of see [`Capabilities::UNKNOWN`].
    async fn list<W: World>(cx: &Context<'_, W>, query: &Query) -> Result<Page<Alias>, Failure> {
        let needed = capabilities(query.filter(0))?;
        let tenant = cx.tenant()?;
        let all = ports::Aliases::aliases(&tenant).await?;
        if needed == Capabilities::default() {
            return query.page.of_whole(all, Self::name_of);
        }
        let lines: Vec<Vec<Entry>> = all.iter().map(|alias| alias.entries().unwrap_or_default()).collect();
        let known = known(&tenant, lines.iter().flatten()).await?;
        let is_able = |entry: &Entry| {
            let model = known.get(&pair(entry));
            let able = model.map_or(Capabilities::UNKNOWN, |model| model.capabilities);
            able.missing(needed).next().is_none()
        };
        let able = all.into_iter().zip(&lines).filter(|(_, line)| line.iter().any(is_able));
        query.page.of_whole(able.map(|(alias, _)| alias).collect(), Self::name_of)
    }

    async fn make<W: World>(
        cx: &Context<'_, W>,
        name: &String,
        line: &String,
        _: Option<&Alias>,
        at: Millis,
    ) -> Result<Alias, Failure> {
        let line = kept_line(cx, line).await?;
        Ok(Alias { name: name.clone(), line, updated_at: at })
    }

    async fn room<W: World>(cx: &Context<'_, W>) -> Result<Option<(u32, u32)>, Failure> {
        let all = ports::Aliases::aliases(&cx.tenant()?).await?;
        Ok(Some((Alias::MOST, u32::try_from(all.len()).unwrap_or(u32::MAX))))
    }

    async fn named_by<W: World>(cx: &Context<'_, W>, row: &Alias) -> Result<Vec<String>, Failure> {
        lines_naming(cx, &row.name, |line| line.names_alias(&row.name)).await
    }

    async fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Alias>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let tenant = cx.tenant_to_write()?;
        match write {
            Write::Put { row, read } => {
                let read = read.map(|read| read.updated_at);
                ports::Aliases::put_alias(&tenant, row, read, Alias::MOST, change).await
            }
            Write::Delete { read } => {
                ports::Aliases::delete_alias(&tenant, &read.name, read.updated_at, change).await
            }
        }
    }
}

/// The line that an alias is kept with, of one as people write it.
///
/// # Errors
/// [`Failure::Invalid`] on field `model`.
pub(super) async fn kept_line<W: World>(cx: &Context<'_, W>, line: &str) -> Result<String, Failure> {
    let Err(error) = only_models(line) else { return Ok(line.to_owned()) };
    let named = ModelLine::names_in([line]);
    let is_coming = cx.coming.iter().any(|alias| named.contains(&alias.name));
    if is_coming || !ports::Aliases::aliases_named(&cx.tenant()?, &named).await?.is_empty() {
        return Err(Failure::invalid("model", &error.to_string()));
    }
    agents::line_of(cx.app, cx.session()?.account.id, "model", line, &[]).await
}
