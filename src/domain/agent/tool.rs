//! A tool of an agent: the name of one that is known elsewhere, or one that is written out.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::headers;
use crate::domain::field_error::FieldErrors;
use crate::domain::json::{self, MAX_FREE_DEPTH};
use crate::domain::outbound::{self, Loopback};
use crate::domain::run::tool::Effect;
use crate::domain::slug::Slug;

const UNDESCRIBED: &str = "is required: by it the model knows when to call the tool";
const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 4_000;
/// The most bytes of a tool's schema as JSON.
const MAX_PARAMETERS: usize = 32 * 1024;
/// The longest that an HTTP tool may take, in seconds.
pub const MAX_TIMEOUT_S: u32 = 300;
const DEFAULT_TIMEOUT_S: u32 = 30;

/// A tool of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AgentTool)]
pub enum Tool {
    /// The identifier of a tool.
    Named(String),
    Inline(Box<Inline>),
}

/// A tool that the agent brings along: `client` is run by whoever started the run, `http` by us, and `agent` is a run of
/// another agent of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InlineTool)]
pub struct Inline {
    #[serde(rename = "type")]
    pub kind: Kind,
    /// 1 to 64 of A-Z, a-z, 0-9, `_` and `-`. Of `agent`: the other agent's slug when left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(min_length = 1, max_length = 64, required = false)]
    pub name: String,
    /// Of `agent`, and required there: the slug of the agent that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What it does, for the model; required of `http` and `agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4_000)]
    pub description: Option<String>,
    /// A JSON Schema of the arguments. An `agent` takes a `message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Map<String, Value>>,
    /// Of `http`, and required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of `http`: `POST` when left out. GET and DELETE send the arguments as the query, others as a JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Of `http`: what is sent besides. The value of one that carries a credential, such as `authorization`, is kept encrypted
    /// and shown as `…` and its end; sent back so, it stays, as long as the URL leads to the same server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Of `http`: names of further headers whose values are secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 32)]
    pub secret_headers: Option<Vec<String>>,
    /// Of `http`: 30 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 300)]
    pub timeout_s: Option<u32>,
    /// Of `http`: what a second time means. `idempotent` for GET when left out, `unsafe` for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ToolKind)]
pub enum Kind {
    Client,
    Http,
    Agent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = ToolMethod)]
pub enum Method {
    Get,
    #[default]
    Post,
    Put,
    Patch,
    Delete,
}

impl Tool {
    /// What it is called by.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Inline(tool) => tool.name(),
        }
    }

    /// The slug of the agent that it asks.
    pub fn agent(&self) -> Option<&str> {
        match self {
            Self::Named(name) => name.strip_prefix("agent:"),
            Self::Inline(tool) => tool.agent.as_deref().filter(|_| tool.kind == Kind::Agent),
        }
    }
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrObject)
    }
}

struct NameOrObject;

impl<'de> Visitor<'de> for NameOrObject {
    type Value = Tool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a tool, or an object with its `type`")
    }

    fn visit_str<E>(self, name: &str) -> Result<Tool, E> {
        Ok(Tool::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tool, A::Error> {
        Inline::deserialize(MapAccessDeserializer::new(map)).map(|tool| Tool::Inline(Box::new(tool)))
    }
}

impl Inline {
    /// What it is called by.
    pub fn name(&self) -> &str {
        let agent = self.agent.as_deref().filter(|_| self.name.is_empty());
        agent.unwrap_or(&self.name)
    }

    /// Scheme, host and port of its URL, where it has one that may be called.
    pub fn origin(&self, loopback: Loopback) -> Option<String> {
        let url = outbound::check(self.url.as_deref()?, loopback).ok()?;
        Some(url.origin().to_owned())
    }

    pub fn method(&self) -> Method {
        self.method.unwrap_or_default()
    }

    pub fn effect(&self) -> Effect {
        let by_method = if self.method() == Method::Get { Effect::Idempotent } else { Effect::Unsafe };
        self.effect.unwrap_or(by_method)
    }

    pub fn timeout_ms(&self) -> u64 {
        u64::from(self.timeout_s.unwrap_or(DEFAULT_TIMEOUT_S)) * 1_000
    }

    /// Notes what does not fit of the tool at `field`.
    pub(super) fn check(&self, field: &str, loopback: Loopback, errors: &mut FieldErrors) {
        let at = |name: &str| format!("{field}.{name}");
        let is_name = (1..=MAX_NAME).contains(&self.name().len())
            && self.name().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !is_name {
            errors.add(&at("name"), format!("has 1 to {MAX_NAME} of A-Z, a-z, 0-9, `_` and `-`"));
        }
        if let Some(description) = &self.description {
            errors.length(&at("description"), description, 1, MAX_DESCRIPTION);
        }
        if let Some(parameters) = &self.parameters {
            check_parameters(&at("parameters"), parameters, errors);
        }
        match self.kind {
            Kind::Client => self.check_no_http(&at, errors),
            Kind::Http => self.check_http(&at, loopback, errors),
            Kind::Agent => self.check_agent(&at, errors),
        }
        if self.kind != Kind::Agent && self.agent.is_some() {
            errors.add(&at("agent"), "is only for a tool of type `agent`");
        }
    }

    fn check_agent(&self, at: &dyn Fn(&str) -> String, errors: &mut FieldErrors) {
        match &self.agent {
            None => errors.add(&at("agent"), "is required: the slug of the agent that is asked"),
            Some(agent) => {
                errors.take(&at("agent"), Slug::parse(agent));
            }
        }
        if self.description.is_none() {
            errors.add(&at("description"), UNDESCRIBED);
        }
        if self.parameters.is_some() {
            errors.add(&at("parameters"), "an agent takes a `message`, and nothing else");
        }
        self.check_no_http(at, errors);
    }

    fn check_no_http(&self, at: &dyn Fn(&str) -> String, errors: &mut FieldErrors) {
        for (name, is_there) in [
            ("url", self.url.is_some()),
            ("method", self.method.is_some()),
            ("headers", self.headers.is_some()),
            ("secret_headers", self.secret_headers.is_some()),
            ("timeout_s", self.timeout_s.is_some()),
            ("effect", self.effect.is_some()),
        ] {
            if is_there {
                errors.add(&at(name), "is only for a tool of type `http`");
            }
        }
    }

    fn check_http(&self, at: &dyn Fn(&str) -> String, loopback: Loopback, errors: &mut FieldErrors) {
        if self.description.is_none() {
            errors.add(&at("description"), UNDESCRIBED);
        }
        match &self.url {
            None => errors.add(&at("url"), "is required"),
            Some(url) => {
                errors.take(&at("url"), outbound::check(url, loopback));
            }
        }
        if self.timeout_s.is_some_and(|s| s == 0 || s > MAX_TIMEOUT_S) {
            errors.add(&at("timeout_s"), format!("must be from 1 to {MAX_TIMEOUT_S}"));
        }
        let none = BTreeMap::new();
        let marked = self.secret_headers.as_deref().unwrap_or_default();
        headers::check(self.headers.as_ref().unwrap_or(&none), marked, at, errors);
    }
}

fn check_parameters(field: &str, parameters: &Map<String, Value>, errors: &mut FieldErrors) {
    let bytes = serde_json::to_string(parameters).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_PARAMETERS {
        errors.add(field, format!("has at most {MAX_PARAMETERS} bytes as JSON, has {bytes}"));
    }
    if parameters.values().any(|value| json::depth(value) > MAX_FREE_DEPTH) {
        errors.add(field, format!("is nested at most {MAX_FREE_DEPTH} deep"));
    }
    if parameters.get("type").is_some_and(|kind| kind != "object") {
        errors.add(&format!("{field}.type"), "must be `object`: arguments are named");
    }
}
