//! An agent: a row, its definition, and the rules of a definition.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::budget::Budget;
use super::field_error::{FieldError, FieldErrors};
use super::ids::AgentId;
use super::model_line::ModelLine;
use super::slug::Slug;
use super::time::Millis;

/// An agent as the directory holds it, with its newest definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    pub id: AgentId,
    pub slug: Slug,
    /// Numbered 1, 2, 3 …; every change of the definition makes the next.
    pub version: u32,
    pub definition: Definition,
    /// Apart from the definition: going back to an old version must not bring back an old cap.
    pub budget: Option<Budget>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// The configuration that a version is a snapshot of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub name: String,
    pub instructions: String,
    /// A model line, as it was written.
    pub model: String,
    #[serde(default)]
    pub access: Access,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// Origins such as `https://example.com` whose pages may call; `None`: any for a public agent, none otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// A key of the account is needed.
    #[default]
    Key,
    /// Anyone may call; a budget must bound it.
    Public,
}

impl Access {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Public => "public",
        }
    }
}

/// The most characters of an agent's name.
pub const MAX_NAME: usize = 255;
/// The most characters of instructions.
pub const MAX_INSTRUCTIONS: usize = 100_000;
/// The most calls of one agent at once that a definition may allow.
pub const MAX_CONCURRENCY: u32 = 10_000;
const MAX_ORIGINS: usize = 64;

impl Definition {
    /// Checks every field. Aliases in the model line are resolved by `alias`.
    ///
    /// # Errors
    /// Every field that does not fit, with how to mend it.
    pub fn check(
        &self,
        budget: Option<&Budget>,
        alias: impl Fn(&str) -> Option<String>,
    ) -> Result<(), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.length("name", &self.name, 1, MAX_NAME);
        errors.length("instructions", &self.instructions, 1, MAX_INSTRUCTIONS);
        errors.take("model", ModelLine::parse(&self.model).and_then(|line| line.expand(alias)));
        if self.access == Access::Public && budget.is_none() {
            errors.add("budget", "a public agent must have a budget: anyone may spend its money");
        }
        if self.max_concurrency.is_some_and(|n| n == 0 || n > MAX_CONCURRENCY) {
            errors.add("max_concurrency", format!("must be from 1 to {MAX_CONCURRENCY}"));
        }
        for (i, origin) in self.allowed_origins.iter().flatten().enumerate() {
            if !is_origin(origin) {
                errors.add(
                    &format!("allowed_origins[{i}]"),
                    "write an origin as browsers send it, such as https://example.com",
                );
            }
        }
        if self.allowed_origins.as_ref().is_some_and(|origins| origins.len() > MAX_ORIGINS) {
            errors.add("allowed_origins", format!("has at most {MAX_ORIGINS} entries"));
        }
        errors.finish()
    }

    /// The `Access-Control-Allow-Origin` for a page of `origin`; `None` when the page may not call.
    pub fn allow_origin(&self, origin: &str) -> Option<String> {
        match &self.allowed_origins {
            Some(origins) => origins.iter().find(|allowed| *allowed == origin).cloned(),
            None if self.access == Access::Public => Some("*".to_owned()),
            None => None,
        }
    }
}

/// `scheme://host[:port]` in the form browsers serialize it, so that comparing texts is comparing origins.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Definition {
        Definition {
            name: "Triage".into(),
            instructions: "Sort the mail.".into(),
            model: "openai:gpt-4.1-mini".into(),
            access: Access::Key,
            max_concurrency: None,
            allowed_origins: None,
        }
    }

    fn faults(definition: &Definition) -> Vec<String> {
        let errors = definition.check(None, |_| None).err().unwrap_or_default();
        errors.into_iter().map(|e| e.field).collect()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let bad = Definition {
            name: String::new(),
            instructions: "x".repeat(MAX_INSTRUCTIONS + 1),
            model: "openai".into(),
            access: Access::Public,
            max_concurrency: Some(0),
            allowed_origins: Some(vec!["https://a.example".into(), "https://a.example/".into(), "*".into()]),
        };
        assert_eq!(
            faults(&bad),
            [
                "name",
                "instructions",
                "model",
                "budget",
                "max_concurrency",
                "allowed_origins[1]",
                "allowed_origins[2]"
            ]
        );
        assert!(faults(&definition()).is_empty());
    }

    #[test]
    fn origins_open_an_agent_to_pages() {
        let listed = Definition { allowed_origins: Some(vec!["https://a.example".into()]), ..definition() };
        assert_eq!(listed.allow_origin("https://a.example").as_deref(), Some("https://a.example"));
        assert_eq!(listed.allow_origin("https://b.example"), None);
        assert_eq!(definition().allow_origin("https://a.example"), None);
        let public = Definition { access: Access::Public, ..definition() };
        assert_eq!(public.allow_origin("https://a.example").as_deref(), Some("*"));
    }
}
