//! Keys together with the members that they act for, as far as a key's rights depend on its member.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::account::Key;
use crate::domain::time::Millis;
use crate::ports::KeyRef;

use super::sql::{Answer, Failure, Query, queries};

queries! {
    /// [`super::keys`]; on the previous schema, where a key has no member, it is read alone.
    KEY_BY_DIGEST = "SELECT keys.*, member.inactive_at AS member_inactive_at
        FROM keys LEFT JOIN members AS member
            ON member.account_id = keys.account_id AND member.id = keys.member_id
        WHERE keys.digest = ?1";
    /// [`super::resolve`] by digest: only a key of this account.
    KEY_OF_ACCOUNT = "SELECT keys.*, member.inactive_at AS member_inactive_at,
            json_extract(member.profile, '$.settings.agent_prompts') AS member_prompts
        FROM keys LEFT JOIN members AS member ON member.account_id = ?1 AND member.id = keys.member_id
        WHERE keys.digest = ?2 AND keys.account_id = ?1";
    /// [`super::resolve`] by id.
    KEY_OF_ACCOUNT_BY_ID = "SELECT keys.*, member.inactive_at AS member_inactive_at,
            json_extract(member.profile, '$.settings.agent_prompts') AS member_prompts
        FROM keys LEFT JOIN members AS member ON member.account_id = ?1 AND member.id = keys.member_id
        WHERE keys.account_id = ?1 AND keys.id = ?2";
}

/// For the statements that other files run in their batches.
pub(super) const BY_DIGEST: &Query = &KEY_BY_DIGEST;

/// The same, of a key of the account.
pub(super) const fn of_account(key: &KeyRef) -> &'static Query {
    match key {
        KeyRef::Digest(_) => &KEY_OF_ACCOUNT,
        KeyRef::Id(_) => &KEY_OF_ACCOUNT_BY_ID,
    }
}

/// A member, as far as a key is concerned.
#[derive(Default)]
pub(super) struct Holder {
    inactive_at: Option<Millis>,
    /// What is appended to agents' instructions, by slug.
    pub prompts: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Row {
    member_inactive_at: Option<i64>,
    member_prompts: Option<String>,
}

impl Holder {
    /// The key under its member: it is inactive when the member is.
    pub fn key(&self, key: Key) -> Key {
        Key { inactive_at: key.inactive_at.or(self.inactive_at), ..key }
    }
}

/// The holder of the key that a statement has found; one without effect when there is none.
pub(super) fn first(answer: &impl Answer) -> Result<Holder, Failure> {
    let Some(row) = answer.rows::<Row>()?.into_iter().next() else { return Ok(Holder::default()) };
    // A profile is checked when it is saved; an invalid one must not stop its member's calls.
    let prompts: Map<String, Value> =
        row.member_prompts.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let texts = prompts.into_iter().filter_map(|(slug, text)| match text {
        Value::String(text) => Some((slug, text)),
        _ => None,
    });
    Ok(Holder { inactive_at: row.member_inactive_at.map(Millis), prompts: texts.collect() })
}
