//! A model: a row of the catalogue, the platform's or the account's own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::price::Price;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    pub provider: String,
    /// As the provider spells it; may hold `/`, `:` and `@`.
    pub code: String,
    pub price: Price,
    /// The most a prompt may have; where `max_output_tokens` is as large, prompt and answer share it.
    pub context_tokens: u64,
    pub max_output_tokens: u64,
    pub capabilities: Capabilities,
    /// Whether the platform no longer offers it. Lines that name it go on, at its last price.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_retired: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What a model can do. What is not listed is not offered to it: a request that needs it passes the model over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Capabilities(u8);

/// One thing a request may need of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    Images = 1,
    Tools = 2,
    JsonSchema = 4,
    Streaming = 8,
    Reasoning = 16,
    /// It makes vectors of texts, and answers nothing.
    Embeddings = 32,
}

impl Capability {
    pub const ALL: [Self; 6] =
        [Self::Images, Self::Tools, Self::JsonSchema, Self::Streaming, Self::Reasoning, Self::Embeddings];

    /// Their words, in the same order.
    pub const NAMES: [&'static str; 6] =
        ["images", "tools", "json_schema", "streaming", "reasoning", "embeddings"];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Tools => "tools",
            Self::JsonSchema => "json_schema",
            Self::Streaming => "streaming",
            Self::Reasoning => "reasoning",
            Self::Embeddings => "embeddings",
        }
    }
}

impl Capabilities {
    /// A model of which nothing is known is taken to do everything but reason aloud: the provider will say.
    pub const UNKNOWN: Self = Self(
        Capability::Images as u8
            | Capability::Tools as u8
            | Capability::JsonSchema as u8
            | Capability::Streaming as u8,
    );

    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | capability as u8)
    }

    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability as u8 != 0
    }

    /// What `needed` has and this lacks.
    pub fn missing(self, needed: Self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |c| needed.has(*c) && !self.has(*c))
    }

    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Capability::ALL.into_iter().filter(move |c| self.has(*c)).map(Capability::name)
    }
}

impl TryFrom<Vec<String>> for Capabilities {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        names.iter().try_fold(Self::default(), |all, name| {
            let known = Capability::ALL.into_iter().find(|c| c.name() == name);
            known
                .map(|c| all.with(c))
                .ok_or_else(|| format!("`{name}` is not one of {}", Capability::NAMES.join(", ")))
        })
    }
}

impl From<Capabilities> for Vec<String> {
    fn from(all: Capabilities) -> Self {
        all.names().map(str::to_owned).collect()
    }
}
