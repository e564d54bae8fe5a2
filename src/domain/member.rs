//! The people of an account: their role, and what each has set for the agents' calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::account;
use super::field_error::{FieldError, FieldErrors};
use super::ids::MemberId;
use super::json::{self, MAX_FREE_DEPTH};
use super::slug::Slug;
use super::time::Millis;

/// The most characters of a username.
pub const MAX_USERNAME: usize = 64;
const MAX_URL: usize = 2_000;
const MAX_BIO: usize = 2_000;
/// The most agents that one member can have prompts for.
const MAX_PROMPTS: usize = 100;
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

    /// A name for people: `ada.lovelace+x@example.com` is Ada Lovelace.
    pub fn name(&self) -> String {
        let local = self.0.split(['@', '+']).next().unwrap_or_default();
        let capital = |word: &str| {
            let mut chars = word.chars();
            chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<String>()
        };
        let words: Vec<String> =
            local.split(['.', '_', '-']).filter(|word| !word.is_empty()).map(capital).collect();
        if words.is_empty() { self.0.clone() } else { words.join(" ") }
    }
}

/// What a member has set: `{"username", "avatar_url", "bio", "settings": {"agent_prompts": {agent slug: text}, …}}`. What else stands in `settings` is the
/// member's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile(Map<String, Value>);

/// What a profile may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    username: Option<String>,
    avatar_url: Option<String>,
    bio: Option<String>,
    settings: Option<Map<String, Value>>,
}

impl Shape {
    fn check(&self, errors: &mut FieldErrors) {
        for (field, text, most) in [
            ("username", &self.username, MAX_USERNAME),
            ("avatar_url", &self.avatar_url, MAX_URL),
            ("bio", &self.bio, MAX_BIO),
        ] {
            let Some(text) = text else { continue };
            errors.length(field, text, 1, most);
            if field != "bio" {
                errors.line(field, text);
            }
        }
        let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if self.avatar_url.as_deref().is_some_and(|url| !is_web(url) || url::Url::parse(url).is_err()) {
            errors.add("avatar_url", "write a URL such as https://example.com/ada.png");
        }
        let settings = self.settings.as_ref();
        check_prompts(settings.and_then(|settings| settings.get("agent_prompts")), errors);
        if settings.is_some_and(|settings| settings.values().any(|value| json::depth(value) > MAX_FREE_DEPTH))
        {
            errors.add("settings", format!("are nested at most {MAX_FREE_DEPTH} deep"));
        }
    }
}

impl Profile {
    /// Checks everything but whether the agents exist. What stands for nothing is left out.
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
            Ok(shape) => shape.check(&mut errors),
            Err(faults) => errors.join(Err(faults)),
        }
        errors.finish()?;
        let mut profile = profile;
        if let Some(Value::Object(settings)) = profile.get_mut("settings") {
            settings.retain(|name, value| name != "agent_prompts" || *value != Value::Object(Map::new()));
        }
        profile.retain(|_, value| !value.is_null() && *value != Value::Object(Map::new()));
        Ok(Self(profile))
    }

    /// With every field: null where nothing is set, and `agent_prompts` from the first moment.
    pub fn shown(&self) -> Map<String, Value> {
        let text = |name: &str| (name.to_owned(), self.0.get(name).cloned().unwrap_or_default());
        let mut shown: Map<String, Value> = ["username", "avatar_url", "bio"].into_iter().map(text).collect();
        let mut settings = self.0.get("settings").and_then(Value::as_object).cloned().unwrap_or_default();
        settings.entry("agent_prompts").or_insert_with(|| Map::new().into());
        shown.insert("settings".to_owned(), settings.into());
        shown
    }

    /// The agents' slugs, each with the text for its instructions.
    pub fn prompts(&self) -> impl Iterator<Item = (&str, &str)> {
        let prompts = self.0.get("settings").and_then(|settings| settings.get("agent_prompts"));
        let all = prompts.and_then(Value::as_object).into_iter().flatten();
        all.filter_map(|(slug, text)| Some((slug.as_str(), text.as_str()?)))
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
