//! The people of an account: their role, and what each has set for the agents' calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::account;
use super::field_error::{FieldError, FieldErrors};
use super::ids::MemberId;
use super::json;
use super::slug::Slug;
use super::time::Millis;

/// The most agents that one member can have prompts for.
pub const MAX_PROMPTS: usize = 100;
/// The most characters of one prompt.
pub const MAX_PROMPT: usize = 10_000;
/// The most bytes of a profile's JSON.
pub const MAX_PROFILE: usize = 64 * 1024;

/// A person of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub id: MemberId,
    pub name: String,
    pub email: Email,
    pub role: Role,
    pub profile: Profile,
    pub created_at: Millis,
    /// Grows with every change of the row.
    pub updated_at: Millis,
    /// Since when the account has more members than its plan allows, this one among them.
    pub inactive_at: Option<Millis>,
}

/// The most that a key of the member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MemberRole)]
pub enum Role {
    /// Reads the account's configuration.
    Member,
    /// Writes it.
    Admin,
}

impl Role {
    pub const fn name(self) -> &'static str {
        self.of_keys().name()
    }

    /// The highest role that a key of such a member can have.
    pub const fn of_keys(self) -> account::Role {
        match self {
            Self::Member => account::Role::Member,
            Self::Admin => account::Role::Admin,
        }
    }
}

/// An address in lower case, so that one person is one member however it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

/// Why a text is no address that mail could go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an address such as ada@example.com, of at most 254 characters")]
pub struct ImplausibleEmail;

impl Email {
    /// Takes what mail could go to: `local@domain.tld` without blanks (RFC 5321, 4.5.3.1 has the lengths). Whether it
    /// arrives, only mail can tell.
    ///
    /// # Errors
    /// [`ImplausibleEmail`].
    pub fn parse(text: &str) -> Result<Self, ImplausibleEmail> {
        let (local, domain) = text.split_once('@').ok_or(ImplausibleEmail)?;
        let is_label = |label: &str| {
            let inner = label.chars().all(|c| c.is_alphanumeric() || c == '-');
            inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
        };
        let is_local = (1..=64).contains(&local.chars().count())
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        let is_domain = domain.contains('.') && domain.split('.').all(is_label);
        if is_local && is_domain && text.chars().count() <= 254 {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(ImplausibleEmail)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a member has set: `{"settings": {"agent_prompts": {agent slug: text}, …}}`. What else stands in `settings` is the
/// member's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile(Map<String, Value>);

/// What a profile may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    #[serde(default)]
    settings: Map<String, Value>,
}

impl Profile {
    /// Checks everything but whether the agents exist.
    ///
    /// # Errors
    /// Every field that does not fit.
    pub fn parse(profile: Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let whole = Value::Object(profile.clone());
        let mut errors = FieldErrors::default();
        let bytes = whole.to_string().len();
        if bytes > MAX_PROFILE {
            errors.add("settings", format!("a profile has at most {MAX_PROFILE} bytes of JSON, has {bytes}"));
        }
        match json::read::<Shape>(&whole) {
            Ok(shape) => check_prompts(shape.settings.get("agent_prompts"), &mut errors),
            Err(faults) => errors.join(Err(faults)),
        }
        errors.finish()?;
        Ok(Self(profile))
    }

    /// The agents' slugs, each with the text for its instructions.
    pub fn prompts(&self) -> impl Iterator<Item = (&str, &str)> {
        let prompts = self.0.get("settings").and_then(|settings| settings.get("agent_prompts"));
        let all = prompts.and_then(Value::as_object).into_iter().flatten();
        all.filter_map(|(slug, text)| Some((slug.as_str(), text.as_str()?)))
    }

    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// The field of an agent's prompt, for faults.
pub fn prompt_field(slug: &str) -> String {
    format!("settings.agent_prompts.{slug:.64}")
}

fn check_prompts(prompts: Option<&Value>, errors: &mut FieldErrors) {
    let Some(prompts) = prompts else { return };
    let Some(prompts) = prompts.as_object() else {
        return errors.add("settings.agent_prompts", "must be an object: agents' slugs, each with a text");
    };
    if prompts.len() > MAX_PROMPTS {
        errors.add(
            "settings.agent_prompts",
            format!("names at most {MAX_PROMPTS} agents, names {}", prompts.len()),
        );
        return;
    }
    for (slug, text) in prompts {
        let field = prompt_field(slug);
        errors.take(&field, Slug::parse(slug));
        match text.as_str() {
            Some(text) => errors.length(&field, text, 1, MAX_PROMPT),
            None => errors.add(&field, "must be a string"),
        }
    }
}

#[cfg(test)]
#[path = "member_tests.rs"]
mod tests;
