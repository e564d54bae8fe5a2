//! Members' rows, and the changes of their keys that follow from them.

use serde::Deserialize;

use crate::domain::change::Change;
use crate::domain::ids::MemberId;
use crate::domain::member::{Email, Member, Role};
use crate::domain::time::Millis;
use crate::ports::{Members, Unavailable, WriteError};

use super::changes::{self, log_each, moment};
use super::directory::Tenant;
use super::plans::limit_of_plan;
use super::sql::{self, Engine, Failure, Value, queries};

queries! {
    /// [`Members::member`]. All columns, here and below: a database may have fewer than this code knows, or
    /// more.
    MEMBER_BY_ID = "SELECT * FROM members WHERE account_id = ?1 AND id = ?2";
    /// [`Members::members`]. Every UUID sorts below `g`.
    MEMBERS_NEWEST = "SELECT * FROM members WHERE account_id = ?1 AND id < coalesce(?3, 'g') ORDER BY id DESC LIMIT ?2";
    /// [`Members::insert_member`].
    INSERT_MEMBER = "INSERT INTO members (account_id, id, name, email, role, profile, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
    /// [`Members::insert_member`]: fails when more are active than the plan allows.
    GUARD_MEMBERS_LIMIT = concat!("SELECT json_extract('{}', 'full ' || most) FROM (SELECT ", limit_of_plan!("members"),
        " AS most) WHERE most < (SELECT members FROM account_counts WHERE account_id = ?1)");
    /// [`Members::update_member`], [`Members::delete_member`]: fails when the member is not as it was read.
    GUARD_MEMBER_UNCHANGED = "SELECT json_extract('{}', 'moved ' || ?2) WHERE NOT EXISTS (
            SELECT 1 FROM members WHERE account_id = ?1 AND id = ?2 AND updated_at = ?3)";
    /// [`Members::update_member`].
    UPDATE_MEMBER = "UPDATE members SET name = ?3, email = ?4, role = ?5, profile = ?6, updated_at = ?7
        WHERE account_id = ?1 AND id = ?2";
    /// [`Members::update_member`], before [`LOWER_KEYS`].
    LOG_KEYS_LOWERED = log_each!("update", "key", r#"'{"role":"admin"}'"#, r#"'{"role":"member"}'"#,
        "keys INDEXED BY keys_member WHERE account_id = ?1 AND member_id = ?5 AND role = 'admin' AND revoked_at IS NULL");
    /// [`Members::update_member`].
    LOWER_KEYS = "UPDATE keys INDEXED BY keys_member SET role = 'member'
        WHERE account_id = ?1 AND member_id = ?2 AND role = 'admin' AND revoked_at IS NULL";
    /// [`Members::delete_member`], before [`REVOKE_KEYS`].
    LOG_KEYS_REVOKED = log_each!("revoke", "key", r#"'{"revoked_at":null}'"#, concat!("json_object('revoked_at', ", moment!(), ")"),
        "keys INDEXED BY keys_member WHERE account_id = ?1 AND member_id = ?5 AND revoked_at IS NULL");
    /// [`Members::delete_member`]. A clock that went back must not break the rows' own constraint.
    REVOKE_KEYS = "UPDATE keys INDEXED BY keys_member SET revoked_at = max(?3, created_at)
        WHERE account_id = ?1 AND member_id = ?2 AND revoked_at IS NULL";
    /// [`Members::delete_member`].
    DELETE_MEMBER = "DELETE FROM members WHERE account_id = ?1 AND id = ?2";
}

#[derive(Deserialize)]
struct Row {
    id: MemberId,
    name: String,
    email: Email,
    role: Role,
    // The previous schema has none of these.
    profile: Option<String>,
    #[serde(default)]
    updated_at: i64,
    inactive_at: Option<i64>,
    created_at: i64,
}

impl Row {
    fn into_member(self) -> Result<Member, Failure> {
        Ok(Member {
            id: self.id,
            name: self.name,
            email: self.email,
            role: self.role,
            profile: sql::json("members.profile", self.profile.as_deref().unwrap_or("{}"))?,
            created_at: Millis(self.created_at),
            updated_at: Millis(self.updated_at),
            inactive_at: self.inactive_at.map(Millis),
        })
    }
}

/// The columns that can change, and when: `?2` to `?7`.
fn values(member: &Member) -> [Value; 6] {
    [
        member.id.to_string().into(),
        member.name.as_str().into(),
        member.email.as_str().into(),
        member.role.name().into(),
        serde_json::json!(member.profile).to_string().into(),
        member.updated_at.0.into(),
    ]
}

impl<E: Engine> Members for Tenant<E> {
    async fn members(&self, limit: u32, before: Option<MemberId>) -> Result<Vec<Member>, Unavailable> {
        let before = before.map(|id| id.to_string());
        let rows: Vec<Row> = self.rows(&MEMBERS_NEWEST, [limit.into(), before.into()]).await?;
        Ok(rows.into_iter().map(Row::into_member).collect::<Result<_, Failure>>()?)
    }

    async fn member(&self, id: MemberId) -> Result<Option<Member>, Unavailable> {
        let rows: Vec<Row> = self.rows(&MEMBER_BY_ID, [id.to_string().into()]).await?;
        Ok(rows.into_iter().next().map(Row::into_member).transpose()?)
    }

    async fn insert_member(&self, member: &Member, change: &Change) -> Result<(), WriteError> {
        let mut batch = vec![self.statement(&INSERT_MEMBER, values(member))];
        batch.extend(changes::log(self, std::slice::from_ref(change)));
        batch.push(self.statement(&GUARD_MEMBERS_LIMIT, []));
        self.batch(batch).await?;
        Ok(())
    }

    async fn update_member(&self, member: &Member, read: &Member, change: &Change) -> Result<(), WriteError> {
        let id = || Value::from(member.id.to_string());
        let mut batch = vec![
            self.statement(&GUARD_MEMBER_UNCHANGED, [id(), read.updated_at.0.into()]),
            self.statement(&UPDATE_MEMBER, values(member)),
        ];
        batch.extend(changes::log(self, std::slice::from_ref(change)));
        if member.role == Role::Member {
            batch.push(changes::each(self, &LOG_KEYS_LOWERED, change, [id()]));
            batch.push(self.statement(&LOWER_KEYS, [id()]));
        }
        self.batch(batch).await?;
        Ok(())
    }

    async fn delete_member(&self, read: &Member, change: &Change) -> Result<(), WriteError> {
        let id = || Value::from(read.id.to_string());
        let mut batch = vec![self.statement(&GUARD_MEMBER_UNCHANGED, [id(), read.updated_at.0.into()])];
        batch.extend(changes::log(self, std::slice::from_ref(change)));
        batch.push(changes::each(self, &LOG_KEYS_REVOKED, change, [id()]));
        batch.push(self.statement(&REVOKE_KEYS, [id(), change.at.0.into()]));
        batch.push(self.statement(&DELETE_MEMBER, [id()]));
        self.batch(batch).await?;
        Ok(())
    }
}
