//! The objects that keep texts which are searched.

use std::future::Future;

use crate::domain::knowledge::Place;
use crate::domain::knowledge::command::{Answer, Command};

use super::failure::Unavailable;

/// The knowledge objects, each called by its place.
pub trait Knowledge: Send + Sync {
    fn ask(
        &self,
        place: &Place,
        command: Command,
    ) -> impl Future<Output = Result<Answer, Unavailable>> + Send;
}
