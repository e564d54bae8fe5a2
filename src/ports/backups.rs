//! Every object, as what a backup is made of.

use std::future::Future;

use crate::domain::backup::command::{Answer, Command};
use crate::domain::backup::name::ObjectName;

use super::failure::Unavailable;

/// Every object of every kind.
pub trait Backups: Send + Sync {
    fn ask(
        &self,
        object: &ObjectName,
        command: Command,
    ) -> impl Future<Output = Result<Answer, Unavailable>> + Send;
}
