//! Where an agent is called.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, schema::AdditionalProperties};
use utoipa::{PartialSchema, ToSchema};

/// Of each face its name, and what its base URL has behind the agent's.
#[derive(Clone, Debug)]
pub struct Bases(Arc<[(&'static str, &'static str)]>);

impl Bases {
    pub fn new(bases: Vec<(&'static str, &'static str)>) -> Self {
        Self(bases.into())
    }

    /// The schema of [`Urls`], with what there is.
    pub fn schema(&self) -> RefOr<Schema> {
        let at = "/accounts/acme/agents/triage";
        let urls = self.0.iter().fold(object(), |urls, (name, base)| {
            urls.property(*name, text().examples([join(at, base)])).required(*name)
        });
        urls.build().into()
    }
}

/// Where an agent is called, on this host: by the names of the faces their base URLs.
#[derive(Debug)]
pub struct Urls {
    /// The agent's.
    url: String,
    bases: Bases,
}

impl Urls {
    pub const fn new(url: String, bases: Bases) -> Self {
        Self { url, bases }
    }
}

impl Serialize for Urls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.bases.0.iter().map(|(name, base)| (name, join(&self.url, base))))
    }
}

fn join(url: &str, base: &str) -> String {
    if base.is_empty() { url.to_owned() } else { format!("{url}/{base}") }
}

impl PartialSchema for Urls {
    /// That of any list of faces.
    fn schema() -> RefOr<Schema> {
        object()
            .additional_properties(Some(AdditionalProperties::RefOr(text().build().into())))
            .build()
            .into()
    }
}

impl ToSchema for Urls {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("AgentUrls")
    }
}

fn object() -> ObjectBuilder {
    let about = "Where an agent is called, on this host: of each protocol its base URL.";
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).description(Some(about))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
