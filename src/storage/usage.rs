//! How much of its plan an account uses. The database keeps count as rows come and go (migration 0003); only keys that expire
//! are counted when it is asked, because they end without anybody's writing.

use serde::Deserialize;

use crate::domain::time::Millis;
use crate::ports::Counts;

use super::directory::Tenant;
use super::sql::{Engine, Failure, queries};

queries! {
    /// [`count`].
    COUNT_USED = "SELECT agents, members, lasting_keys + (SELECT count(*) FROM (SELECT 1 FROM keys
            WHERE account_id = ?1 AND revoked_at IS NULL AND inactive_at IS NULL AND expires_at > ?3 LIMIT ?2)) AS keys
        FROM account_counts WHERE account_id = ?1";
}

#[derive(Deserialize)]
struct Row {
    agents: u32,
    members: u32,
    keys: u32,
}

pub(super) async fn count<E: Engine>(
    tenant: &Tenant<E>,
    most_keys: u32,
    now: Millis,
) -> Result<Counts, Failure> {
    let values = [most_keys.into(), now.0.into()];
    let rows: Vec<Row> = tenant.rows(&COUNT_USED, values).await?;
    let row = rows.into_iter().next();
    let row = row.ok_or_else(|| Failure::Unavailable("COUNT_USED: no row".to_owned()))?;
    Ok(Counts { agents: row.agents, members: row.members, keys: row.keys })
}
