//! API keys' rows, found by the digest of the secret, which itself is not stored.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::account::{Account, Key, Role};
use crate::domain::api_key::KeyDigest;
use crate::domain::change::Change;
use crate::domain::ids::{AccountId, AgentId, KeyId, MemberId};
use crate::domain::scope::Scopes;
use crate::domain::time::Millis;
use crate::ports::{AllKeys, KeyRef, Keys, Unavailable, WriteError};

use super::directory::{Directory, Tenant};
use super::plans::limit_of_plan;
use super::sql::{self, Answer, Engine, Failure, Query, Statement, queries};
use super::{accounts, changes, holders};

queries! {
    /// [`AllKeys::key`] on the previous schema. All columns, here and below: calls are served on it, too, see
    /// [`super::resolve`].
    KEY_ALONE_BY_DIGEST = "SELECT * FROM keys WHERE digest = ?1";
    /// [`super::resolve`] by digest on the previous schema: only a key of this account.
    KEY_ALONE_OF_ACCOUNT = "SELECT * FROM keys WHERE digest = ?2 AND account_id = ?1";
    /// [`super::resolve`] by id on the previous schema.
    KEY_ALONE_OF_ACCOUNT_BY_ID = "SELECT * FROM keys WHERE account_id = ?1 AND id = ?2";
    /// [`Keys::keys`]. Every UUID sorts below `g`.
    KEYS_NEWEST = "SELECT * FROM keys WHERE account_id = ?1 AND id < coalesce(?3, 'g') ORDER BY id DESC LIMIT ?2";
    /// [`Keys::insert_key`].
    INSERT_KEY = "INSERT INTO keys
            (account_id, id, name, role, agents, digest, hint, expires_at, created_at, member_id, scopes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    /// [`Keys::insert_key`]: fails when the member that the key acts for does not exist, is inactive, or may
    /// not have such a key.
    GUARD_MEMBER_OF_KEY = "SELECT json_extract('{}', 'moved ' || ?2) WHERE NOT EXISTS (
            SELECT 1 FROM members WHERE account_id = ?1 AND id = ?2 AND inactive_at IS NULL
                AND (role = 'admin' OR ?3 <> 'admin'))";
    /// [`Keys::insert_key`]: fails when more are in force than the plan allows; of those that expire it reads
    /// at most one more than that.
    GUARD_KEYS_LIMIT = concat!("SELECT json_extract('{}', 'full ' || most) FROM (SELECT ", limit_of_plan!("keys"),
        " AS most) WHERE most < (SELECT lasting_keys FROM account_counts WHERE account_id = ?1) + (SELECT count(*) FROM (
            SELECT 1 FROM keys WHERE account_id = ?1 AND revoked_at IS NULL AND inactive_at IS NULL
                AND expires_at > ?2 LIMIT coalesce(", limit_of_plan!("keys"), " + 1, 0)))");
    /// [`Keys::revoke_key`]: the first revocation is the one that counts. A clock that went back must not
    /// break the row's own constraint.
    REVOKE_KEY = "UPDATE keys SET revoked_at = max(?3, created_at)
        WHERE account_id = ?1 AND id = ?2 AND revoked_at IS NULL";
    /// [`Keys::revoke_key`].
    KEY_EXISTS = "SELECT id FROM keys WHERE account_id = ?1 AND id = ?2";
}

/// For [`super::resolve`]'s batch.
pub(super) const fn of_account(key: &KeyRef) -> &'static Query {
    match key {
        KeyRef::Digest(_) => &KEY_ALONE_OF_ACCOUNT,
        KeyRef::Id(_) => &KEY_ALONE_OF_ACCOUNT_BY_ID,
    }
}

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
    // The previous schema has none of these.
    member_id: Option<MemberId>,
    inactive_at: Option<i64>,
    scopes: Option<String>,
    created_at: i64,
}

impl Row {
    fn into_key(self) -> Result<Key, Failure> {
        let agents: Option<Vec<AgentId>> =
            self.agents.map(|agents| sql::json("keys.agents", &agents)).transpose()?;
        let scopes: Option<Vec<String>> =
            self.scopes.map(|scopes| sql::json("keys.scopes", &scopes)).transpose()?;
        Ok(Key {
            id: self.id,
            account: self.account_id,
            name: self.name,
            role: self.role,
            member: self.member_id,
            agents,
            scopes: scopes.map(|words| Scopes::of_words(words.iter().map(String::as_str))),
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

fn read<A: Answer>(answers: &[A]) -> Result<Option<(Key, Account)>, Failure> {
    let holder = holders::first(&answers[0])?;
    let key = first(&answers[0])?.map(|key| holder.key(key));
    Ok(key.zip(accounts::first(&answers[1])?))
}

impl<E: Engine> AllKeys for Directory<E> {
    async fn key(&self, digest: &KeyDigest) -> Result<Option<(Key, Account)>, Unavailable> {
        let of = |query| Statement { query, values: vec![digest.to_string().into()] };
        match self.batch(vec![of(holders::BY_DIGEST), of(accounts::OF_KEY)]).await {
            Err(Failure::Schema(_)) => {}
            answers => return Ok(read(&answers?)?),
        }
        Ok(read(&self.batch(vec![of(&KEY_ALONE_BY_DIGEST), of(accounts::OF_KEY)]).await?)?)
    }
}

impl<E: Engine> Keys for Tenant<E> {
    async fn keys(&self, limit: u32, before: Option<KeyId>) -> Result<Vec<Key>, Unavailable> {
        let before = before.map(|id| id.to_string());
        let rows: Vec<Row> = self.rows(&KEYS_NEWEST, [limit.into(), before.into()]).await?;
        Ok(rows.into_iter().map(Row::into_key).collect::<Result<_, Failure>>()?)
    }

    async fn insert_key(&self, key: &Key, digest: &KeyDigest, change: &Change) -> Result<(), WriteError> {
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
            key.member.map(|id| id.to_string()).into(),
            key.scopes.map(|scopes| serde_json::json!(scopes.names().collect::<Vec<_>>()).to_string()).into(),
        ];
        let mut batch = vec![self.statement(&INSERT_KEY, values)];
        if let Some(member) = key.member {
            batch.push(
                self.statement(&GUARD_MEMBER_OF_KEY, [member.to_string().into(), key.role.name().into()]),
            );
        }
        batch.extend(changes::log(self, std::slice::from_ref(change)));
        batch.push(self.statement(&GUARD_KEYS_LIMIT, [key.created_at.0.into()]));
        self.batch(batch).await?;
        Ok(())
    }

    async fn revoke_key(&self, id: KeyId, change: &Change) -> Result<bool, Unavailable> {
        let batch = vec![
            self.statement(&REVOKE_KEY, [id.to_string().into(), change.at.0.into()]),
            changes::log_if_written(self, change),
            self.statement(&KEY_EXISTS, [id.to_string().into()]),
        ];
        let found: Vec<IgnoredAny> = self.batch(batch).await?[2].rows()?;
        Ok(!found.is_empty())
    }
}
