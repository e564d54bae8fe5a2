//! API keys' rows: found by the digest, never holding more of the secret.

use serde::Deserialize;

use crate::domain::account::{Account, Key, Role};
use crate::domain::api_key::KeyDigest;
use crate::domain::ids::{AccountId, AgentId, KeyId};
use crate::domain::time::Millis;

use super::accounts;
use super::directory::{Directory, Tenant};
use super::sql::{self, Answer, Engine, Failure, Query, Statement, queries};

queries! {
    /// [`find`]. All columns, here and below: calls are served on the schema before, too, see [`super::resolve`].
    KEY_BY_DIGEST = "SELECT * FROM keys WHERE digest = ?1";
    /// [`super::resolve`]: a key of another account is no key here.
    KEY_OF_ACCOUNT = "SELECT * FROM keys WHERE digest = ?2 AND account_id = ?1";
    /// [`list`]. Every UUID sorts below `g`.
    KEYS_NEWEST = "SELECT * FROM keys WHERE account_id = ?1 AND id < coalesce(?3, 'g') ORDER BY id DESC LIMIT ?2";
    /// [`insert`].
    INSERT_KEY = "INSERT INTO keys (account_id, id, name, role, agents, digest, hint, expires_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    /// [`revoke`]: the first revocation is the one that counts. A clock that went back must not break the row's
    /// own constraint.
    REVOKE_KEY = "UPDATE keys SET revoked_at = coalesce(revoked_at, max(?3, created_at))
        WHERE account_id = ?1 AND id = ?2 RETURNING id";
}

/// For [`super::resolve`]'s batch.
pub(super) const OF_ACCOUNT: &Query = &KEY_OF_ACCOUNT;

#[derive(Deserialize)]
struct Row {
    id: KeyId,
    account_id: AccountId,
    name: String,
    role: Role,
    agents: Option<String>,
    hint: String,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    /// Since the second migration.
    #[serde(default)]
    inactive_at: Option<i64>,
    created_at: i64,
}

impl Row {
    fn into_key(self) -> Result<Key, Failure> {
        let agents: Option<Vec<AgentId>> =
            self.agents.map(|agents| sql::json("keys.agents", &agents)).transpose()?;
        Ok(Key {
            id: self.id,
            account: self.account_id,
            name: self.name,
            role: self.role,
            agents,
            hint: self.hint,
            expires_at: self.expires_at.map(Millis),
            revoked_at: self.revoked_at.map(Millis),
            inactive_at: self.inactive_at.map(Millis),
            created_at: Millis(self.created_at),
        })
    }
}

/// The first row of a statement on keys.
pub(super) fn first(answer: &impl Answer) -> Result<Option<Key>, Failure> {
    answer.rows::<Row>()?.into_iter().next().map(Row::into_key).transpose()
}

pub(super) async fn find<E: Engine>(
    directory: &Directory<E>,
    digest: &KeyDigest,
) -> Result<Option<(Key, Account)>, Failure> {
    let of = |query| Statement { query, values: vec![digest.to_string().into()] };
    let answers = directory.batch(vec![of(&KEY_BY_DIGEST), of(accounts::OF_KEY)]).await?;
    Ok(first(&answers[0])?.zip(accounts::first(&answers[1])?))
}

pub(super) async fn list<E: Engine>(
    tenant: &Tenant<E>,
    limit: u32,
    before: Option<KeyId>,
) -> Result<Vec<Key>, Failure> {
    let before = before.map(|id| id.to_string());
    let rows: Vec<Row> = tenant.rows(&KEYS_NEWEST, [limit.into(), before.into()]).await?;
    rows.into_iter().map(Row::into_key).collect()
}

pub(super) async fn insert<E: Engine>(
    tenant: &Tenant<E>,
    key: &Key,
    digest: &KeyDigest,
) -> Result<(), Failure> {
    let agents = key.agents.as_ref().map(|agents| serde_json::json!(agents).to_string());
    let values = [
        key.id.to_string().into(),
        key.name.as_str().into(),
        key.role.name().into(),
        agents.into(),
        digest.to_string().into(),
        key.hint.as_str().into(),
        key.expires_at.map(|at| at.0).into(),
        key.created_at.0.into(),
    ];
    tenant.batch(vec![tenant.statement(&INSERT_KEY, values)]).await?;
    Ok(())
}

pub(super) async fn revoke<E: Engine>(tenant: &Tenant<E>, id: KeyId, now: Millis) -> Result<bool, Failure> {
    tenant.touches(&REVOKE_KEY, [id.to_string().into(), now.0.into()]).await
}
