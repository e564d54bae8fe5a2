//! How providers are written and shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{About, Facts, Limit, Parameter};
use crate::domain::dialect::Patch;
use crate::domain::given::given;
use crate::domain::provider::{Provider, Wire};
use crate::domain::secret::Secret;
use crate::domain::time::Millis;

pub static FACTS: Facts = Facts {
    parameters: &[Parameter {
        name: "name",
        about: "As model lines write it: a-z, 0-9 and '-'",
        is_rest: false,
    }],
    tag: "providers",
    about: About {
        list: "The account's own, by name; the platform may offer others.",
        put: "The names of well-known providers (`openai`, `anthropic`, `gemini`, `groq`, `mistral` …) imply wire and \
              address. Any other name is a server that speaks OpenAI's format at `base_url`. The key is kept encrypted, and \
              is sent to no other address than the one it was given with.",
        delete: "With its key. Agents fall back to the platform's provider of that name, if it has one.",
        ..About::NONE
    },
    reaches_calls: true,
    limit: Limit::Fixed(Provider::MOST),
    secrets: &["api_key"],
    ..Facts::new("provider", "a provider", "providers")
};

/// A provider as the account wants it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProvider)]
pub struct Body {
    /// What the name implies when left out: a well-known provider's own, otherwise `openai`.
    pub wire: Option<Wire>,
    /// Where the API is, version segment included; a well-known provider's own when left out.
    #[schema(example = "https://api.example.com/v1")]
    pub base_url: Option<String>,
    /// Left out: a stored key stays, as long as wire and base_url do. Null: it is removed.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, write_only)]
    pub api_key: Option<Option<Secret>>,
    /// What this server takes otherwise than its name, its address and its models' codes let expect.
    #[schema(example = json!({"system": "one", "limit_field": "max_tokens",
        "models": [{"model": "glm-*", "dialect": {"temperature": "never"}}]}))]
    pub dialect: Option<Box<Patch>>,
}

/// An upstream API as the account has configured it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub struct View {
    name: String,
    wire: Wire,
    /// Null where the provider is reached by the platform's binding.
    base_url: Option<String>,
    /// The end of the stored key; null when there is none.
    key_last4: Option<String>,
    /// What this server takes otherwise; null when nothing was said.
    dialect: Option<Box<Patch>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

impl From<&Provider> for View {
    fn from(provider: &Provider) -> Self {
        Self {
            name: provider.name.to_string(),
            wire: provider.wire,
            base_url: provider.address().map(str::to_owned),
            key_last4: provider.key.as_ref().map(|key| key.last4.clone()),
            dialect: provider.dialect.clone(),
            created_at: provider.created_at,
            updated_at: provider.updated_at,
        }
    }
}
