//! How aliases are written and shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{About, Facts, Filter, Limit, Parameter};
use crate::domain::alias::Alias;
use crate::domain::model::Capability;
use crate::domain::time::Millis;

pub static FACTS: Facts = Facts {
    paths: &["model-aliases", "aliases"],
    parameters: &[Parameter {
        name: "name",
        about: "As model lines write it: 1 to 63 of a-z, A-Z, 0-9 and -_. , a letter or a digit first",
        is_rest: false,
    }],
    ids: ("model_alias", "model_aliases"),
    tag: "models",
    about: About {
        list: "By name. With `capability`, those with a model that can do all of it: calls that need it are made with that \
               one.",
        put: "Agents that name it use the new line from their next call on.",
        delete: "Refused with the list while lines name it, unless `force` is given. Lines that name it go on without it; calls of an \
                 agent that has nothing else fail and say so.",
        ..About::NONE
    },
    filters: &[Filter {
        name: "capability",
        about: "Only those with a model that can do this; more of them as `tools,images`, or given more than once",
        words: &Capability::NAMES,
    }],
    reaches_calls: true,
    is_named_in_lines: true,
    limit: Limit::Fixed(Alias::MOST),
    ..Facts::new("alias", "an alias", "aliases")
};

/// What an alias stands for.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAlias)]
pub struct Body {
    /// A model line without aliases.
    #[schema(example = "openai:gpt-4.1-mini?temperature=0.2, anthropic:claude-haiku-4-5")]
    pub model: String,
}

/// A name that stands for a model line in the account's agents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alias)]
pub struct View {
    #[schema(example = "fast")]
    name: String,
    model: String,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

impl From<&Alias> for View {
    fn from(alias: &Alias) -> Self {
        Self { name: alias.name.clone(), model: alias.line.clone(), updated_at: alias.updated_at }
    }
}
