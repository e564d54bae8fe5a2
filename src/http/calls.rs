//! `/api/v1/agents/{agent}/calls`: the ledger.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::admission::command::{CallRecord, CallStatus, UsageKind};
use crate::domain::money::Nanos;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::ledger;

use super::access::Reader;
use super::page::{List, Listed, PageQuery};
use super::path::Parameters;
use super::problem::Problem;

/// One governed call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    /// The id of the key it was made with; null for an anonymous call of a public agent.
    #[schema(format = "uuid")]
    key: Option<String>,
    version: u32,
    /// `provider:code` of the model that was asked last.
    #[schema(example = "openai:gpt-4.1-mini")]
    model: String,
    status: CallStatus,
    /// Where the tokens come from.
    usage: UsageKind,
    tokens: Tokens,
    /// What was set aside for it.
    #[schema(value_type = String, example = "0.001200")]
    held_usd: Nanos,
    #[schema(value_type = String, example = "0.000150")]
    cost_usd: Nanos,
    first_token_ms: Option<u32>,
    duration_ms: u32,
    /// The run that made it; null for a call by itself.
    run_id: Option<String>,
    /// When it was admitted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
}

/// The tokens of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tokens {
    /// The whole prompt.
    input: u64,
    /// The part of it that was read from the provider's cache.
    cached: u64,
    /// The part of it that was written to the provider's cache.
    cache_write: u64,
    /// All that was generated.
    output: u64,
    /// The part of it that was reasoning.
    reasoning: u64,
}

impl From<CallRecord> for View {
    fn from(record: CallRecord) -> Self {
        Self {
            id: record.call.to_string(),
            key: record.key.map(|key| key.to_string()),
            version: record.version,
            model: record.model,
            status: record.status,
            usage: record.usage,
            tokens: Tokens {
                input: record.tokens.input_tokens,
                cached: record.tokens.cached_input_tokens,
                cache_write: record.tokens.cache_write_tokens,
                output: record.tokens.output_tokens,
                reasoning: record.tokens.reasoning_tokens,
            },
            held_usd: record.held,
            cost_usd: record.cost,
            first_token_ms: record.first_token_ms,
            duration_ms: record.duration_ms,
            run_id: record.run.map(|run| run.to_string()),
            created_at: record.at,
        }
    }
}

/// List an agent's calls
///
/// Newest first. An archived agent's are found by its id.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{agent}/calls",
    operation_id = "list_calls",
    tag = "budgets",
    params(("agent" = String, Path, description = "Slug or id"), PageQuery),
    responses((status = 200, description = "A page of calls", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(agent): Parameters<String>,
    query: PageQuery,
) -> Result<Listed<View>, Problem> {
    let page = ledger::list(&app, &session, &agent, &query.request()).await.map_err(Problem::report(&app))?;
    Ok(query.answer(page, View::from))
}
