//! Why a run failed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::time::Millis;

/// Why a run failed: a code as problems have it, and words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RunFailure)]
pub struct Failure {
    pub code: String,
    pub message: String,
    /// When another attempt may be of use, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Millis>,
}

impl Failure {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), retry_at: None }
    }
}
