//! The models an account can price its calls by: the platform's catalogue, and its own rows over it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::domain::change::Change;
use crate::domain::declared::{Facts, models};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::model::{Capabilities, Model};
use crate::domain::model_line::{Entry, ModelLine};
use crate::domain::provider::ProviderName;
use crate::domain::time::Millis;
use crate::ports::{self, Unavailable, World, WriteError};
use crate::service::failure::Failure;
use crate::service::page::Page;

use super::kind::{Context, Kind, Query, Write};
use super::lines::lines_naming;

/// The most pairs of provider and model that one statement is given.
const MAX_PAIRS: usize = 1_000;

/// The kind.
#[derive(Debug)]
pub struct Models;

/// A model's provider and code.
#[derive(Clone, Debug)]
pub struct Name(String, String);

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

impl Kind for Models {
    type Name = Name;
    /// When the account wrote it; `None` is the platform's.
    type Row = (Model, Option<Millis>);
    type Body = models::Body;
    type Draft = Model;
    type View = models::View;

    fn facts() -> &'static Facts {
        &models::FACTS
    }

    fn name(text: &str) -> Option<Name> {
        let (provider, code) = text.split_once('/')?;
        ProviderName::parse(provider).ok().map(|provider| Name(provider.to_string(), code.to_owned()))
    }

    fn check(name: &str, body: models::Body) -> Result<(Name, Model), Vec<FieldError>> {
        let (provider, code) = name.split_once('/').unwrap_or((name, ""));
        let model = body.check(provider, code)?;
        Ok((Name(model.provider.clone(), model.code.clone()), model))
    }

    fn view((model, own): &Self::Row) -> models::View {
        let source = if own.is_some() { models::Source::Account } else { models::Source::Platform };
        models::View::of(model, source)
    }

    fn body((model, _): &Self::Row) -> Value {
        json!(models::Body::from(model))
    }

    fn logged(row: &Self::Row) -> Value {
        let Value::Object(mut body) = Self::body(row) else { return Value::Null };
        given(&mut body);
        body.into()
    }

    fn is_same(read: &Self::Row, row: &Self::Row) -> bool {
        read.0 == row.0
    }

    fn is_own<W: World>(_: &Context<'_, W>, (_, own): &Self::Row) -> bool {
        own.is_some()
    }

    fn name_of((model, _): &Self::Row) -> String {
        format!("{}/{}", model.provider, model.code)
    }

    fn updated_at((_, own): &Self::Row) -> Millis {
        own.unwrap_or(Millis(0))
    }

    async fn find<W: World>(cx: &Context<'_, W>, name: &Name) -> Result<Option<Self::Row>, Failure> {
        Ok(ports::Models::model(&cx.tenant()?, &name.0, &name.1).await?)
    }

    async fn list<W: World>(cx: &Context<'_, W>, query: &Query) -> Result<Page<Self::Row>, Failure> {
        let needed = capabilities(query.filter(0))?;
        let cut = query.page.parse(|cursor| {
            cursor.split_once('/').map(|(provider, code)| (provider.to_owned(), code.to_owned()))
        })?;
        let after = cut.after.as_ref().map(|(provider, code)| (provider.as_str(), code.as_str()));
        let rows = ports::Models::models(&cx.tenant()?, cut.fetch(), after, needed).await?;
        Ok(cut.page(rows, Self::name_of))
    }

    async fn make<W: World>(
        _: &Context<'_, W>,
        _: &Name,
        draft: &Model,
        _: Option<&Self::Row>,
        at: Millis,
    ) -> Result<Self::Row, Failure> {
        Ok((draft.clone(), Some(at)))
    }

    async fn named_by<W: World>(cx: &Context<'_, W>, (model, _): &Self::Row) -> Result<Vec<String>, Failure> {
        // Where the platform has it, that row shows again.
        if ports::Models::catalogue_has(&cx.tenant()?, &model.provider, &model.code).await? {
            return Ok(Vec::new());
        }
        let names_it = |line: &ModelLine| line.names_model(&model.provider, &model.code);
        lines_naming(cx, &model.code, names_it).await
    }

    async fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Self::Row>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let tenant = cx.tenant_to_write()?;
        match write {
            Write::Put { row, read } => {
                let read_at = read.and_then(|(_, own)| *own);
                ports::Models::put_model(&tenant, &row.0, Self::updated_at(row), read_at, change).await
            }
            Write::Delete { read: (model, own) } => {
                let read_at = own.unwrap_or(Millis(0));
                ports::Models::delete_model(&tenant, &model.provider, &model.code, read_at, change).await
            }
        }
    }
}

/// Leaves out what is not given, such as the price of cached tokens where there is none.
fn given(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| !value.is_null());
    for value in fields.values_mut() {
        if let Value::Object(inner) = value {
            given(inner);
        }
    }
}

/// What a query names.
///
/// # Errors
/// [`Failure::Invalid`] when it is no capability.
pub(super) fn capabilities(names: Vec<String>) -> Result<Capabilities, Failure> {
    let mut errors = FieldErrors::default();
    let needed = errors.take("capability", Capabilities::try_from(names));
    Ok(errors.finish_with(needed)?)
}

/// What an account knows of models, by provider and code.
pub type Known = BTreeMap<(String, String), Model>;

/// Those of these that are known.
///
/// # Errors
/// [`Unavailable`].
pub async fn known(
    tenant: &impl ports::Models,
    entries: impl Iterator<Item = &Entry> + Send,
) -> Result<Known, Unavailable> {
    let pairs: BTreeSet<_> = entries.map(pair).collect();
    let pairs: Vec<_> = pairs.into_iter().collect();
    let mut known = Known::new();
    for pairs in pairs.chunks(MAX_PAIRS) {
        let found = tenant.models_of(pairs).await?;
        known.extend(found.into_iter().map(|model| ((model.provider.clone(), model.code.clone()), model)));
    }
    Ok(known)
}

/// By what an entry's model is known.
pub fn pair(entry: &Entry) -> (String, String) {
    (entry.provider.as_str().to_owned(), entry.code.clone())
}
