//! Kinds that have nothing of their own: their things are JSON objects, named by slugs, in the table that all share.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::change::Change;
use crate::domain::declared::{Declared, Facts};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{Declaration, Declarations as _, Unavailable, World, WriteError};
use crate::service::failure::Failure;
use crate::service::page::{Cut, Page};

use super::kind::{Context, Kind, Query, Write};

/// The most bytes of one thing's JSON.
const MAX_BODY: usize = 256 * 1024;

/// The kind of a type.
#[derive(Debug)]
pub struct Plain<D>(PhantomData<fn() -> D>);

/// A thing with its name.
#[derive(Clone, Debug)]
pub struct Row<D> {
    name: Slug,
    thing: D,
    created_at: Millis,
    updated_at: Millis,
}

/// A thing as it is written.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Body<D>(D);

impl<D: ToSchema> PartialSchema for Body<D> {
    fn schema() -> RefOr<Schema> {
        D::schema()
    }
}

impl<D: ToSchema> ToSchema for Body<D> {
    fn name() -> Cow<'static, str> {
        format!("New{}", D::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        D::schemas(schemas);
    }
}

/// A thing as it is shown.
#[derive(Debug, Serialize)]
pub struct View<D> {
    name: String,
    #[serde(flatten)]
    thing: D,
    created_at: Millis,
    updated_at: Millis,
}

impl<D: ToSchema> PartialSchema for View<D> {
    /// The thing's fields, with those that every thing has.
    fn schema() -> RefOr<Schema> {
        let mut schema = D::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
            let moment = || text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
            for (name, of) in [("name", text()), ("created_at", moment()), ("updated_at", moment())] {
                object.properties.insert(name.to_owned(), of.build().into());
                object.required.push(name.to_owned());
            }
        }
        schema
    }
}

impl<D: ToSchema> ToSchema for View<D> {
    fn name() -> Cow<'static, str> {
        D::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        D::schemas(schemas);
    }
}

impl<D: Declared> Plain<D> {
    const FACTS: &'static Facts = &D::FACTS;
}

impl<D: Declared> Kind for Plain<D> {
    type Name = Slug;
    type Row = Row<D>;
    type Body = Body<D>;
    type Draft = D;
    type View = View<D>;

    fn facts() -> &'static Facts {
        Self::FACTS
    }

    fn name(text: &str) -> Option<Slug> {
        Slug::parse(text).ok()
    }

    fn check(name: &str, Body(body): Body<D>) -> Result<(Slug, D), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", Slug::parse(name));
        body.check(&mut errors);
        let bytes = json!(body).to_string().len();
        if bytes > MAX_BODY {
            errors.add("(body)", format!("has {bytes} bytes of JSON, at most {MAX_BODY} are taken"));
        }
        Ok((errors.finish_with(name)?, body))
    }

    fn view(row: &Row<D>) -> View<D> {
        View {
            name: row.name.to_string(),
            thing: row.thing.clone(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn body(row: &Row<D>) -> Value {
        json!(row.thing)
    }

    fn is_same(read: &Row<D>, row: &Row<D>) -> bool {
        read.thing == row.thing
    }

    fn name_of(row: &Row<D>) -> String {
        row.name.to_string()
    }

    fn updated_at(row: &Row<D>) -> Millis {
        row.updated_at
    }

    async fn find<W: World>(cx: &Context<'_, W>, name: &Slug) -> Result<Option<Row<D>>, Failure> {
        let found = cx.tenant()?.declaration(Self::FACTS, name.as_str()).await?;
        Ok(found.map(read).transpose()?)
    }

    async fn list<W: World>(cx: &Context<'_, W>, query: &Query) -> Result<Page<Row<D>>, Failure> {
        let cut: Cut<Slug> = query.page.parse(|cursor| Slug::parse(cursor).ok())?;
        let after = cut.after.as_ref().map_or("", Slug::as_str);
        let found = cx.tenant()?.declarations(Self::FACTS, cut.fetch(), after).await?;
        let rows = found.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(cut.page(rows, Self::name_of))
    }

    async fn make<W: World>(
        _: &Context<'_, W>,
        name: &Slug,
        draft: &D,
        read: Option<&Row<D>>,
        at: Millis,
    ) -> Result<Row<D>, Failure> {
        let created_at = read.map_or(at, |read| read.created_at);
        Ok(Row { name: name.clone(), thing: draft.clone(), created_at, updated_at: at })
    }

    async fn room<W: World>(cx: &Context<'_, W>) -> Result<Option<(u32, u32)>, Failure> {
        Ok(cx.tenant()?.room(Self::FACTS).await?)
    }

    async fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Row<D>>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let tenant = cx.tenant_to_write()?;
        match write {
            Write::Put { row, read } => {
                let declaration = Declaration {
                    name: row.name.to_string(),
                    body: Self::body(row).to_string(),
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                };
                let read = read.map(|read| read.updated_at);
                tenant.put_declaration(Self::FACTS, &declaration, read, change).await
            }
            Write::Delete { read } => {
                tenant.delete_declaration(Self::FACTS, read.name.as_str(), read.updated_at, change).await
            }
        }
    }
}

/// A stored thing. One that its type cannot read is the platform's fault: a type may learn fields, and unlearn none.
fn read<D: Declared>(row: Declaration) -> Result<Row<D>, Unavailable> {
    let kind = D::FACTS.singular;
    let fault = |why: String| Unavailable(format!("{kind} {}: {why}", row.name));
    let name = Slug::parse(&row.name).map_err(|error| fault(error.to_string()))?;
    let thing = serde_json::from_str(&row.body).map_err(|error| fault(error.to_string()))?;
    Ok(Row { name, thing, created_at: row.created_at, updated_at: row.updated_at })
}
