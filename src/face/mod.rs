//! The protocols that clients speak to an agent. One file a face, and its line in [`All`]: from the list follow routes,
//! preflights, the headers that reach a handler, the shape of errors, the document's operations and the agent's `urls`.
//!
//! | file | what it is |
//! |---|---|
//! | [`mount`] | where faces stand, and what a path there names |
//! | [`call`] | what a protocol gives so that its calls are driven |
//! | [`judged`] | who asks, and the agent that is asked |
//! | [`awake`] | a stream that breaks its silence |
//! | [`look`] | a call that only looks |
//! | [`drive`] | a call, whatever the protocol: judge, parse, run, encode |
//! | [`embeddings`] | texts as vectors |
//! | [`named`] | an agent that a body names |
//! | [`once`] | the header `Idempotency-Key` |
//! | [`turn`] | a call that is a run |
//! | [`outputs`] | outputs of the client's tools, in a call that a run waits for |
//! | [`listening`] | a run that is listened to |
//! | [`heard`] | a run's events, heard as the answer to one call |
//! | [`paths`] | what is derived from the list for the platform, and whose shape an error takes |
//! | [`cors`] | which pages may call |
//!
//! Of `http/` a face uses what reads requests and says problems; not here: status codes.

mod anthropic;
mod awake;
pub mod call;
pub mod cors;
pub mod drive;
mod embeddings;
mod head;
mod heard;
mod held;
mod judged;
mod listening;
mod look;
pub mod mount;
mod named;
mod native_chat;
mod native_stream;
mod once;
mod openai_chat;
mod outputs;
pub mod paths;
mod responses;
mod threads;
mod turn;

use std::borrow::Cow;
use std::marker::PhantomData;

use axum::body::Body;
use axum::handler::Handler;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use utoipa::ToSchema;

use crate::domain::right::Right;
use crate::http::documented::Documented;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;

pub use mount::Mount;
pub use responses::{MAX_AGE_MS, Upgrade};

/// A protocol.
pub trait Face: Copy + Send + Sync + 'static {
    /// Its name among an agent's `urls`.
    const NAME: &'static str;
    /// What its base URL has behind the agent's. Its operations' paths begin with it.
    const BASE: &'static str;
    /// Where it stands. A protocol that cannot name an agent in a body stands only behind an agent's path.
    const MOUNTS: &'static [Mount] = &Mount::OF_AN_AGENT;
    /// The request headers that it reads beside [`paths::HEADERS`], in lower case.
    const HEADERS: &'static [&'static str] = &[];

    /// What its clients write into the query, and what is passed over: every other name is refused.
    const QUERY: &'static [&'static str] = &[];

    /// The header that names a request, and what its name begins with; `None` where the protocol has none.
    const REQUEST_ID: Option<(&'static str, &'static str)> = None;

    /// What an operation asks of who calls it, by its method and its path behind the mount's. The document and the matrix of
    /// the tests are made of it.
    fn right(method: &str, path: &str) -> Right {
        let _ = (method, path);
        Right::CALL
    }

    /// The body of an error, as the document describes it.
    type Error: ToSchema;
    /// The media type of an error.
    const ERROR_TYPE: &'static str;

    /// Writes an error's body.
    fn error(problem: &Problem) -> Vec<u8>;

    /// Names each operation with its documentation. Its path is what follows the agent's, or the account's.
    fn operations<W: World>(v: &mut impl Operations<W>);
}

/// Takes a face's operations.
pub trait Operations<W: World> {
    /// Takes one: `__path_x`, which `#[utoipa::path]` wrote, and its handler, which reads a [`mount::Place`].
    fn operation<P, H, T>(&mut self, path: P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static;

    /// Takes one that members have too, for all agents of their account.
    fn members_operation<P, H, T>(&mut self, path: P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static;
}

/// What is made of the list of faces.
pub trait Visitor<W: World>: Sized {
    /// Takes an operation under one mount of its face.
    fn operation<F, P, H, T>(&mut self, mount: Mount, path: &P, handler: H)
    where
        F: Face,
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static;

    /// Takes a face.
    fn face<F: Face>(&mut self, _: F) {
        F::operations(&mut Mounted { v: self, face: PhantomData::<F> });
    }
}

/// A list of faces.
pub trait Faces<W: World>: Copy + Send + Sync + 'static {
    fn each(self, v: &mut impl Visitor<W>);
}

/// Every face there is.
#[derive(Clone, Copy, Debug)]
pub struct All;

impl<W: World> Faces<W> for All {
    fn each(self, v: &mut impl Visitor<W>) {
        v.face(native_chat::NativeChat);
        v.face(native_stream::NativeStream);
        v.face(openai_chat::OpenAiChat);
        v.face(responses::OpenAiResponses);
        v.face(anthropic::AnthropicMessages);
        v.face(threads::ThreadsFace);
    }
}

/// The operations of a face, each under all its mounts.
struct Mounted<'a, V, F> {
    v: &'a mut V,
    face: PhantomData<F>,
}

impl<W: World, V: Visitor<W>, F: Face> Operations<W> for Mounted<'_, V, F> {
    fn operation<P, H, T>(&mut self, path: P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        for mount in F::MOUNTS {
            self.v.operation::<F, P, H, T>(*mount, &path, handler.clone());
        }
    }

    fn members_operation<P, H, T>(&mut self, path: P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        for mount in F::MOUNTS.iter().chain(&Mount::OF_MEMBERS) {
            self.v.operation::<F, P, H, T>(*mount, &path, handler.clone());
        }
    }
}

/// A problem in the face's shape, with the status and the headers it has anyway.
pub fn refusal<F: Face>(problem: &Problem) -> Response {
    let mut response = Response::new(Body::from(F::error(problem)));
    *response.status_mut() = problem.kind.status();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(F::ERROR_TYPE));
    response.headers_mut().extend(problem.headers().iter().cloned());
    response
}

/// What happened, in words alone: the shapes of others have no list of faults, so that several are named here.
fn worded(problem: &Problem) -> Cow<'_, str> {
    const MAX_NAMED: usize = 8;
    const MAX_CHARS: usize = 200;
    if problem.errors.len() < 2 {
        return Cow::Borrowed(&problem.detail);
    }
    let clip = |text: &str| text.chars().take(MAX_CHARS).collect::<String>();
    let named = problem.errors.iter().take(MAX_NAMED);
    let named: Vec<String> = named.map(|e| format!("{}: {}", clip(&e.field), clip(&e.message))).collect();
    let more = match problem.errors.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Cow::Owned(format!("{} fields do not fit: {}{more}", problem.errors.len(), named.join("; ")))
}
