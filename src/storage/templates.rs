//! Templates' rows: the platform's, one copy for every account, and an account's own over them.

use serde::Deserialize;

use crate::domain::change::Change;
use crate::domain::slug::Slug;
use crate::domain::template::{Source, Template};
use crate::domain::time::Millis;

use super::changes;
use super::directory::{Directory, Tenant};
use super::sql::{self, Answer, Engine, Failure, Query, Statement, Value, queries};

queries! {
    /// [`list`].
    TEMPLATES = "SELECT * FROM (
            SELECT slug, name, description, definition, is_deprecated, updated_at, 1 AS own
            FROM templates WHERE account_id = ?1 AND slug > ?3
            UNION ALL SELECT p.slug, p.name, p.description, p.definition, p.is_deprecated, p.updated_at, 0 AS own
            FROM platform_templates AS p WHERE p.slug > ?3
                AND NOT EXISTS (SELECT 1 FROM templates AS o WHERE o.account_id = ?1 AND o.slug = p.slug))
        ORDER BY slug LIMIT ?2";
    /// [`find`].
    TEMPLATE = "SELECT slug, name, description, definition, is_deprecated, updated_at, 1 AS own
        FROM templates WHERE account_id = ?1 AND slug = ?2
        UNION ALL SELECT slug, name, description, definition, is_deprecated, updated_at, 0 AS own
        FROM platform_templates WHERE slug = ?2 ORDER BY own DESC LIMIT 1";
    /// [`put`].
    PUT_TEMPLATE = "INSERT INTO templates
            (account_id, slug, name, description, definition, is_deprecated, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
        ON CONFLICT (account_id, slug) DO UPDATE SET name = excluded.name, description = excluded.description,
            definition = excluded.definition, is_deprecated = excluded.is_deprecated,
            updated_at = max(excluded.updated_at, created_at)";
    /// [`delete`].
    DELETE_TEMPLATE = "DELETE FROM templates WHERE account_id = ?1 AND slug = ?2 RETURNING slug";
    /// [`list_platform`].
    PLATFORM_TEMPLATES = "SELECT slug, name, description, definition, is_deprecated, updated_at, 0 AS own
        FROM platform_templates WHERE slug > ?2 ORDER BY slug LIMIT ?1";
    /// [`find_platform`].
    PLATFORM_TEMPLATE = "SELECT slug, name, description, definition, is_deprecated, updated_at, 0 AS own
        FROM platform_templates WHERE slug = ?1";
    /// [`put_platform`].
    PUT_PLATFORM_TEMPLATE = "INSERT OR REPLACE INTO platform_templates
        (slug, name, description, definition, is_deprecated, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    /// [`delete_platform`].
    DELETE_PLATFORM_TEMPLATE = "DELETE FROM platform_templates WHERE slug = ?1 RETURNING slug";
}

#[derive(Deserialize)]
struct Row {
    slug: Slug,
    name: String,
    description: Option<String>,
    definition: String,
    is_deprecated: u8,
    updated_at: i64,
    own: u8,
}

impl Row {
    fn into_template(self) -> Result<(Template, Source), Failure> {
        let source = if self.own == 1 { Source::Account } else { Source::Platform };
        let template = Template {
            slug: self.slug,
            name: self.name,
            description: self.description,
            definition: sql::json("templates.definition", &self.definition)?,
            is_deprecated: self.is_deprecated == 1,
            updated_at: Millis(self.updated_at),
        };
        Ok((template, source))
    }
}

/// All columns but the account's.
fn values(template: &Template) -> [Value; 6] {
    [
        template.slug.as_str().into(),
        template.name.as_str().into(),
        template.description.clone().into(),
        serde_json::Value::Object(template.definition.clone()).to_string().into(),
        u32::from(template.is_deprecated).into(),
        template.updated_at.0.into(),
    ]
}

pub(super) async fn list<E: Engine>(
    tenant: &Tenant<E>,
    limit: u32,
    after: &str,
) -> Result<Vec<(Template, Source)>, Failure> {
    let rows: Vec<Row> = tenant.rows(&TEMPLATES, [limit.into(), after.into()]).await?;
    rows.into_iter().map(Row::into_template).collect()
}

pub(super) async fn find<E: Engine>(
    tenant: &Tenant<E>,
    slug: &Slug,
) -> Result<Option<(Template, Source)>, Failure> {
    let rows: Vec<Row> = tenant.rows(&TEMPLATE, [slug.as_str().into()]).await?;
    rows.into_iter().next().map(Row::into_template).transpose()
}

pub(super) async fn put<E: Engine>(
    tenant: &Tenant<E>,
    template: &Template,
    change: &Change,
) -> Result<(), Failure> {
    let mut batch = vec![tenant.statement(&PUT_TEMPLATE, values(template))];
    batch.extend(changes::log(tenant, std::slice::from_ref(change)));
    tenant.batch(batch).await?;
    Ok(())
}

pub(super) async fn delete<E: Engine>(
    tenant: &Tenant<E>,
    slug: &Slug,
    change: &Change,
) -> Result<bool, Failure> {
    let delete = tenant.statement(&DELETE_TEMPLATE, [slug.as_str().into()]);
    let answers = tenant.batch(vec![delete, changes::log_if_written(tenant, change)]).await?;
    touched(&answers)
}

pub(super) async fn list_platform<E: Engine>(
    directory: &Directory<E>,
    limit: u32,
    after: &str,
) -> Result<Vec<Template>, Failure> {
    let answers = ask(directory, &PLATFORM_TEMPLATES, [limit.into(), after.into()]).await?;
    rows(&answers)
}

pub(super) async fn find_platform<E: Engine>(
    directory: &Directory<E>,
    slug: &Slug,
) -> Result<Option<Template>, Failure> {
    let answers = ask(directory, &PLATFORM_TEMPLATE, [slug.as_str().into()]).await?;
    Ok(rows(&answers)?.into_iter().next())
}

pub(super) async fn put_platform<E: Engine>(
    directory: &Directory<E>,
    template: &Template,
) -> Result<(), Failure> {
    ask(directory, &PUT_PLATFORM_TEMPLATE, values(template)).await?;
    Ok(())
}

pub(super) async fn delete_platform<E: Engine>(
    directory: &Directory<E>,
    slug: &Slug,
) -> Result<bool, Failure> {
    touched(&ask(directory, &DELETE_PLATFORM_TEMPLATE, [slug.as_str().into()]).await?)
}

async fn ask<E: Engine, const N: usize>(
    directory: &Directory<E>,
    query: &'static Query,
    values: [Value; N],
) -> Result<Vec<E::Answer>, Failure> {
    directory.batch(vec![Statement { query, values: values.into() }]).await
}

fn rows(answers: &[impl Answer]) -> Result<Vec<Template>, Failure> {
    let rows: Vec<Row> = answers.first().map_or_else(|| Ok(Vec::new()), Answer::rows)?;
    rows.into_iter().map(|row| row.into_template().map(|(template, _)| template)).collect()
}

/// Whether the first statement, with `RETURNING`, touched a row.
fn touched(answers: &[impl Answer]) -> Result<bool, Failure> {
    let rows: Vec<serde::de::IgnoredAny> = answers.first().map_or_else(|| Ok(Vec::new()), Answer::rows)?;
    Ok(!rows.is_empty())
}
