//! Who asks for something that is kept: a thread names its agent, so that a base URL of the account needs none.

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;

use super::OpenAiResponses;
use crate::domain::flag::Flag;
use crate::domain::right::Right;
use crate::domain::thread::id::{EntryId, RunId, ThreadKey};
use crate::face::mount::{AccountCaller, Asker, Place};
use crate::face::{Face, cors, refusal};
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Resolved};
use crate::service::threads::{self, Visitor};
use crate::wire::client::responses::{item_of, run_of, thread_of};

/// What stands in a path.
#[derive(Debug, Deserialize)]
pub struct At {
    account: Option<String>,
    agent: Option<String>,
    response: Option<String>,
    conversation: Option<String>,
    item: Option<String>,
}

impl At {
    pub fn run(&self) -> Result<RunId, Problem> {
        let name = self.response.as_deref().unwrap_or_default();
        run_of(name).ok_or_else(|| not_found("Response", name))
    }

    pub fn thread(&self) -> Result<ThreadKey, Problem> {
        let name = self.conversation.as_deref().unwrap_or_default();
        thread_of(name).ok_or_else(|| not_found("Conversation", name))
    }

    pub fn item(&self) -> Result<EntryId, Problem> {
        let name = self.item.as_deref().unwrap_or_default();
        item_of(name).ok_or_else(|| not_found("Item", name))
    }

    /// The thread that the path is about.
    fn about(&self) -> Result<Option<ThreadKey>, Problem> {
        match (&self.response, &self.conversation) {
            (Some(_), _) => self.run().map(|run| Some(run.thread)),
            (None, Some(_)) => self.thread().map(Some),
            (None, None) => Ok(None),
        }
    }
}

pub fn not_found(what: &str, name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    Problem::new(Kind::NotFound, format!("{what} with id '{name}' not found."))
}

/// Somebody who may, at an agent.
pub struct Visit {
    pub visitor: Visitor,
    pub resolved: Resolved,
    pub at: At,
    pub request: Request,
}

/// Serves a request of somebody who may; `query` are the names that may stand in its query, `own` the operation's path.
pub async fn serve<W: World, F>(
    app: &App<W>,
    (own, request): (&'static str, Request),
    query: &[&str],
    answer: impl FnOnce(Visit) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Problem>> + Send,
{
    let names: Vec<&str> = query.iter().chain(OpenAiResponses::QUERY).copied().collect();
    let (mut parts, body) = request.into_parts();
    let at = Parameters::<At>::from_request_parts(&mut parts, app).await;
    let visited = match (query::check(&parts.uri, &names), at) {
        (Ok(()), Ok(Parameters(at))) => visit(app, own, at, &parts).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    let (visitor, resolved, at, allow_origin) = match visited {
        Ok(visited) => visited,
        Err(problem) => return refusal::<OpenAiResponses>(&problem),
    };
    let visit = Visit { visitor, resolved, at, request: Request::from_parts(parts, body) };
    let mut response = answer(visit).await.unwrap_or_else(|problem| refusal::<OpenAiResponses>(&problem));
    cors::allow(response.headers_mut(), allow_origin.as_deref());
    response
}

type Visited = (Visitor, Resolved, At, Option<String>);

async fn visit<W: World>(app: &App<W>, own: &'static str, at: At, parts: &Parts) -> Result<Visited, Problem> {
    let right: Right = OpenAiResponses::right(parts.method.as_str(), own);
    let place = Place::of(at.account.clone(), at.agent.clone());
    let caller = match place.asker_on_thread(app, &parts.headers)? {
        Asker::OfAgent(caller) => caller,
        Asker::OfAccount(asker) => {
            let (account, key) = (asker.account.as_ref(), asker.key.as_deref());
            let account = call::account_of(app, account, key, right.scope).await;
            let account = account.map_err(Problem::report(app))?;
            let agent = match at.about()? {
                Some(thread) => {
                    threads::agent_of(app, account, thread).await.map_err(Problem::report(app))?.to_string()
                }
                None => only_agent(app, &asker, right).await?,
            };
            asker.to(Some(&agent))?.needing(Flag::AccountWide)
        }
    };
    let caller = caller.asking(right.scope);
    // No admission follows that would turn away what was changed meanwhile.
    let resolved = call::resolve_current(app, &caller).await.map_err(Problem::report(app))?;
    let allow_origin = cors::allow_origin(&caller, &resolved.bundle);
    let visitor = Visitor::of(&resolved, right).map(|visitor| visitor.after(&caller));
    let visitor = visitor.map_err(Problem::report(app));
    let visitor = visitor.map_err(|problem| cors::readable(problem, allow_origin.as_deref()))?;
    Ok((visitor, resolved, at, allow_origin))
}

/// The only agent that the key may call: where there are others, the base URL of one is needed.
async fn only_agent<W: World>(app: &App<W>, asker: &AccountCaller, right: Right) -> Result<String, Problem> {
    let (account, key) = (asker.account.as_ref(), asker.key.as_deref());
    let callable = call::callable(app, account, key, right.scope).await;
    match callable.map_err(Problem::report(app))?.agents.as_slice() {
        [(agent, _)] => Ok(agent.as_str().to_owned()),
        _ => {
            let words = "This base URL is the account's, which has several agents: make conversations under …/agents/{agent}/v1.";
            Err(Problem::new(Kind::InvalidRequest, words))
        }
    }
}
