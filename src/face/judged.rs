//! Who asks, judged by path and head before a byte of the body is read, and the agent that is asked.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::call::Call;
use super::mount::{AccountCaller, Asker, Place};
use super::named::NamedAgent;
use super::once::IDEMPOTENCY_KEY;
use super::turn::X_THREAD;
use super::{cors, head};
use crate::domain::flag::Flag;
use crate::http::body;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Asked, Caller, Resolved};
use crate::service::tool::is_run;
use crate::wire::client::threads::Threaded;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A request whose body may be read.
pub enum Judged {
    Caller(Entered),
    /// Of an account whose key is good; the agent is still to be named.
    KeyHolder(AccountCaller),
}

/// A request whose caller may call.
pub struct Entered {
    pub caller: Caller,
    pub resolved: Resolved,
    pub resolve_ms: u64,
}

/// Decides by path and head, then reads the body: one who may not call is told so whatever the body.
pub async fn judge<W: World>(
    app: &App<W>,
    place: &Place,
    request: Request,
) -> Result<(Judged, Bytes, HeaderMap), Problem> {
    let (parts, content) = request.into_parts();
    let judged = match place.asker_on_thread(app, &parts.headers)? {
        Asker::OfAgent(caller) => Judged::Caller(resolve(app, caller).await?),
        Asker::OfAccount(asker) => {
            let checked = call::check_key(app, asker.account.as_ref(), asker.key.as_deref()).await;
            checked.map_err(Problem::report(app))?;
            Judged::KeyHolder(asker)
        }
    };
    let of_run = of_run(&parts.headers);
    let bytes = body::read(Request::from_parts(parts, content)).await.and_then(body::exact);
    let bytes = bytes.map_err(|problem| judged.readable(problem))?;
    // As the control plane reads bodies: editors of Windows put one before the text.
    let begins_at = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    Ok((judged, bytes.slice(begins_at..), of_run))
}

pub async fn resolve<W: World>(app: &App<W>, caller: Caller) -> Result<Entered, Problem> {
    let started = app.world.now();
    let resolved = call::resolve(app, &caller).await.map_err(Problem::report(app))?;
    Ok(Entered { caller, resolved, resolve_ms: app.world.now().since(started) })
}

impl Judged {
    /// A problem that the caller's page can read, like the answer it stands for.
    pub fn readable(&self, problem: Problem) -> Problem {
        match self {
            Self::Caller(entered) => entered.readable()(problem),
            // Which pages may read, the agent says.
            Self::KeyHolder(_) => problem,
        }
    }

    /// The caller of the agent that the path names, or else the body.
    pub async fn enter<W: World>(self, app: &App<W>, model: &mut Option<String>) -> Result<Entered, Problem> {
        match self {
            Self::Caller(entered) => Ok(entered),
            Self::KeyHolder(asker) => {
                let agent = model.take();
                let named = NamedAgent::of(&asker, agent.as_deref());
                let resolved = match asker.to(agent.as_deref()) {
                    Ok(caller) => resolve(app, caller.needing(Flag::AccountWide)).await,
                    Err(error) => Err(error.into()),
                };
                match resolved {
                    Ok(entered) => Ok(entered),
                    Err(problem) => Err(named.instead(app, problem).await),
                }
            }
        }
    }
}

impl Entered {
    /// For `map_err`: a problem that the caller's page can read.
    pub fn readable(&self) -> impl FnOnce(Problem) -> Problem + use<> {
        let allow_origin = cors::allow_origin(&self.caller, &self.resolved.bundle);
        move |problem| cors::readable(problem, allow_origin.as_deref())
    }

    /// A model that is anybody's, and none of the line's, is whatever answers.
    pub fn take_anybodys<C: Call>(&self, asked: &mut Asked) {
        asked.model.take_if(|name| C::is_anybodys(name) && !self.resolved.bundle.has_model(name));
    }

    /// What stands on a reply of a run.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let agent = &self.resolved.bundle.agent;
        let mut headers = HeaderMap::new();
        headers.insert("x-agent-version", HeaderValue::from(agent.version));
        headers.extend(head::deprecation(agent));
        cors::allow(&mut headers, cors::allow_origin(&self.caller, &self.resolved.bundle).as_deref());
        headers.into_iter().filter_map(|(name, value)| Some((name?, value))).collect()
    }

    /// Whether the call is a run: on a thread, with tools that run here, in the background, or under a key.
    pub fn is_run(&self, threaded: Option<&Threaded>, has_headers: bool) -> bool {
        has_headers
            || threaded.is_some_and(Threaded::asks_for_a_run)
            || is_run(&self.resolved.bundle.agent.definition)
    }

    /// The same by rows that are in force now.
    pub async fn current<W: World>(self, app: &App<W>) -> Result<Self, Problem> {
        let readable = self.readable();
        let resolved = call::resolve_current(app, &self.caller).await;
        let resolved = resolved.map_err(|error| readable(Problem::report(app)(error)))?;
        Ok(Self { resolved, ..self })
    }
}

/// The headers that make a call a run; most calls have none.
fn of_run(headers: &HeaderMap) -> HeaderMap {
    let mut of_run = HeaderMap::new();
    for name in [X_THREAD, IDEMPOTENCY_KEY] {
        of_run.extend(headers.get_all(&name).iter().map(|value| (name.clone(), value.clone())));
    }
    of_run
}
