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
        self == there || !self.way_to(there).is_empty()
    }

    /// The shortest way from here to there, without here; empty where there is none.
    pub fn way_to(self, there: Self) -> Vec<Self> {
        let mut ways = vec![vec![self]];
        let mut next = 0;
        while let Some(way) = ways.get(next).cloned() {
            let from = way.last().copied().unwrap_or(self);
            if from == there {
                return way.into_iter().skip(1).collect();
            }
            for to in from.moves() {
                if !ways.iter().any(|way| way.contains(to)) {
                    ways.push(way.iter().copied().chain([*to]).collect());
                }
            }
            next += 1;
        }
        Vec::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_status_is_the_shortest() {
        use Status::{Active, Archived, Deprecated, Draft, Inactive, Published};
        for (from, to, way) in [
            (Draft, Active, &[Published, Active][..]),
            (Draft, Archived, &[Published, Active, Deprecated, Archived]),
            (Inactive, Active, &[Active]),
            (Active, Draft, &[]),
            (Archived, Active, &[]),
        ] {
            assert_eq!(from.way_to(to), way, "{from:?} {to:?}");
        }
        assert!(Active.leads_to(Active) && Draft.leads_to(Archived) && !Active.leads_to(Draft));
    }
}
