//! Lines of the change log.

use serde_json::Value;

use super::App;
use crate::domain::change::{Action, Actor, Change, Subject, difference};
use crate::domain::ids::ChangeId;
use crate::ports::World;

impl<W: World> App<W> {
    /// The line that describes a write that is about to be made: of an update only what differs.
    pub(super) fn change(
        &self,
        by: Actor,
        action: Action,
        subject: Subject,
        subject_id: impl ToString,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Change {
        let at = self.world.now();
        let (before, after) = difference(before, after);
        let id = ChangeId::new(at, self.world.random());
        Change { id, at, by, action, subject, subject_id: subject_id.to_string(), before, after }
    }
}
