//! The face that OpenAI's clients talk to by default: Responses, and Conversations. `base_url=…/agents/{agent}/v1`, or
//! `…/accounts/{account}/v1` where `model` names the agent.
//!
//! | file | what it is |
//! |---|---|
//! | [`respond`] | a response is made |
//! | [`said`] | what a request refers to: items, and calls that wait for their outputs |
//! | [`kept`] | a run that is kept, as a response |
//! | [`compact`] | what was said made shorter, and counted |
//! | [`stored`] | responses that are kept: shown, streamed again, cancelled, deleted |
//! | [`conversations`] | conversations and their items |
//! | [`socket`] | responses over a WebSocket |
//! | [`visit`] | who asks for something that is kept |
//!
//! A response that is kept is a run, a conversation is a thread: both are there for every other face as well.

mod compact;
mod conversations;
mod kept;
mod respond;
mod said;
mod socket;
mod stored;
mod visit;

pub use socket::{MAX_AGE_MS, Upgrade};

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::{Face, Mount, Operations, drive, openai_chat, worded};
use crate::domain::right::Right;
use crate::domain::scope::Scope;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::wire::client::openai::Enclosed;

#[derive(Clone, Copy, Debug)]
pub struct OpenAiResponses;

impl Face for OpenAiResponses {
    const NAME: &'static str = "responses";
    const BASE: &'static str = "v1";
    const MOUNTS: &'static [Mount] = &Mount::ALL;
    /// Azure's client and gateways' clients.
    const QUERY: &'static [&'static str] = &["api-version", "beta"];

    fn right(method: &str, path: &str) -> Right {
        const LOOK: Right = Right::of_thread(Scope::ThreadsRead);
        let is_write = !matches!(method, "GET" | "HEAD");
        match (method, path) {
            ("POST", "/v1/responses") => Right::CALL,
            // Of no thread.
            ("GET" | "HEAD", "/v1/responses")
            | ("POST", "/v1/responses/compact" | "/v1/responses/input_tokens") => {
                Right { token: false, ..Right::CALL }
            }
            ("GET" | "HEAD", "/v1/responses/{response}" | "/v1/responses/{response}/input_items") => LOOK,
            ("POST", "/v1/responses/{response}/cancel") => Right::of_thread(Scope::ThreadsWrite),
            _ => Right::of_key(if is_write { Scope::ThreadsWrite } else { Scope::ThreadsRead }),
        }
    }

    type Error = Enclosed<'static>;
    const ERROR_TYPE: &'static str = "application/json";

    fn error(problem: &Problem) -> Vec<u8> {
        openai_chat::shape(problem, &worded(problem)).to_json()
    }

    fn operations<W: World>(v: &mut impl Operations<W>) {
        v.operation(respond::__path_respond, drive::call::<W, respond::Respond>);
        v.operation(socket::__path_connect, socket::connect::<W>);
        v.operation(compact::__path_compact, drive::call::<W, compact::Compact>);
        v.operation(compact::__path_count_input_tokens, compact::count_input_tokens::<W>);
        stored::operations(v);
        conversations::operations(v);
    }
}

fn json(content: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(content));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
