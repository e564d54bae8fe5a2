//! Where an agent is in its life, and which moves there are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being written: not called yet.
    Draft,
    /// Finished and called by those who know of it.
    Published,
    #[default]
    Active,
    /// Switched off.
    Inactive,
    /// Still answers, and says that it will not for ever.
    Deprecated,
    /// Gone, but for its ledger and its versions; its slug is free.
    Archived,
}

impl Status {
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Published, Self::Active, Self::Inactive, Self::Deprecated, Self::Archived];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Deprecated => "deprecated",
            Self::Archived => "archived",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Where it can go from here. Out of the archive leads only a restoration.
    pub const fn moves(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Published],
            Self::Published => &[Self::Active],
            Self::Active => &[Self::Inactive, Self::Deprecated],
            Self::Inactive => &[Self::Active, Self::Deprecated],
            Self::Deprecated => &[Self::Archived],
            Self::Archived => &[],
        }
    }

    /// Whether moves lead from here to there, however many.
    pub fn leads_to(self, there: Self) -> bool {
        let mut reached = vec![self];
        let mut next = 0;
        while let Some(from) = reached.get(next).copied() {
            let new: Vec<Self> = from.moves().iter().copied().filter(|to| !reached.contains(to)).collect();
            reached.extend(new);
            next += 1;
        }
        reached.contains(&there)
    }

    /// Whether calls are answered.
    pub const fn answers(self) -> bool {
        matches!(self, Self::Published | Self::Active | Self::Deprecated)
    }

    /// Whether it counts against the agents that a plan allows.
    pub const fn is_in_use(self) -> bool {
        !matches!(self, Self::Inactive | Self::Archived)
    }
}
