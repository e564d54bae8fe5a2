//! Feature flags' rows. Those of flags that this code does not know stay where they are: a newer release may know them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::change::Change;
use crate::domain::flag::{Flag, Setting, Settings};
use crate::domain::ids::AccountId;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{AccountFlag, AllFlags, OwnFlags, Rollout, Unavailable};

use super::changes;
use super::directory::{Directory, Tenant};
use super::sql::{Answer, Engine, Failure, Query, Statement, queries};

queries! {
    /// [`AllFlags::flags`].
    FLAGS = "SELECT flag, is_on, percent, 0 AS is_own FROM flags";
    /// [`AllFlags::put_flag`].
    PUT_FLAG = "INSERT INTO flags (flag, is_on, percent, updated_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (flag) DO UPDATE SET is_on = excluded.is_on, percent = excluded.percent, updated_at = excluded.updated_at";
    /// [`AllFlags::delete_flag`].
    DELETE_FLAG = "DELETE FROM flags WHERE flag = ?1";
    /// [`AllFlags::put_flag`], [`AllFlags::delete_flag`]: from the first account.
    BEGIN_ROLLOUT = "INSERT INTO flag_rollout (id, after) VALUES (1, '') ON CONFLICT (id) DO UPDATE SET after = ''";
    /// [`AllFlags::rollout`]: at the end a row without an account.
    NEXT_ROLLED_OUT = "SELECT flag_rollout.after, accounts.id FROM flag_rollout LEFT JOIN accounts ON accounts.id > flag_rollout.after
        WHERE flag_rollout.id = 1 ORDER BY accounts.id LIMIT ?1";
    /// [`AllFlags::rolled_out`], unless it has begun again.
    ROLLED_OUT = "UPDATE flag_rollout SET after = ?2 WHERE id = 1 AND after = ?1";
    /// [`AllFlags::rolled_out`] to all, unless it has begun again.
    END_ROLLOUT = "DELETE FROM flag_rollout WHERE id = 1 AND after = ?1";
    /// [`AllFlags::flag_accounts`].
    FLAG_ACCOUNTS = "SELECT accounts.id, accounts.slug, own.is_on FROM account_flags AS own
            JOIN accounts ON accounts.id = own.account_id
        WHERE own.flag = ?1 AND own.account_id > ?3 ORDER BY own.account_id LIMIT ?2";
    /// [`OwnFlags::flag_settings`] and [`super::resolve`]: what is set for all, and for the account.
    FLAGS_OF_ACCOUNT = "SELECT flag, is_on, percent, 0 AS is_own FROM flags
        UNION ALL SELECT flag, is_on, 0, 1 FROM account_flags WHERE account_id = ?1";
    /// [`OwnFlags::put_own_flag`].
    PUT_OWN_FLAG = "INSERT INTO account_flags (account_id, flag, is_on, updated_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (account_id, flag) DO UPDATE SET is_on = excluded.is_on, updated_at = excluded.updated_at";
    /// [`OwnFlags::delete_own_flag`].
    DELETE_OWN_FLAG = "DELETE FROM account_flags WHERE account_id = ?1 AND flag = ?2";
}

/// For [`super::resolve`]'s batch.
pub(super) const OF_ACCOUNT: &Query = &FLAGS_OF_ACCOUNT;

#[derive(Deserialize)]
struct Row {
    flag: String,
    is_on: u8,
    percent: u8,
    is_own: u8,
}

#[derive(Deserialize)]
struct AccountRow {
    id: AccountId,
    slug: Slug,
    is_on: u8,
}

#[derive(Deserialize)]
struct RolloutRow {
    after: String,
    id: Option<AccountId>,
}

/// What statements on flags have found.
pub(super) fn read(answer: &impl Answer) -> Result<Settings, Failure> {
    Ok(settings(answer.rows()?))
}

fn settings(rows: Vec<Row>) -> Settings {
    let mut settings = Settings::default();
    for Row { flag, is_on, percent, is_own } in rows {
        let Some(flag) = Flag::parse(&flag) else { continue };
        let is_on = is_on != 0;
        if is_own == 0 {
            settings.of_all.insert(flag, Setting { default: is_on, percent });
        } else {
            settings.own.insert(flag, is_on);
        }
    }
    settings
}

impl<E: Engine> AllFlags for Directory<E> {
    async fn flags(&self) -> Result<BTreeMap<Flag, Setting>, Unavailable> {
        Ok(settings(self.rows(&FLAGS, []).await?).of_all)
    }

    async fn put_flag(&self, flag: Flag, setting: Setting, at: Millis) -> Result<(), Unavailable> {
        let Setting { default, percent } = setting;
        let values =
            vec![flag.name().into(), u32::from(default).into(), u32::from(percent).into(), at.0.into()];
        let put = Statement { query: &PUT_FLAG, values };
        self.batch(vec![put, Statement { query: &BEGIN_ROLLOUT, values: Vec::new() }]).await?;
        Ok(())
    }

    async fn delete_flag(&self, flag: Flag) -> Result<(), Unavailable> {
        let delete = Statement { query: &DELETE_FLAG, values: vec![flag.name().into()] };
        self.batch(vec![delete, Statement { query: &BEGIN_ROLLOUT, values: Vec::new() }]).await?;
        Ok(())
    }

    async fn flag_accounts(
        &self,
        flag: Flag,
        limit: u32,
        after: Option<AccountId>,
    ) -> Result<Vec<AccountFlag>, Unavailable> {
        let after = after.map_or_else(String::new, |after| after.to_string());
        let rows: Vec<AccountRow> =
            self.rows(&FLAG_ACCOUNTS, [flag.name().into(), limit.into(), after.into()]).await?;
        let found = |row: AccountRow| AccountFlag { id: row.id, slug: row.slug, is_on: row.is_on != 0 };
        Ok(rows.into_iter().map(found).collect())
    }

    async fn rollout(&self, limit: u32) -> Result<Option<Rollout>, Unavailable> {
        let rows: Vec<RolloutRow> = self.rows(&NEXT_ROLLED_OUT, [limit.into()]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let after = first.after.clone();
        Ok(Some(Rollout { after, accounts: rows.into_iter().filter_map(|row| row.id).collect() }))
    }

    async fn rolled_out(&self, rollout: &Rollout, last: Option<AccountId>) -> Result<(), Unavailable> {
        let read = rollout.after.as_str().into();
        let statement = match last {
            Some(last) => Statement { query: &ROLLED_OUT, values: vec![read, last.to_string().into()] },
            None => Statement { query: &END_ROLLOUT, values: vec![read] },
        };
        self.batch(vec![statement]).await?;
        Ok(())
    }
}

impl<E: Engine> OwnFlags for Tenant<E> {
    async fn flag_settings(&self) -> Result<Settings, Unavailable> {
        Ok(settings(self.rows(&FLAGS_OF_ACCOUNT, []).await?))
    }

    async fn put_own_flag(&self, flag: Flag, is_on: bool, change: &Change) -> Result<(), Unavailable> {
        let values = [flag.name().into(), u32::from(is_on).into(), change.at.0.into()];
        let mut batch = vec![self.statement(&PUT_OWN_FLAG, values)];
        batch.extend(changes::log(self, std::slice::from_ref(change)));
        self.batch(batch).await?;
        Ok(())
    }

    async fn delete_own_flag(&self, flag: Flag, change: &Change) -> Result<(), Unavailable> {
        let delete = self.statement(&DELETE_OWN_FLAG, [flag.name().into()]);
        self.batch(vec![delete, changes::log_if_written(self, change)]).await?;
        Ok(())
    }
}
