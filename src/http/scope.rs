//! Which scope an operation of the control plane asks for: that of the collection that its path names.

use std::borrow::Cow;

use axum::extract::MatchedPath;
use axum::http::Method;
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

/// The scope of what is served at this path; `None` for what no account's key does.
pub fn of_operation(at: &str, writes: bool) -> Option<Scope> {
    let of = |collection| Scope::of_collection(collection, writes);
    if at.ends_with("/accounts/{account}") {
        return of("account");
    }
    // Of a collection within another it is the inner one's: `agents/{agent}/calls`.
    at.rsplit('/').find_map(of)
}

/// Whether a request with this method changes anything.
pub fn writes(method: &Method) -> bool {
    !method.is_safe()
}

/// The session, if its key has the scope of what is asked for. An operation that names none is open to no key that has
/// scopes of its own.
pub fn require(parts: &Parts, session: Session) -> Result<Session, Denied> {
    if session.key.scopes.is_none() {
        return Ok(session);
    }
    let at = parts.extensions.get::<MatchedPath>();
    match at.and_then(|at| of_operation(at.as_str(), writes(&parts.method))) {
        Some(scope) if session.key.may(scope) => Ok(session),
        missing => Err(Denied::Scope(missing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_asks_for_the_scope_of_its_collection() {
        for (at, writes, scope) in [
            ("/api/v1/agents", false, Some(Scope::AgentsRead)),
            ("/accounts/{account}/agents/{agent}", true, Some(Scope::AgentsWrite)),
            ("/api/v1/agents/{agent}/calls", false, Some(Scope::LedgerRead)),
            ("/api/v1/agents/{agent}/budget", false, Some(Scope::AgentsRead)),
            ("/api/v1/templates/{template}", true, Some(Scope::AgentsWrite)),
            ("/api/v1/accounts/{account}/keys/{key}", true, Some(Scope::KeysWrite)),
            ("/accounts/{account}/keys", false, Some(Scope::KeysRead)),
            ("/api/v1/account", false, Some(Scope::AccountRead)),
            ("/accounts/{account}", true, Some(Scope::AccountWrite)),
            ("/api/v1/aliases/{name}", true, Some(Scope::ModelsWrite)),
            ("/api/v1/accounts/{account}", true, Some(Scope::AccountWrite)),
            ("/api/v1/accounts", true, None),
        ] {
            assert_eq!(of_operation(at, writes), scope, "{at} {writes}");
        }
    }
}
