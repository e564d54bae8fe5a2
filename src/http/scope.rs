//! Which scope an operation of the control plane asks for: that of the collection that its path names.

use std::borrow::Cow;

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::scope::Scope;
use crate::service::authenticate::Session;
use crate::service::denied::Denied;

/// The names of scopes, as the document says them.
#[derive(Debug)]
pub struct Name;

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        let about = "What a key may do. `…:write` includes `…:read`.";
        let names = Scope::ALL.map(Scope::name);
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .enum_values(Some(names))
            .description(Some(about))
            .into()
    }
}

impl ToSchema for Name {
    fn name() -> Cow<'static, str> {
        "Scope".into()
    }
}

/// The scope of what a key of an account does at this path: that of the last collection in it that has one
/// (`agents/{agent}/calls`), else the configuration's, so that a collection without a scope of its own is not open to all.
pub fn of_operation(at: &str, writes: bool) -> Scope {
    let of = |collection| Scope::of_collection(collection, writes);
    if at.ends_with("/accounts/{account}") {
        return if writes { Scope::AccountWrite } else { Scope::AccountRead };
    }
    let of_any = if writes { Scope::ConfigurationWrite } else { Scope::ConfigurationRead };
    at.rsplit('/').find_map(of).unwrap_or(of_any)
}

/// The session, if its key has the scope of what is asked for.
pub fn require(parts: &Parts, session: Session) -> Result<Session, Denied> {
    let at = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let scope = of_operation(at, !parts.method.is_safe());
    if session.key.may(scope) { Ok(session) } else { Err(Denied::Scope(scope)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_asks_for_the_scope_of_its_collection() {
        for (at, writes, scope) in [
            ("/api/v1/agents", false, Scope::AgentsRead),
            ("/accounts/{account}/agents/{agent}", true, Scope::AgentsWrite),
            ("/api/v1/agents/{agent}/calls", false, Scope::LedgerRead),
            ("/api/v1/agents/{agent}/budget", false, Scope::AgentsRead),
            ("/api/v1/templates/{template}", true, Scope::AgentsWrite),
            ("/api/v1/accounts/{account}/keys/{key}", true, Scope::KeysWrite),
            ("/accounts/{account}/keys", false, Scope::KeysRead),
            ("/api/v1/account", false, Scope::AccountRead),
            ("/accounts/{account}", true, Scope::AccountWrite),
            ("/api/v1/aliases/{name}", true, Scope::ModelsWrite),
            ("/api/v1/accounts/{account}", true, Scope::AccountWrite),
            ("/api/v1/gadgets/{gadget}", true, Scope::ConfigurationWrite),
            ("/accounts/{account}/gadgets", false, Scope::ConfigurationRead),
            ("/api/v1/export", false, Scope::ConfigurationRead),
            ("/api/v1/agents/import", true, Scope::AgentsWrite),
        ] {
            assert_eq!(of_operation(at, writes), scope, "{at} {writes}");
        }
    }
}
