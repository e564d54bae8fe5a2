//! `/api/v1/accounts/{account}/keys`: for the operator and the account's admins.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::account::{Key, Role};
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::keys::{self, NewKey};

use super::access::{KeyReader, KeyWriter};
use super::body::{self, Json};
use super::page::{List, Listed, PageQuery};
use super::path::Parameters;
use super::problem::Problem;
use super::scope;

/// A key to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub struct Body {
    /// For people: who or what uses it.
    name: String,
    role: Role,
    /// Slugs or ids of the agents that a key of role `caller` is confined to; every agent when left out.
    agents: Option<Vec<String>>,
    /// What it may do, at most all that its role has, and no more than the key that asks; all of the role when left out.
    /// `…:write` includes `…:read`.
    #[schema(value_type = Option<Vec<scope::Name>>, example = json!(["calls"]))]
    scopes: Option<Vec<String>>,
    /// Id of the member that it acts for, whose role must allow the key's; the account itself when left out.
    #[schema(format = "uuid")]
    member: Option<String>,
    /// The key fails from this moment on; never when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Millis>,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    role: Role,
    /// Id of the member that it acts for; null for the account itself.
    #[schema(format = "uuid")]
    member: Option<String>,
    /// Ids of the agents it is confined to; null for every agent.
    agents: Option<Vec<String>>,
    /// What it may do now.
    #[schema(value_type = Vec<scope::Name>)]
    scopes: Vec<&'static str>,
    /// What the key looks like: its beginning and end.
    hint: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Millis>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Millis>,
    /// Since when it opens nothing, because the account's plan has no room for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    inactive_at: Option<Millis>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
}

/// A key that was just issued.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedKey)]
pub struct Issued {
    /// The key itself. It is shown this once and kept nowhere.
    key: String,
    #[serde(flatten)]
    view: View,
}

impl From<Key> for View {
    fn from(key: Key) -> Self {
        Self {
            scopes: key.scopes().names().collect(),
            id: key.id.to_string(),
            name: key.name,
            role: key.role,
            member: key.member.map(|member| member.to_string()),
            agents: key.agents.map(|agents| agents.iter().map(ToString::to_string).collect()),
            hint: key.hint,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            inactive_at: key.inactive_at,
            created_at: key.created_at,
        }
    }
}

type IssuedReply = (StatusCode, [(HeaderName, &'static str); 1], Json<Issued>);

/// Issue a key
///
/// The answer has the key itself, this once; only its digest is kept. A key of role `admin` writes the account's
/// configuration, `member` reads it, `caller` only calls agents; `scopes` narrow that, and each operation's
/// security requirements name the one it asks for.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/{account}/keys",
    operation_id = "issue_key",
    tag = "keys",
    params(("account" = String, Path, description = "Slug or id")),
    request_body = Body,
    responses((status = 201, description = "The key, shown this once", body = Issued))
)]
pub async fn issue<W: World>(
    State(app): State<App<W>>,
    KeyWriter { account, by, scopes }: KeyWriter,
    Json(body): Json<Map<String, Value>>,
) -> Result<IssuedReply, Problem> {
    let (body, faults): (Body, _) = body::parse_partly(body, Ok(()))?;
    let new = NewKey {
        name: body.name,
        role: body.role,
        member: body.member,
        agents: body.agents,
        scopes: body.scopes,
        expires_at: body.expires_at,
    };
    let issued = keys::issue(&app, by, &account, scopes, new, faults).await.map_err(Problem::report(&app))?;
    let reply = Issued { key: issued.secret.expose().to_owned(), view: issued.key.into() };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(reply)))
}

/// List the keys
///
/// Newest first, revoked and expired ones included, without their secrets.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{account}/keys",
    operation_id = "list_keys",
    tag = "keys",
    params(("account" = String, Path, description = "Slug or id"), PageQuery),
    responses((status = 200, description = "A page of keys", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    KeyReader(account): KeyReader,
    query: PageQuery,
) -> Result<Listed<View>, Problem> {
    let page = keys::list(&app, &account, &query.request()).await.map_err(Problem::report(&app))?;
    Ok(query.answer(page, View::from))
}

/// Revoke a key
///
/// It fails from the next call on. Revoking it again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{account}/keys/{key}",
    operation_id = "revoke_key",
    tag = "keys",
    params(
        ("account" = String, Path, description = "Slug or id"),
        ("key" = String, Path, description = "The key's id")
    ),
    responses((status = 204, description = "Revoked"))
)]
pub async fn revoke<W: World>(
    State(app): State<App<W>>,
    KeyWriter { account, by, .. }: KeyWriter,
    Parameters((_, key)): Parameters<(String, String)>,
) -> Result<StatusCode, Problem> {
    keys::revoke(&app, by, &account, &key).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
