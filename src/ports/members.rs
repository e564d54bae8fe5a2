//! Members: the people of an account.

use std::future::Future;

use crate::domain::change::Change;
use crate::domain::ids::MemberId;
use crate::domain::member::Member;

use super::failure::{Unavailable, WriteError};

/// An account's members.
pub trait Members: Send + Sync {
    /// Newest first; only those older than `before`.
    fn members(
        &self,
        limit: u32,
        before: Option<MemberId>,
    ) -> impl Future<Output = Result<Vec<Member>, Unavailable>> + Send;
    fn member(&self, id: MemberId) -> impl Future<Output = Result<Option<Member>, Unavailable>> + Send;
    /// [`WriteError::Taken`] when another has the address, [`WriteError::Full`] when the plan allows no more
    /// members.
    fn insert_member(
        &self,
        member: &Member,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Also lowers the keys that may do more than the member; [`WriteError::Moved`] when the member is no
    /// longer as it was read, [`WriteError::Taken`] when another has the address.
    fn update_member(
        &self,
        member: &Member,
        read: &Member,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Also revokes the member's keys; [`WriteError::Moved`] when it is no longer as it was read.
    fn delete_member(
        &self,
        read: &Member,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}
