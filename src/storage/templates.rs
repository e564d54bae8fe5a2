//! Templates' rows: the platform's, one copy for every account, and an account's own over them.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json, json};

use crate::domain::agent::{SECRETS, Secrets};
use crate::domain::change::Change;
use crate::domain::slug::Slug;
use crate::domain::template::{Source, Template};
use crate::domain::time::Millis;
use crate::ports::{PlatformTemplates, Templates, Unavailable, WriteError};

use super::changes;
use super::directory::{Directory, Tenant};
use super::sql::{self, Engine, Failure, Statement, Value, queries};

queries! {
    /// [`Templates::templates`].
    TEMPLATES = "SELECT * FROM (
            SELECT slug, name, description, definition, is_deprecated, updated_at, 1 AS own
            FROM templates WHERE account_id = ?1 AND slug > ?3
            UNION ALL SELECT p.slug, p.name, p.description, p.definition, p.is_deprecated, p.updated_at, 0 AS own
            FROM platform_templates AS p WHERE p.slug > ?3
                AND NOT EXISTS (SELECT 1 FROM templates AS o WHERE o.account_id = ?1 AND o.slug = p.slug))
        ORDER BY slug LIMIT ?2";
    /// [`Templates::template`].
    TEMPLATE = "SELECT slug, name, description, definition, is_deprecated, updated_at, 1 AS own
        FROM templates WHERE account_id = ?1 AND slug = ?2
        UNION ALL SELECT slug, name, description, definition, is_deprecated, updated_at, 0 AS own
        FROM platform_templates WHERE slug = ?2 ORDER BY own DESC LIMIT 1";
    /// [`Templates::put_template`].
    PUT_TEMPLATE = "INSERT INTO templates
            (account_id, slug, name, description, definition, is_deprecated, created_at, updated_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7
        WHERE (SELECT updated_at FROM templates WHERE account_id = ?1 AND slug = ?2) IS ?8
        ON CONFLICT (account_id, slug) DO UPDATE SET name = excluded.name, description = excluded.description,
            definition = excluded.definition, is_deprecated = excluded.is_deprecated,
            updated_at = max(excluded.updated_at, created_at)
        RETURNING slug";
    /// [`Templates::delete_template`].
    DELETE_TEMPLATE = "DELETE FROM templates WHERE account_id = ?1 AND slug = ?2 AND updated_at = ?3 RETURNING slug";
    /// [`PlatformTemplates::platform_templates`].
    PLATFORM_TEMPLATES = "SELECT slug, name, description, definition, is_deprecated, updated_at, 0 AS own
        FROM platform_templates WHERE slug > ?2 ORDER BY slug LIMIT ?1";
    /// [`PlatformTemplates::platform_template`].
    PLATFORM_TEMPLATE = "SELECT slug, name, description, definition, is_deprecated, updated_at, 0 AS own
        FROM platform_templates WHERE slug = ?1";
    /// [`PlatformTemplates::put_platform_template`].
    PUT_PLATFORM_TEMPLATE = "INSERT INTO platform_templates
            (slug, name, description, definition, is_deprecated, updated_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT updated_at FROM platform_templates WHERE slug = ?1) IS ?7
        ON CONFLICT (slug) DO UPDATE SET name = excluded.name, description = excluded.description,
            definition = excluded.definition, is_deprecated = excluded.is_deprecated, updated_at = excluded.updated_at
        RETURNING slug";
    /// [`PlatformTemplates::delete_platform_template`].
    DELETE_PLATFORM_TEMPLATE = "DELETE FROM platform_templates WHERE slug = ?1 AND updated_at = ?2 RETURNING slug";
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
        let mut definition: Map<String, Json> = sql::json("templates.definition", &self.definition)?;
        let secrets = definition.shift_remove(SECRETS).map(serde_json::from_value::<Secrets>).transpose();
        let secrets =
            secrets.map_err(|error| Failure::Unavailable(format!("templates.definition: {error}")))?;
        let template = Template {
            slug: self.slug,
            name: self.name,
            description: self.description,
            definition,
            secrets: secrets.unwrap_or_default(),
            is_deprecated: self.is_deprecated == 1,
            updated_at: Millis(self.updated_at),
        };
        Ok((template, source))
    }
}

/// All columns but the account's.
fn values(template: &Template) -> [Value; 6] {
    let mut definition = template.definition.clone();
    if !template.secrets.is_empty() {
        definition.insert(SECRETS.to_owned(), json!(template.secrets));
    }
    [
        template.slug.as_str().into(),
        template.name.as_str().into(),
        template.description.clone().into(),
        Json::Object(definition).to_string().into(),
        u32::from(template.is_deprecated).into(),
        template.updated_at.0.into(),
    ]
}

impl<E: Engine> PlatformTemplates for Directory<E> {
    async fn platform_templates(&self, limit: u32, after: &str) -> Result<Vec<Template>, Unavailable> {
        let rows: Vec<Row> = self.rows(&PLATFORM_TEMPLATES, [limit.into(), after.into()]).await?;
        let template = |row: Row| row.into_template().map(|(template, _)| template);
        Ok(rows.into_iter().map(template).collect::<Result<_, Failure>>()?)
    }

    async fn platform_template(&self, slug: &Slug) -> Result<Option<Template>, Unavailable> {
        let rows: Vec<Row> = self.rows(&PLATFORM_TEMPLATE, [slug.as_str().into()]).await?;
        let found = rows.into_iter().next().map(Row::into_template).transpose()?;
        Ok(found.map(|(template, _)| template))
    }

    async fn put_platform_template(
        &self,
        template: &Template,
        read: Option<Millis>,
    ) -> Result<(), WriteError> {
        let values = values(template).into_iter().chain([read.map(|read| read.0).into()]).collect();
        written(self, Statement { query: &PUT_PLATFORM_TEMPLATE, values }).await
    }

    async fn delete_platform_template(&self, slug: &Slug, read: Millis) -> Result<(), WriteError> {
        let values = vec![slug.as_str().into(), read.0.into()];
        written(self, Statement { query: &DELETE_PLATFORM_TEMPLATE, values }).await
    }
}

/// Runs a statement with `RETURNING` that touches a row unless that is no longer as it was read.
async fn written<E: Engine>(directory: &Directory<E>, statement: Statement) -> Result<(), WriteError> {
    let touched: Vec<IgnoredAny> = sql::rows_of(&directory.batch(vec![statement]).await?, 0)?;
    if touched.is_empty() { Err(WriteError::Moved) } else { Ok(()) }
}

impl<E: Engine> Templates for Tenant<E> {
    async fn templates(&self, limit: u32, after: &str) -> Result<Vec<(Template, Source)>, Unavailable> {
        let rows: Vec<Row> = self.rows(&TEMPLATES, [limit.into(), after.into()]).await?;
        Ok(rows.into_iter().map(Row::into_template).collect::<Result<_, Failure>>()?)
    }

    async fn template(&self, slug: &Slug) -> Result<Option<(Template, Source)>, Unavailable> {
        let rows: Vec<Row> = self.rows(&TEMPLATE, [slug.as_str().into()]).await?;
        Ok(rows.into_iter().next().map(Row::into_template).transpose()?)
    }

    async fn put_template(
        &self,
        template: &Template,
        read: Option<Millis>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let values = values(template).into_iter().chain([read.map(|read| read.0).into()]);
        Ok(changes::write_logged(self, &PUT_TEMPLATE, values, change).await?)
    }

    async fn delete_template(&self, slug: &Slug, read: Millis, change: &Change) -> Result<(), WriteError> {
        Ok(changes::write_logged(self, &DELETE_TEMPLATE, [slug.as_str().into(), read.0.into()], change)
            .await?)
    }
}
