//! Models' rows: the platform's catalogue, and over it the account's own.

use serde::Deserialize;

use crate::domain::change::Change;
use crate::domain::model::{Capabilities, Capability, Model};
use crate::domain::price::{LongContext, Price, Rates};
use crate::domain::time::Millis;
use crate::ports::{Models, Unavailable, WriteError};

use super::changes;
use super::directory::Tenant;
use super::sql::{self, Engine, Failure, Value, queries};

/// The columns that both tables have, the key of them read off `$key`.
macro_rules! columns {
    ($table:literal) => {
        columns!($table, $table)
    };
    ($table:literal, $key:literal) => {
        concat!(
            $key,
            ".provider, ",
            $key,
            ".code, ",
            $table,
            ".input_price, ",
            $table,
            ".output_price, ",
            $table,
            ".cached_input_price, ",
            $table,
            ".cache_write_price, ",
            $table,
            ".long_context_tokens, ",
            $table,
            ".long_input_price, ",
            $table,
            ".long_output_price, ",
            $table,
            ".long_cached_input_price, ",
            $table,
            ".long_cache_write_price, ",
            $table,
            ".context_tokens, ",
            $table,
            ".max_output_tokens, ",
            $table,
            ".capabilities"
        )
    };
}

/// Those, and what came with the migration 10.
macro_rules! all_columns {
    ($table:literal) => {
        all_columns!($table, $table)
    };
    ($table:literal, $key:literal) => {
        concat!(columns!($table, $key), ", ", $table, ".audio_input_price")
    };
}

/// Models by their pairs: `?2` is a JSON array of them. CROSS JOIN keeps the pairs outermost, so each costs a few look-ups.
macro_rules! models_of {
    ($columns:ident) => {
        concat!(
            "WITH wanted AS (SELECT json_extract(value, '$[0]') AS provider, json_extract(value, '$[1]') AS code
                FROM json_each(?2))
             SELECT ", $columns!("m"), ", m.updated_at FROM wanted AS w CROSS JOIN providers AS p
                ON p.account_id = ?1 AND p.name = w.provider AND p.wire <> 'workers-ai' CROSS JOIN models AS m
                ON m.account_id = ?1 AND m.provider = w.provider AND m.code = w.code
             UNION ALL SELECT ", $columns!("c"), ", CAST(NULL AS INTEGER) AS updated_at FROM wanted AS w CROSS JOIN catalogue AS c
                ON c.provider = w.provider AND c.code = w.code WHERE NOT EXISTS
                (SELECT 1 FROM providers AS p CROSS JOIN models AS o ON o.account_id = ?1 AND o.provider = c.provider
                    AND o.code = c.code WHERE p.account_id = ?1 AND p.name = c.provider AND p.wire <> 'workers-ai')"
        )
    };
}

queries! {
    /// [`Models::models`].
    MODELS = concat!(
        "SELECT * FROM (SELECT ", all_columns!("m"), ", m.updated_at FROM models AS m WHERE m.account_id = ?1
         UNION ALL SELECT ", all_columns!("c"), ", CAST(NULL AS INTEGER) AS updated_at FROM catalogue AS c WHERE NOT EXISTS
            (SELECT 1 FROM models AS o WHERE o.account_id = ?1 AND o.provider = c.provider AND o.code = c.code))
         WHERE (provider, code) > (?3, ?4) ORDER BY provider, code LIMIT ?2"
    );
    /// [`Models::models`] of those that can do ?5 and what else is in the JSON array ?6. Of the catalogue it
    /// reads the rows that lack it too: there are a few hundred, the same for every account.
    MODELS_ABLE = concat!(
        "SELECT * FROM (SELECT ", all_columns!("m", "w"), ", m.updated_at FROM model_capabilities AS w CROSS JOIN models AS m
            ON m.account_id = ?1 AND m.provider = w.provider AND m.code = w.code
            WHERE w.account_id = ?1 AND w.capability = ?5
         UNION ALL SELECT ", all_columns!("c"), ", CAST(NULL AS INTEGER) AS updated_at FROM catalogue AS c WHERE NOT EXISTS
            (SELECT 1 FROM models AS o WHERE o.account_id = ?1 AND o.provider = c.provider AND o.code = c.code))
         WHERE (provider, code) > (?3, ?4) AND NOT EXISTS (SELECT 1 FROM json_each(?6) AS wanted WHERE NOT EXISTS
            (SELECT 1 FROM json_each(capabilities) WHERE json_each.value = wanted.value))
         ORDER BY provider, code LIMIT ?2"
    );
    /// [`Models::models_of`].
    MODELS_OF = models_of!(all_columns);
    /// [`Models::models_of`], on the schema before the prices of sound: calls are served there, too.
    SILENT_MODELS_OF = models_of!(columns);
    /// [`Models::model`].
    MODEL = concat!(
        "SELECT ", all_columns!("m"), ", m.updated_at FROM models AS m
            WHERE m.account_id = ?1 AND m.provider = ?2 AND m.code = ?3
         UNION ALL SELECT ", all_columns!("c"), ", CAST(NULL AS INTEGER) AS updated_at FROM catalogue AS c
            WHERE c.provider = ?2 AND c.code = ?3 AND NOT EXISTS
            (SELECT 1 FROM models AS o WHERE o.account_id = ?1 AND o.provider = ?2 AND o.code = ?3)"
    );
    /// [`Models::catalogue_has`]. Nothing of the account is read.
    CATALOGUE_HAS = "SELECT ?1 AS account_id, code FROM catalogue WHERE provider = ?2 AND code = ?3";
    /// [`Models::put_model`].
    PUT_MODEL = "INSERT INTO models
        (account_id, provider, code, input_price, output_price, cached_input_price, cache_write_price,
         long_context_tokens, long_input_price, long_output_price, long_cached_input_price, long_cache_write_price,
         context_tokens, max_output_tokens, capabilities, updated_at, audio_input_price)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?18
        WHERE (SELECT updated_at FROM models WHERE account_id = ?1 AND provider = ?2 AND code = ?3) IS ?17
        ON CONFLICT (account_id, provider, code) DO UPDATE SET
            input_price = excluded.input_price, output_price = excluded.output_price,
            cached_input_price = excluded.cached_input_price, cache_write_price = excluded.cache_write_price,
            long_context_tokens = excluded.long_context_tokens, long_input_price = excluded.long_input_price,
            long_output_price = excluded.long_output_price,
            long_cached_input_price = excluded.long_cached_input_price,
            long_cache_write_price = excluded.long_cache_write_price, context_tokens = excluded.context_tokens,
            max_output_tokens = excluded.max_output_tokens, capabilities = excluded.capabilities,
            updated_at = excluded.updated_at, audio_input_price = excluded.audio_input_price
        RETURNING code";
    /// [`Models::delete_model`].
    DELETE_MODEL = "DELETE FROM models WHERE account_id = ?1 AND provider = ?2 AND code = ?3 AND updated_at = ?4
        RETURNING code";
}

#[derive(Deserialize)]
struct Listed {}

#[derive(Deserialize)]
struct Row {
    provider: String,
    code: String,
    input_price: u64,
    output_price: u64,
    cached_input_price: Option<u64>,
    cache_write_price: Option<u64>,
    long_context_tokens: Option<u64>,
    long_input_price: Option<u64>,
    long_output_price: Option<u64>,
    long_cached_input_price: Option<u64>,
    long_cache_write_price: Option<u64>,
    context_tokens: u64,
    max_output_tokens: u64,
    capabilities: String,
    #[serde(default)]
    audio_input_price: Option<u64>,
    /// NULL of the platform's.
    updated_at: Option<i64>,
}

impl Row {
    fn into_model(self) -> Result<(Model, Option<Millis>), Failure> {
        let base = Rates {
            input: self.input_price,
            output: self.output_price,
            cached_input: self.cached_input_price,
            cache_write: self.cache_write_price,
        };
        let long_context = match (self.long_context_tokens, self.long_input_price, self.long_output_price) {
            (Some(above_tokens), Some(input), Some(output)) => {
                let (cached_input, cache_write) = (self.long_cached_input_price, self.long_cache_write_price);
                Some(LongContext { above_tokens, rates: Rates { input, output, cached_input, cache_write } })
            }
            _ => None,
        };
        let (capabilities, is_retired) = capabilities(&self.capabilities)?;
        let model = Model {
            provider: self.provider,
            code: self.code,
            price: Price { base, audio_input: self.audio_input_price, long_context },
            context_tokens: self.context_tokens,
            max_output_tokens: self.max_output_tokens,
            capabilities,
            is_retired,
        };
        Ok((model, self.updated_at.map(Millis)))
    }
}

/// The word among the capabilities by which `scripts/seed` marks a model that no file has any longer: so every release reads the
/// row as before.
const RETIRED: &str = "retired";

/// With whether the model is retired. Words of a later catalogue than this code are passed over.
fn capabilities(text: &str) -> Result<(Capabilities, bool), Failure> {
    let names: Vec<String> = sql::json("models.capabilities", text)?;
    let known = Capability::ALL.into_iter().filter(|c| names.iter().any(|name| name == c.name()));
    Ok((known.fold(Capabilities::default(), Capabilities::with), names.iter().any(|name| name == RETIRED)))
}

impl<E: Engine> Models for Tenant<E> {
    async fn models(
        &self,
        limit: u32,
        after: Option<(&str, &str)>,
        needed: Capabilities,
    ) -> Result<Vec<(Model, Option<Millis>)>, Unavailable> {
        let (provider, code) = after.unwrap_or_default();
        let page: [Value; 3] = [limit.into(), provider.into(), code.into()];
        let rows: Vec<Row> = match needed.names().next() {
            None => self.rows(&MODELS, page).await?,
            Some(first) => {
                let all = serde_json::json!(needed).to_string();
                self.rows(&MODELS_ABLE, page.into_iter().chain([first.into(), all.into()])).await?
            }
        };
        Ok(rows.into_iter().map(Row::into_model).collect::<Result<_, Failure>>()?)
    }

    async fn models_of(&self, pairs: &[(String, String)]) -> Result<Vec<Model>, Unavailable> {
        let pairs = serde_json::json!(pairs).to_string();
        let rows: Vec<Row> = match self.rows(&MODELS_OF, [pairs.as_str().into()]).await {
            Err(Failure::Schema(_)) => self.rows(&SILENT_MODELS_OF, [pairs.into()]).await?,
            rows => rows?,
        };
        let model = |row: Row| row.into_model().map(|(model, _)| model);
        Ok(rows.into_iter().map(model).collect::<Result<_, Failure>>()?)
    }

    async fn catalogue_has(&self, provider: &str, code: &str) -> Result<bool, Unavailable> {
        let rows: Vec<Listed> = self.rows(&CATALOGUE_HAS, [provider.into(), code.into()]).await?;
        Ok(!rows.is_empty())
    }

    async fn model(
        &self,
        provider: &str,
        code: &str,
    ) -> Result<Option<(Model, Option<Millis>)>, Unavailable> {
        let rows: Vec<Row> = self.rows(&MODEL, [provider.into(), code.into()]).await?;
        Ok(rows.into_iter().next().map(Row::into_model).transpose()?)
    }

    async fn put_model(
        &self,
        model: &Model,
        updated_at: Millis,
        read: Option<Millis>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let (base, long) = (model.price.base, model.price.long_context);
        let names: Vec<&str> = model.capabilities.names().collect();
        let values = [
            model.provider.as_str().into(),
            model.code.as_str().into(),
            base.input.into(),
            base.output.into(),
            base.cached_input.into(),
            base.cache_write.into(),
            long.map(|long| long.above_tokens).into(),
            long.map(|long| long.rates.input).into(),
            long.map(|long| long.rates.output).into(),
            long.and_then(|long| long.rates.cached_input).into(),
            long.and_then(|long| long.rates.cache_write).into(),
            model.context_tokens.into(),
            model.max_output_tokens.into(),
            serde_json::json!(names).to_string().into(),
            updated_at.0.into(),
            read.map(|read| read.0).into(),
            model.price.audio_input.into(),
        ];
        Ok(changes::write_logged(self, &PUT_MODEL, values, change).await?)
    }

    async fn delete_model(
        &self,
        provider: &str,
        code: &str,
        read: Millis,
        change: &Change,
    ) -> Result<(), WriteError> {
        let values = [provider.into(), code.into(), read.0.into()];
        Ok(changes::write_logged(self, &DELETE_MODEL, values, change).await?)
    }
}
