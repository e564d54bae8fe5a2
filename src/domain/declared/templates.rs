//! How templates are written and shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{About, Facts, Limit, Parameter};
use crate::domain::agent::Fields;
use crate::domain::plan::Feature;
use crate::domain::template::{Source, Template};
use crate::domain::time::Millis;

pub static FACTS: Facts = Facts {
    parameters: &[Parameter { name: "template", about: "Slug: 1 to 63 of a-z, 0-9 and '-'", is_rest: false }],
    tag: "templates",
    about: About {
        list: "By slug: the platform's, with the account's own in place of those of the same slug. With the operator's key, \
               the platform's.",
        get: "The account's own, else the platform's.",
        put: "One of the account's own; it wins over the platform's of the same slug. An agent can be saved as a template by \
              naming it in place of a definition. With the operator's key, one of the platform's.",
        delete: "One of the account's own; the platform's of the same slug, if there is one, shows again. Agents made from it \
                 go on. With the operator's key, one of the platform's.",
        ..About::NONE
    },
    is_offered: true,
    distinct: "slug",
    feature: Some(Feature::OwnTemplates),
    limit: Limit::Plan(None),
    with_nulls: &["variables"],
    ..Facts::new("template", "a template", "templates")
};

/// A template, by its fields or as an agent has them.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTemplate, example = json!({
    "name": "Mail triage", "definition": {"instructions": "Sort the mail.", "tools": ["web_search"]}
}))]
pub struct Body {
    /// The definition's or the agent's when left out.
    #[schema(example = "Mail triage", min_length = 1, max_length = 255)]
    pub name: Option<String>,
    #[schema(min_length = 1, max_length = 2_000)]
    pub description: Option<String>,
    /// Whether it is no longer offered to those who choose today; agents made from it go on.
    pub deprecated: Option<bool>,
    /// The fields that an agent begins with: any but `slug`, `status` and `template`. Hand-off targets by slug.
    #[schema(value_type = Option<Fields>, example = json!({"instructions": "Sort the mail.", "tools": ["web_search"]}))]
    pub definition: Option<Map<String, Value>>,
    /// In place of a definition: slug or id of an agent that is saved as a template.
    #[schema(example = json!(null))]
    pub agent: Option<String>,
}

/// What an agent can begin as.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct View {
    #[schema(example = "mail-triage")]
    slug: String,
    name: String,
    description: Option<String>,
    /// No longer offered to those who choose today; agents can still be made from it.
    deprecated: bool,
    source: Offered,
    #[schema(value_type = Fields)]
    definition: Map<String, Value>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TemplateSource)]
pub enum Offered {
    Platform,
    Account,
}

impl View {
    pub fn of(template: &Template, source: Source) -> Self {
        Self {
            slug: template.slug.to_string(),
            name: template.name.clone(),
            description: template.description.clone(),
            deprecated: template.is_deprecated,
            source: match source {
                Source::Platform => Offered::Platform,
                Source::Account => Offered::Account,
            },
            definition: template.definition.clone(),
            updated_at: template.updated_at,
        }
    }
}

/// As PUT takes it, and files have it.
pub fn body(template: &Template) -> Value {
    shown(template, template.portable())
}

/// As the change log shows it.
pub fn logged(template: &Template) -> Value {
    shown(template, template.definition.clone())
}

fn shown(template: &Template, definition: Map<String, Value>) -> Value {
    json!({
        "name": template.name, "description": template.description, "definition": definition,
        "deprecated": template.is_deprecated,
    })
}
