//! How much of its plan an account uses: counts that stop where they are told to, each by an index.

use serde::Deserialize;

use crate::domain::time::Millis;
use crate::ports::Counts;

use super::directory::Tenant;
use super::sql::{Engine, Failure, queries};

queries! {
    /// [`count`].
    COUNT_USED = "SELECT
        (SELECT count(*) FROM (SELECT 1 FROM agents WHERE account_id = ?1 AND archived_at IS NULL
            AND status IN ('draft', 'published', 'active', 'deprecated') LIMIT ?2)) AS agents,
        (SELECT count(*) FROM (SELECT 1 FROM members WHERE account_id = ?1 AND inactive_at IS NULL LIMIT ?3)) AS members,
        (SELECT count(*) FROM (SELECT 1 FROM keys WHERE account_id = ?1 AND revoked_at IS NULL AND inactive_at IS NULL
            AND expires_at IS NULL LIMIT ?4))
        + (SELECT count(*) FROM (SELECT 1 FROM keys WHERE account_id = ?1 AND revoked_at IS NULL AND inactive_at IS NULL
            AND expires_at > ?5 LIMIT ?4)) AS keys";
}

#[derive(Deserialize)]
struct Row {
    agents: u32,
    members: u32,
    keys: u32,
}

pub(super) async fn count<E: Engine>(
    tenant: &Tenant<E>,
    most: Counts,
    now: Millis,
) -> Result<Counts, Failure> {
    let values = [most.agents.into(), most.members.into(), most.keys.into(), now.0.into()];
    let rows: Vec<Row> = tenant.rows(&COUNT_USED, values).await?;
    let row = rows.into_iter().next();
    let row = row.ok_or_else(|| Failure::Unavailable("COUNT_USED: no row".to_owned()))?;
    Ok(Counts { agents: row.agents, members: row.members, keys: row.keys.min(most.keys) })
}
