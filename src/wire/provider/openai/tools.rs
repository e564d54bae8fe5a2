//! Writes tools and the choice among them.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::dialect::Dialect;
use crate::domain::message::{Tool, ToolChoice};
use crate::wire::cache_control::CacheControl;
use crate::wire::provider::fit::{self, Schema};

/// One tool.
#[derive(Serialize)]
pub struct ToolBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    pub function: FunctionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
pub struct FunctionBody<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Schema<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl<'a> ToolBody<'a> {
    pub fn of(dialect: &Dialect, tool: &'a Tool) -> Self {
        let function = FunctionBody {
            name: dialect.tool_names.fit(&tool.name),
            description: tool.description.as_deref(),
            parameters: tool.parameters.as_deref().map(|schema| Schema::of_tool(dialect, schema)),
            strict: fit::strict(dialect, tool.strict, tool.parameters.as_deref())
                .filter(|_| dialect.strict_tools),
        };
        let cached = tool.cache.filter(|_| dialect.cache_points);
        Self { kind: "function", function, cache_control: cached.map(CacheControl::of) }
    }
}

/// `tool_choice`; `None` for the default.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ChoiceBody<'a> {
    Mode(&'static str),
    Named {
        #[serde(rename = "type")]
        kind: &'static str,
        function: NameBody<'a>,
    },
}

#[derive(Serialize)]
pub struct NameBody<'a> {
    name: Cow<'a, str>,
}

impl<'a> ChoiceBody<'a> {
    pub fn of(dialect: &Dialect, choice: &'a ToolChoice) -> Option<Self> {
        match choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(Self::Mode("none")),
            ToolChoice::Required => Some(Self::Mode("required")),
            ToolChoice::Named(name) => {
                let function = NameBody { name: dialect.tool_names.fit(name) };
                Some(Self::Named { kind: "function", function })
            }
        }
    }
}
