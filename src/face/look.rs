//! A call that only looks: judged, parsed and resolved as one that is made, and answered without a model.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::call::Call;
use super::drive::named;
use super::judged::{Entered, judge};
use super::mount::Place;
use super::{Face, refusal};
use crate::domain::message::Message;
use crate::http::path::Parameters;
use crate::http::problem::Problem;
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::call::Asked;
use crate::service::threads::Error;

/// Answers with what is found, as JSON.
pub async fn look<W: World, C: Call>(
    app: &App<W>,
    place: Result<Parameters<Place>, Problem>,
    request: Request,
    find: impl AsyncFnOnce(&App<W>, &Entered, &Asked) -> Result<Vec<u8>, Problem>,
) -> Response {
    let found = match (query::check(request.uri(), C::Face::QUERY), place) {
        (Ok(()), Ok(Parameters(place))) => found::<W, C>(app, &place, request, find).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    named::<W, C::Face>(app, found.unwrap_or_else(|problem| refusal::<C::Face>(&problem)))
}

async fn found<W: World, C: Call>(
    app: &App<W>,
    place: &Place,
    request: Request,
    find: impl AsyncFnOnce(&App<W>, &Entered, &Asked) -> Result<Vec<u8>, Problem>,
) -> Result<Response, Problem> {
    let (judged, bytes, _) = judge(app, place, request).await?;
    let parsed = C::parse(&bytes).map_err(|problem| judged.readable(problem));
    let (mut asked, mut call) = parsed?;
    let entered = judged.enter(app, &mut asked.model).await?;
    if entered.resolved.token.is_some() {
        return Err(entered.readable()(Problem::from(Error::NotByToken)));
    }
    entered.take_anybodys::<C>(&mut asked);
    let mut threaded = None;
    let looked = call.look_up(app, &entered.resolved, &mut asked, &mut threaded).await;
    looked.map_err(|problem| entered.readable()(problem))?;
    let apart = threaded.and_then(|threaded| threaded.apart);
    if let Some(instructions) = apart.and_then(|apart| apart.instructions) {
        asked.request.messages.insert(0, Message::system(instructions));
    }
    let content = find(app, &entered, &asked).await.map_err(|problem| entered.readable()(problem))?;
    let mut response = Response::new(Body::from(content));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    for (name, value) in entered.headers() {
        response.headers_mut().append(name, value);
    }
    Ok(response)
}
