//! Providers' rows. The key in them is sealed: this file could not open it.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::domain::change::Change;
use crate::domain::provider::{Provider, ProviderName, SealedKey, Wire};
use crate::domain::time::Millis;
use crate::domain::vault::Sealed;
use crate::ports::{Providers, Unavailable, WriteError};

use super::changes;
use super::directory::Tenant;
use super::sql::{Answer, Engine, Failure, Query, queries};

queries! {
    /// [`Providers::providers`], and [`super::resolve`].
    PROVIDERS = "SELECT * FROM providers WHERE account_id = ?1 ORDER BY name";
    /// [`Providers::providers_named`]: ?2 is a JSON array of names. CROSS JOIN keeps them outermost, so each
    /// costs one look-up.
    PROVIDERS_NAMED = "SELECT p.* FROM json_each(?2) AS wanted
        CROSS JOIN providers AS p ON p.account_id = ?1 AND p.name = wanted.value";
    /// [`Providers::provider`].
    PROVIDER = "SELECT * FROM providers WHERE account_id = ?1 AND name = ?2";
    /// [`Providers::put_provider`]: all but `created_at`. A clock that went back must not break the row's own
    /// constraint.
    PUT_PROVIDER = "INSERT INTO providers
            (account_id, name, wire, base_url, key_nonce, key_ciphertext, key_last4, dialect, created_at, updated_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, max(?9, ?10)
        WHERE (SELECT updated_at FROM providers WHERE account_id = ?1 AND name = ?2) IS ?11
        ON CONFLICT (account_id, name) DO UPDATE SET
            wire = excluded.wire, base_url = excluded.base_url, key_nonce = excluded.key_nonce,
            key_ciphertext = excluded.key_ciphertext, key_last4 = excluded.key_last4, dialect = excluded.dialect,
            updated_at = max(excluded.updated_at, created_at)
        RETURNING name";
    /// [`Providers::put_provider`]: fails when there are more than ?2.
    GUARD_PROVIDERS_LIMIT = "SELECT json_extract('{}', 'full ' || ?2)
        WHERE ?2 < (SELECT providers FROM account_counts WHERE account_id = ?1)";
    /// [`Providers::delete_provider`].
    DELETE_PROVIDER = "DELETE FROM providers WHERE account_id = ?1 AND name = ?2 AND updated_at = ?3 RETURNING name";
}

/// For [`super::resolve`]'s batch.
pub(super) const ALL: &Query = &PROVIDERS;

#[derive(Deserialize)]
struct Row {
    name: ProviderName,
    wire: Wire,
    base_url: Option<String>,
    key_nonce: Option<String>,
    key_ciphertext: Option<String>,
    key_last4: Option<String>,
    /// The schema of the release before has no such column.
    #[serde(default)]
    dialect: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for Provider {
    fn from(row: Row) -> Self {
        let sealed = row.key_nonce.zip(row.key_ciphertext);
        let key = sealed
            .zip(row.key_last4)
            .map(|((nonce, ciphertext), last4)| SealedKey { sealed: Sealed { nonce, ciphertext }, last4 });
        Self {
            name: row.name,
            wire: row.wire,
            base_url: row.base_url,
            key,
            // Written by a newer release, it may say what this one does not know: then it is asked as it would be without.
            dialect: row.dialect.and_then(|json| serde_json::from_str(&json).ok()),
            created_at: Millis(row.created_at),
            updated_at: Millis(row.updated_at),
        }
    }
}

/// The rows of a statement on providers.
pub(super) fn all(answer: &impl Answer) -> Result<Vec<Provider>, Failure> {
    Ok(answer.rows::<Row>()?.into_iter().map(Provider::from).collect())
}

impl<E: Engine> Providers for Tenant<E> {
    async fn providers(&self) -> Result<Vec<Provider>, Unavailable> {
        let rows: Vec<Row> = self.rows(&PROVIDERS, []).await?;
        Ok(rows.into_iter().map(Provider::from).collect())
    }

    async fn providers_named(&self, names: &BTreeSet<String>) -> Result<Vec<Provider>, Unavailable> {
        let rows: Vec<Row> = self.rows_named(&PROVIDERS_NAMED, names).await?;
        Ok(rows.into_iter().map(Provider::from).collect())
    }

    async fn provider(&self, name: &str) -> Result<Option<Provider>, Unavailable> {
        let rows: Vec<Row> = self.rows(&PROVIDER, [name.into()]).await?;
        Ok(rows.into_iter().next().map(Provider::from))
    }

    async fn put_provider(
        &self,
        provider: &Provider,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> Result<(), WriteError> {
        let key = provider.key.as_ref();
        let dialect = provider.dialect.as_ref().and_then(|dialect| serde_json::to_string(dialect).ok());
        let values = [
            provider.name.as_str().into(),
            provider.wire.as_str().into(),
            provider.base_url.as_deref().into(),
            key.map(|key| key.sealed.nonce.as_str()).into(),
            key.map(|key| key.sealed.ciphertext.as_str()).into(),
            key.map(|key| key.last4.as_str()).into(),
            dialect.as_deref().into(),
            provider.created_at.0.into(),
            provider.updated_at.0.into(),
            read.map(|read| read.0).into(),
        ];
        let guard = read.is_none().then(|| self.statement(&GUARD_PROVIDERS_LIMIT, [most.into()]));
        Ok(changes::write_guarded(self, &PUT_PROVIDER, values, change, guard).await?)
    }

    async fn delete_provider(&self, name: &str, read: Millis, change: &Change) -> Result<(), WriteError> {
        Ok(changes::write_logged(self, &DELETE_PROVIDER, [name.into(), read.0.into()], change).await?)
    }
}
