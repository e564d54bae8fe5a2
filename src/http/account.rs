//! `/api/v1/account`, of the key's account; `PATCH /api/v1/accounts/{account}`, of any, by the operator.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::account::{Account, Plan, Status};
use crate::domain::account_edit::Edit;
use crate::domain::field_error::FieldErrors;
use crate::domain::flag::Flag;
use crate::domain::given::given;
use crate::domain::json;
use crate::domain::money::Nanos;
use crate::domain::patch::Patch;
use crate::domain::read_only;
use crate::domain::time::Millis;
use crate::ports::{Fitted, World};
use crate::service::App;
use crate::service::account::{self, Changed, Standing};
use crate::service::failure::Failure;
use crate::service::precondition::Precondition;

use super::access::{Operator, Reader, Writer};
use super::account_change::{Noted, merge_of, rename};
use super::body::{Changes, Json, Operation};
use super::if_match::OnState;
use super::path::Parameters;
use super::problem::Problem;

/// An account, what its plan allows, and what is used of that.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountStanding)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    plan: Plan,
    /// As `plan`.
    pricing_tier: Plan,
    status: Status,
    /// The model line of its agents that name none; null: the platform's.
    #[schema(example = "openai:gpt-4.1-mini")]
    default_model: Option<String>,
    /// What the instructions of its agents may name.
    #[schema(value_type = Object, example = json!({"company": "Acme Inc."}))]
    variables: BTreeMap<String, String>,
    /// Whatever else the account keeps. `default_model` has a meaning.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    limits: Limits,
    /// What the operator has switched on and off for the account, by name.
    #[schema(value_type = Object, example = json!({"batched_admissions": true}))]
    flags: BTreeMap<&'static str, bool>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

/// What a plan allows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlanLimits)]
pub struct Limits {
    /// Agents that are neither archived nor inactive.
    agents: Count,
    /// Members that are not switched off.
    members: Count,
    /// Keys that are neither revoked, expired nor switched off.
    keys: Count,
    /// In the last minute.
    calls_per_minute: Count,
    /// Under way.
    concurrent_calls: Count,
    /// Threads that are kept; those that are made for one call do not count.
    threads: Count,
    /// Megabytes (10⁶ bytes) of what is said in them, rounded up.
    storage_mb: Count,
    /// Runs that are not over, those that wait for their turn or for somebody too.
    runs_at_once: Count,
    /// What agents remember, of all people and of work together.
    memories: Count,
    /// How many days a thread is kept that nothing changes; null: for ever, unless its agent says otherwise.
    #[schema(example = 365)]
    keep_days: Option<u32>,
    /// In the running calendar month (UTC), all agents together; what is set aside for calls under way is in it.
    monthly_spend_usd: Money,
    /// `public_agents`, `own_templates`, `import_url`.
    #[schema(example = json!(["public_agents"]))]
    features: Vec<&'static str>,
}

/// A limit on a number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CountLimit)]
pub struct Count {
    /// Null where there is none.
    #[schema(example = 10)]
    limit: Option<u32>,
    /// Keys that expire are counted up to the limit, and where there is none up to 10,000.
    #[schema(example = 3)]
    used: u32,
}

/// A limit on money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MoneyLimit)]
pub struct Money {
    /// Null where there is none.
    #[schema(value_type = Option<String>, example = "50.000000")]
    limit: Option<Nanos>,
    #[schema(value_type = String, example = "1.234560")]
    used: Nanos,
}

impl From<Standing> for View {
    fn from(Standing { account, limits, used, spend, kept, flags }: Standing) -> Self {
        let count = |limit, used| Count { limit, used };
        let default_model = account.default_model().map(str::to_owned);
        Self {
            id: account.id.to_string(),
            slug: account.slug.to_string(),
            name: account.name,
            plan: account.plan,
            pricing_tier: account.plan,
            status: account.status,
            default_model,
            variables: account.variables,
            settings: account.settings,
            limits: Limits {
                agents: count(limits.agents, used.agents),
                members: count(limits.members, used.members),
                keys: count(limits.keys, used.keys),
                calls_per_minute: count(limits.calls_per_minute, spend.calls_in_minute),
                concurrent_calls: count(limits.concurrent_calls, spend.open_calls),
                threads: count(limits.keeps.threads, kept.threads),
                storage_mb: count(limits.keeps.storage_mb, kept.megabytes()),
                runs_at_once: count(limits.keeps.runs_at_once, kept.runs),
                memories: count(limits.keeps.memories, kept.memories),
                keep_days: limits.keep_days,
                monthly_spend_usd: Money { limit: limits.monthly_spend, used: spend.settled + spend.held },
                features: limits.features.words().collect(),
            },
            flags: Flag::ALL.into_iter().map(|flag| (flag.name(), flags.has(flag))).collect(),
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

/// An account that was changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedAccount)]
pub struct ChangedView {
    #[serde(flatten)]
    account: View,
    /// What the plan has no room for and has switched off, newest first.
    over: Over,
    /// What the plan has room for again and has switched on, newest first. Agents are activated by hand.
    restored: Restored,
}

/// What was switched off.
#[derive(Debug, Serialize, ToSchema)]
pub struct Over {
    /// Slugs; the agents are inactive.
    agents: Vec<String>,
    /// Ids.
    members: Vec<String>,
    /// Ids.
    keys: Vec<String>,
}

/// What was switched on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Restored {
    /// Ids.
    members: Vec<String>,
    /// Ids.
    keys: Vec<String>,
}

impl From<Changed> for ChangedView {
    fn from(Changed { standing, fitted }: Changed) -> Self {
        fn texts<T: ToString>(all: &[T]) -> Vec<String> {
            all.iter().map(ToString::to_string).collect()
        }
        let Fitted { agents_off, members_off, keys_off, members_on, keys_on } = fitted;
        Self {
            account: standing.into(),
            over: Over { agents: texts(&agents_off), members: texts(&members_off), keys: texts(&keys_off) },
            restored: Restored { members: texts(&members_on), keys: texts(&keys_on) },
        }
    }
}

/// What to change of the account; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountPatch)]
pub struct Body {
    #[schema(example = "Acme Inc.")]
    name: Option<String>,
    /// Laid over those there are; null removes one. Names have a-z, 0-9 and '_', a letter first; texts at most 10,000
    /// characters. At most 100.
    #[schema(value_type = Option<Object>, example = json!({"company": "Acme Inc.", "old": null}))]
    variables: Option<BTreeMap<String, Option<String>>>,
    /// Laid over those there are, objects deeply; null removes a name. At most 64 KiB altogether.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    /// The model line of agents that name none; null: the platform's again.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "openai:gpt-4.1-mini")]
    default_model: Option<Option<String>>,
    /// A lower one. What it has no room for is switched off, newest first, and listed; the plan there is, is applied anew.
    plan: Option<Plan>,
}

/// What the operator changes of an account; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperatorPatch)]
pub struct OperatorBody {
    name: Option<String>,
    /// As `PATCH /api/v1/account` takes them.
    #[schema(value_type = Option<Object>)]
    variables: Option<BTreeMap<String, Option<String>>>,
    /// As `PATCH /api/v1/account` takes them.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    /// As `PATCH /api/v1/account` takes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    default_model: Option<Option<String>>,
    /// Any. What a lower one has no room for is switched off, newest first; what a higher one has room for again is
    /// switched on, oldest first.
    plan: Option<Plan>,
    /// The calls of a suspended account are refused, and its configuration can only be read.
    status: Option<Status>,
}

/// Reads a body that has been looked at already.
fn read<T: DeserializeOwned>((body, noted): (Map<String, Value>, [Noted; 2])) -> Result<T, Problem> {
    let mut errors = FieldErrors::default();
    noted.into_iter().for_each(|noted| errors.join(noted));
    let read = json::read(&body.into());
    let read = read.map_err(|faults| errors.join(Err(faults))).ok();
    errors.finish_with(read).map_err(Problem::invalid)
}

/// The fields of a change in our words without what is only shown, and what is wrong with them so far.
async fn understood<W: World>(
    app: &App<W>,
    patch: Patch,
    precondition: &mut Precondition,
    account: &Account,
    written: &[&str],
) -> Result<(Map<String, Value>, [Noted; 2]), Failure> {
    let (mut body, known) = match patch {
        Patch::Merge(fields) => (fields, None),
        Patch::Operations(operations) => {
            // They are made over the state on which they were tried.
            precondition.or_tag(account::tag(account));
            let shown = shown(app, account).await?;
            (merge_of(&operations, &shown)?, Some(shown))
        }
    };
    let renamed = rename(&mut body, account);
    if !read_only::is_needed(&body, written) {
        return Ok((body, [renamed, Ok(())]));
    }
    let shown = match known {
        Some(shown) => shown,
        None => shown(app, account).await?,
    };
    let left = leave_out_shown(&mut body, shown, written);
    Ok((body, [renamed, left]))
}

/// What GET shows of an account.
async fn shown<W: World>(app: &App<W>, account: &Account) -> Result<Map<String, Value>, Failure> {
    let view = View::from(account::standing(app, account.clone()).await?);
    match serde_json::to_value(view) {
        Ok(Value::Object(shown)) => Ok(shown),
        _ => Ok(Map::new()),
    }
}

/// Leaves out what the account is shown with; in a whole account that is written back, also the plan that it has.
fn leave_out_shown(body: &mut Map<String, Value>, mut shown: Map<String, Value>, written: &[&str]) -> Noted {
    shown.extend(["over", "restored"].map(|name| (name.to_owned(), Value::Null)));
    if body.get("plan").is_some_and(|plan| shown.get("plan") == Some(plan)) {
        body.remove("plan");
    }
    read_only::leave_out(body, &shown, written)
}

fn tagged<T: Serialize>(account: &Account, view: impl FnOnce() -> T) -> Response {
    let tag = format!("\"{}\"", account::tag(account));
    ([(header::ETAG, tag)], Json(view())).into_response()
}

/// Show the account
///
/// Its words and settings, and its plan: what it allows and what is used of that.
#[utoipa::path(
    get,
    path = "/api/v1/account",
    operation_id = "get_account",
    tag = "accounts",
    responses((status = 200, description = "The account", body = View,
        headers(("etag" = String, description = "This state of what is configured, whatever is used"))))
)]
pub async fn get<W: World>(State(app): State<App<W>>, Reader(session): Reader) -> Result<Response, Problem> {
    let standing = account::get(&app, &session).await.map_err(Problem::report(&app))?;
    let account = standing.account.clone();
    Ok(tagged(&account, || View::from(standing)))
}

/// Change the account
///
/// It holds from the next call. Moving to a lower plan deletes nothing: what it has no room for is made inactive, newest
/// first, and listed in `over`; the key that asks stays.
#[utoipa::path(
    patch,
    path = "/api/v1/account",
    operation_id = "patch_account",
    tag = "accounts",
    params(
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        ("if-none-match" = Option<String>, Header, description = "`*`: only where there is none"),
    ),
    request_body(content((Body = "application/json"), (Vec<Operation> = "application/json-patch+json"))),
    responses((status = 200, description = "The account", body = ChangedView,
        headers(("etag" = String, description = "This state of what is configured, whatever is used"))))
)]
pub async fn patch<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    OnState(mut precondition): OnState,
    Changes(patch): Changes,
) -> Result<Response, Problem> {
    let written = json::fields_of::<Body>();
    let change = understood(&app, patch, &mut precondition, &session.account, written).await;
    let change = change.map_err(Problem::report(&app))?;
    let Body { name, variables, settings, default_model, plan } = read(change)?;
    let edit = Edit { name, variables, settings, default_model, plan, status: None };
    let changed = account::patch(&app, &session, &edit, &precondition).await;
    Ok(changed_view(changed.map_err(Problem::report(&app))?))
}

fn changed_view(changed: Changed) -> Response {
    let account = changed.standing.account.clone();
    tagged(&account, || ChangedView::from(changed))
}

/// Change any account
///
/// Only the operator may. It holds from the next call.
#[utoipa::path(
    patch,
    path = "/api/v1/accounts/{account}",
    operation_id = "patch_any_account",
    tag = "accounts",
    params(
        ("account" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        ("if-none-match" = Option<String>, Header, description = "`*`: only where there is none"),
    ),
    request_body(content((OperatorBody = "application/json"), (Vec<Operation> = "application/json-patch+json"))),
    responses((status = 200, description = "The account", body = ChangedView,
        headers(("etag" = String, description = "This state of what is configured, whatever is used"))))
)]
pub async fn patch_any<W: World>(
    State(app): State<App<W>>,
    Operator(principal): Operator,
    Parameters(account): Parameters<String>,
    OnState(mut precondition): OnState,
    Changes(patch): Changes,
) -> Result<Response, Problem> {
    let found = account::any(&app, &principal, &account).await.map_err(Problem::report(&app))?;
    let written = json::fields_of::<OperatorBody>();
    let change = understood(&app, patch, &mut precondition, &found, written).await;
    let change = change.map_err(Problem::report(&app))?;
    let OperatorBody { name, variables, settings, default_model, plan, status } = read(change)?;
    let edit = Edit { name, variables, settings, default_model, plan, status };
    let changed = account::patch_any(&app, &principal, &account, &edit, &precondition).await;
    Ok(changed_view(changed.map_err(Problem::report(&app))?))
}
