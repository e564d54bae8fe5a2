//! What an account's plan allows: limits on what it keeps and on what it calls, as data.

use serde::{Deserialize, Serialize};

use super::money::{self, Nanos};

/// The limits of a plan; `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Agents that are neither archived nor inactive.
    pub agents: Option<u32>,
    /// Members that are not inactive.
    pub members: Option<u32>,
    /// Keys that open something.
    pub keys: Option<u32>,
    pub calls_per_minute: Option<u32>,
    pub concurrent_calls: Option<u32>,
    /// What all agents together may spend in a calendar month (UTC).
    pub monthly_spend: Option<Nanos>,
    pub keeps: KeepLimits,
    /// How many days a thread is kept that nothing changes.
    pub keep_days: Option<u32>,
    pub features: Features,
}

impl Limits {
    /// Everything is allowed: what holds where no plan says otherwise.
    pub const NONE: Self = Self {
        agents: None,
        members: None,
        keys: None,
        calls_per_minute: None,
        concurrent_calls: None,
        monthly_spend: None,
        keeps: KeepLimits::NONE,
        keep_days: None,
        features: Features::ALL,
    };

    /// Those that an admission decides.
    pub const fn of_calls(&self) -> CallLimits {
        CallLimits {
            calls_per_minute: self.calls_per_minute,
            concurrent_calls: self.concurrent_calls,
            monthly_spend: self.monthly_spend,
        }
    }
}

/// The limits on an account's calls, all its agents together; they travel with every admission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLimits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_minute: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_calls: Option<u32>,
    #[serde(default, with = "money::as_optional_integer", skip_serializing_if = "Option::is_none")]
    pub monthly_spend: Option<Nanos>,
}

impl CallLimits {
    /// Whether nothing is limited.
    pub const fn is_none(&self) -> bool {
        self.calls_per_minute.is_none() && self.concurrent_calls.is_none() && self.monthly_spend.is_none()
    }
}

/// The limits on what an account's threads keep and do; they travel with every claim of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepLimits {
    /// Threads that are kept: not those that are made for one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Megabytes (10⁶ bytes) of what threads say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_mb: Option<u32>,
    /// Runs that are not over, those that wait for their turn or for somebody too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_at_once: Option<u32>,
    /// What agents remember, of all people and of work together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memories: Option<u32>,
}

impl KeepLimits {
    pub const NONE: Self = Self { threads: None, storage_mb: None, runs_at_once: None, memories: None };
}

/// Which of them leaves no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepLimit {
    Threads,
    StorageMb,
    RunsAtOnce,
    Memories,
}

impl KeepLimit {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::StorageMb => "storage_mb",
            Self::RunsAtOnce => "runs_at_once",
            Self::Memories => "memories",
        }
    }
}

/// The bytes of a megabyte, as plans count.
pub const MEGABYTE: u64 = 1_000_000;

/// Something that a plan may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Agents that anyone may call, without a key.
    PublicAgents,
    /// Templates of the account's own.
    OwnTemplates,
    /// Imports that the platform fetches from a URL.
    ImportUrl,
}

impl Feature {
    pub const ALL: [Self; 3] = [Self::PublicAgents, Self::OwnTemplates, Self::ImportUrl];

    /// Its word in the rows of the plans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublicAgents => "public_agents",
            Self::OwnTemplates => "own_templates",
            Self::ImportUrl => "import_url",
        }
    }
}

/// A set of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features(u8);

impl Features {
    pub const NONE: Self = Self(0);
    pub const ALL: Self =
        Self::NONE.with(Feature::PublicAgents).with(Feature::OwnTemplates).with(Feature::ImportUrl);

    /// Of a row's words. Those that this code does not know are kept out: a newer release may know them.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let known = |word: &str| Feature::ALL.into_iter().find(|feature| feature.name() == word);
        words.into_iter().filter_map(known).fold(Self::NONE, Self::with)
    }

    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u8)
    }

    pub const fn has(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u8 != 0
    }

    /// The words of those it has, in a stable order.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Feature::ALL.into_iter().filter(move |feature| self.has(*feature)).map(Feature::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_nobody_knows_are_no_features() {
        let features = Features::of_words(["import_url", "time_travel", "public_agents"]);
        assert_eq!(features.words().collect::<Vec<_>>(), ["public_agents", "import_url"]);
        assert!(!features.has(Feature::OwnTemplates));
        assert!(Feature::ALL.into_iter().all(|feature| Limits::NONE.features.has(feature)));
    }

    #[test]
    fn what_is_not_limited_takes_no_room_on_the_way() {
        assert_eq!(serde_json::to_string(&CallLimits::default()).unwrap(), "{}");
        let limits = CallLimits {
            calls_per_minute: Some(60),
            concurrent_calls: None,
            monthly_spend: Some(Nanos::new(5)),
        };
        let json = serde_json::to_string(&limits).unwrap();
        assert_eq!(json, r#"{"calls_per_minute":60,"monthly_spend":5}"#);
        assert_eq!(serde_json::from_str::<CallLimits>(&json).unwrap(), limits);
    }
}
