//! How members are written and shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{About, Facts, Limit, Naming, Parameter};
use crate::domain::account;
use crate::domain::member::{Member, Role};
use crate::domain::time::Millis;

pub static FACTS: Facts = Facts {
    parameters: &[Parameter { name: "member", about: "The member's id", is_rest: false }],
    tag: "members",
    about: About {
        list: "Newest first.",
        get: "With its role and its profile.",
        create: "It has no key yet: issue one with `POST /accounts/{account}/keys` and the member's id.",
        put: "As PATCH, with every field given; a profile that is left out is emptied.",
        patch: "It holds from the next call. A lower role lowers the member's keys of role `admin` to `member`; a higher one \
                raises none. A profile that is given replaces the whole of it.",
        delete: "The member's keys are revoked with it and fail from the next call.",
    },
    readers: account::Role::Admin,
    naming: Naming::ByPlatform,
    distinct: "email",
    reaches_calls: true,
    limit: Limit::Plan(None),
    // People are no configuration: files do not carry them.
    is_exported: false,
    whole: &["profile"],
    ..Facts::new("member", "a member", "members")
};

/// A member as the account wants it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMember)]
pub struct Body {
    /// Left out: made of the email.
    #[schema(example = "Grace Hopper")]
    pub name: Option<String>,
    /// Kept in lower case; no other member may have it.
    #[schema(example = "alan@example.com")]
    pub email: String,
    pub role: Role,
    /// As `PUT …/profile` takes it; empty when left out.
    #[schema(value_type = Option<Object>)]
    pub profile: Option<Map<String, Value>>,
}

/// A person of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    email: String,
    role: Role,
    /// What the member has set: `username`, `avatar_url`, `bio`; `settings.agent_prompts` has text for agents' instructions, by slug.
    #[schema(value_type = Object)]
    profile: Map<String, Value>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
    /// Since when neither the member nor its keys open anything, because the account's plan has no room for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    inactive_at: Option<Millis>,
}

impl From<&Member> for View {
    fn from(member: &Member) -> Self {
        Self {
            id: member.id.to_string(),
            name: member.name.clone(),
            email: member.email.as_str().to_owned(),
            role: member.role,
            profile: member.profile.shown(),
            created_at: member.created_at,
            updated_at: member.updated_at,
            inactive_at: member.inactive_at,
        }
    }
}
