//! Lists of agents: discovery.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::domain::account::{Account, Status::Suspended};
use crate::domain::agent::{Agent, Modality, Status};
use crate::domain::ids::AccountId;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Discovery, Narrow};
use crate::service::denied::Denied;
use crate::service::page::{Page, Request};

use super::super::access::Visitor;
use super::super::page::{self, Format, List};
use super::super::problem::Problem;
use super::super::query::query;
use super::urls::{Bases, Urls};
use super::{Discovered, url};

/// Which agents, and which page of them. What is given must all be so.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those of this status; left out, all but archived ones.
    #[param(value_type = Option<Status>)]
    status: Option<String>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(example = "router")]
    kind: Option<String>,
    /// Only those with this label.
    label: Option<String>,
    /// Only those where each of these words begins a word of the name or the slug.
    q: Option<String>,
    /// How many, from 1 to 200; 50 when left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    #[param(inline)]
    format: Option<Format>,
}

query!(ListQuery);

/// An agent, as whoever may call it sees it: nothing of how it is made, nor of its money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallableAgent)]
pub struct Card {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    description: Option<String>,
    #[schema(example = json!(["tools", "streaming"]))]
    capabilities: Vec<&'static str>,
    modality: Modality,
    status: Status,
    /// Whether its configuration leads to a model that can be called.
    healthy: bool,
    url: String,
    urls: Urls,
}

impl Card {
    fn of(account: &Account, agent: Agent, discovery: &Discovery, bases: &Bases) -> Self {
        let url = url(account, &agent);
        Self {
            status: agent.status(),
            id: agent.id.to_string(),
            slug: agent.slug.to_string(),
            name: agent.definition.name,
            kind: agent.definition.kind,
            description: agent.definition.description,
            capabilities: discovery.capabilities.names().collect(),
            modality: agent.definition.modality,
            healthy: discovery.healthy,
            urls: Urls::new(url.clone(), bases.clone()),
            url,
        }
    }
}

/// A page, with as much of each agent as whoever asks may see.
#[derive(Debug)]
#[expect(dead_code, reason = "it describes what is answered")]
pub enum Listed {
    Configured(List<Discovered>),
    Callable(List<Card>),
}

/// A kind of page, by the name that the document has for it.
fn page<T: ToSchema>() -> (String, RefOr<Schema>) {
    (format!("List_{}", T::name()), List::<T>::schema())
}

impl PartialSchema for Listed {
    /// An empty page is both.
    fn schema() -> RefOr<Schema> {
        let pages = [page::<Discovered>().0, page::<Card>().0].map(Ref::from_schema_name);
        RefOr::T(Schema::AnyOf(pages.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).build()))
    }
}

impl ToSchema for Listed {
    fn name() -> Cow<'static, str> {
        "AgentPage".into()
    }

    fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
        found.extend([page::<Discovered>(), page::<Card>()]);
        found.push((Discovered::name().into_owned(), Discovered::schema()));
        found.push((Card::name().into_owned(), Card::schema()));
        Discovered::schemas(found);
        Card::schemas(found);
    }
}

/// List the agents
///
/// Newest first: agents that are created meanwhile do not move those on later pages. Each with what there is to know of it
/// before it is called. A page goes through at most 1,000 agents that do not fit, and ends where its definitions have four
/// million characters; then it is shorter than `limit`, even empty, and `next_cursor` goes on from there. Members and admins
/// see all there is; a key of role `caller` the agents that it may call, and whoever asks `/accounts/{account}/agents` without
/// a key the public ones, both without instructions, models, labels and budgets.
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    operation_id = "list_agents",
    tag = "agents",
    params(ListQuery),
    responses((status = 200, description = "A page of agents", body = Listed))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    by: Visitor,
    query: ListQuery,
    bases: &Bases,
) -> Result<Response, Problem> {
    let narrow = Narrow { status: query.status, kind: query.kind, label: query.label, q: query.q };
    let format = query.format.unwrap_or_default();
    let page = Request { limit: query.limit, cursor: query.cursor };
    let (account, key) = match by {
        Visitor::Reader(session) => {
            let account = session.account;
            let page = agents::list(&app, account.id, &narrow, &page).await.map_err(Problem::report(&app))?;
            let page = with_discoveries(&app, account.id, page).await?;
            let each = |(agent, discovery)| Discovered::of(&account, agent, discovery, bases);
            return Ok(page::Listed(List::of(page, each), format).into_response());
        }
        Visitor::Caller(session) if session.account.status == Suspended => {
            return Err(Denied::Suspended.into());
        }
        Visitor::Caller(session) => (Some(session.account), Some(session.key)),
        // That an account is there, or suspended, is nothing for strangers: one that is not has no agents.
        Visitor::Anonymous(account) => (account.filter(|account| account.status != Suspended), None),
    };
    let id = account.as_ref().map_or_else(|| AccountId::new(app.world.now(), app.world.random()), |of| of.id);
    let page = agents::list_callable(&app, id, key.as_ref(), &narrow, &page).await;
    let page = with_discoveries(&app, id, page.map_err(Problem::report(&app))?).await?;
    let rows = page.rows.into_iter().zip(std::iter::repeat(&account));
    let cards =
        rows.filter_map(|((agent, found), account)| Some(Card::of(account.as_ref()?, agent, &found, bases)));
    let list = List { data: cards.collect(), next_cursor: page.next_cursor };
    Ok(page::Listed(list, format).into_response())
}

async fn with_discoveries<W: World>(
    app: &App<W>,
    account: AccountId,
    page: Page<Agent>,
) -> Result<Page<(Agent, Discovery)>, Problem> {
    let discoveries = agents::discover(app, account, &page.rows).await.map_err(Problem::report(app))?;
    Ok(Page { rows: page.rows.into_iter().zip(discoveries).collect(), next_cursor: page.next_cursor })
}
