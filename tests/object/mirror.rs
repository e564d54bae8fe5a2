//! What the disk should hold, by the batches that were written.

use std::collections::BTreeMap;

use retinue::domain::admission::command::CallRecord;
use retinue::domain::admission::{Batch, Snapshot};
use retinue::domain::ids::{AgentId, CallId};

#[derive(Debug, Default)]
pub struct Mirror {
    pub snapshot: Snapshot,
    pub ledger: BTreeMap<(AgentId, CallId), CallRecord>,
}

impl Mirror {
    pub fn write(&mut self, batch: &Batch) {
        let Snapshot { meta, agents, holds } = &mut self.snapshot;
        *meta = batch.meta.or(*meta);
        agents.retain(|row| batch.agents.iter().all(|new| new.agent != row.agent));
        agents.extend(batch.agents.iter().cloned());
        agents.sort_by_key(|row| row.agent);
        holds.retain(|hold| batch.holds.iter().all(|new| new.call != hold.call));
        holds.extend(batch.holds.iter().cloned());
        holds.retain(|hold| !batch.removed_holds.contains(&hold.call));
        holds.sort_by_key(|hold| hold.call);
        let records = batch.records.iter().map(|record| ((record.agent, record.call), record.clone()));
        self.ledger.extend(records);
    }
}
