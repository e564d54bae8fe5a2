//! A memory as clients see it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::shelf::Shelf;
use super::{Kind, Memory, Source, Status};
use crate::domain::ids::MemoryId;
use crate::domain::time::Millis;

/// Something that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Memory)]
pub struct MemoryView {
    #[schema(value_type = String, format = "uuid")]
    pub id: MemoryId,
    pub kind: Kind,
    /// The person whom it is about, in your word; null for `work`.
    pub user: Option<String>,
    pub text: String,
    pub labels: Vec<String>,
    pub metadata: BTreeMap<String, String>,
    /// Only active ones are recalled.
    pub status: Status,
    /// The one that this took the place of.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub supersedes: Option<MemoryId>,
    /// The one that took this one's place.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub superseded_by: Option<MemoryId>,
    /// Who wrote it down.
    pub source: Source,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Millis,
}

impl MemoryView {
    pub fn of(shelf: &Shelf, memory: Memory) -> Self {
        Self {
            id: memory.id,
            kind: shelf.kind(),
            user: shelf.user().map(str::to_owned),
            text: memory.text,
            labels: memory.labels,
            metadata: memory.metadata,
            status: memory.status,
            supersedes: memory.supersedes,
            superseded_by: memory.superseded_by,
            source: memory.source,
            created_at: memory.created_at,
            updated_at: memory.updated_at,
        }
    }
}
