//! What follows from the list of faces: paths, headers, base URLs, and whose shape an error takes.

use axum::handler::Handler;
use axum::response::{IntoResponse, Response};

use super::{Face, Faces, Mount, Visitor, refusal};
use crate::http::documented::Documented;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::call::via;

/// The request headers that handlers of faces receive, and those of [`Face::HEADERS`]. Each header that crosses into wasm costs
/// time in every call, so only these do. Requests to other paths arrive with all headers.
pub const HEADERS: [&str; 16] = [
    // Who calls.
    "authorization",
    "x-api-key",
    // What comes, and in which form the answer is wanted.
    "content-type",
    "content-length",
    "upgrade",
    "accept",
    "prefer",
    "idempotency-key",
    "last-event-id",
    "x-thread",
    // From which page.
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    // Which deployments it has passed.
    via::HEADER,
    // W3C Trace Context.
    "traceparent",
    "tracestate",
];

/// The paths of a list, the headers that cross there, and the faces' base URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// With `{name}` for a segment that names something.
    pub paths: Vec<String>,
    pub headers: Vec<&'static str>,
    /// Of each face its name, and what its base URL has behind the agent's.
    pub bases: Vec<(&'static str, &'static str)>,
}

impl Paths {
    pub fn of<W: World>(faces: impl Faces<W>) -> Self {
        let mut paths = Self { headers: HEADERS.to_vec(), ..Self::default() };
        faces.each(&mut paths);
        paths
    }
}

impl<W: World> Visitor<W> for Paths {
    fn operation<F, P, H, T>(&mut self, mount: Mount, _: &P, _: H)
    where
        F: Face,
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        // The control plane reads what it likes.
        if !mount.is_of_members() {
            add(&mut self.paths, mount.prefix().to_owned() + &P::path());
        }
        add(&mut self.bases, (F::NAME, F::BASE));
        F::HEADERS.iter().for_each(|header| add(&mut self.headers, *header));
    }
}

fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

/// A problem of a path or a method that no handler has, in the shape of the face that the path belongs to.
pub fn refuse<W: World>(faces: impl Faces<W>, path: &str, problem: Problem) -> Response {
    let mut owner = Owner { path, matched: 0, refusal: None, forgotten: None };
    faces.each(&mut owner);
    match (owner.forgotten, owner.refusal) {
        (Some((base, refusal)), _) => {
            let mut problem = problem;
            problem.detail =
                format!("There is no such path. Did you forget /{base}? A base URL ends with it.");
            refusal(&problem)
        }
        (None, Some(refusal)) => refusal(&problem),
        (None, None) => problem.into_response(),
    }
}

/// How a face writes a problem.
type Refusal = fn(&Problem) -> Response;

/// The face to which a path belongs: the one of which an operation, or else the base URL, is the longest beginning of the path.
struct Owner<'a> {
    path: &'a str,
    /// How many segments of the path match.
    matched: usize,
    refusal: Option<Refusal>,
    /// The base without which the path is one of a face's operations, and that face.
    forgotten: Option<(&'static str, Refusal)>,
}

impl<W: World> Visitor<W> for Owner<'_> {
    fn operation<F, P, H, T>(&mut self, mount: Mount, _: &P, _: H)
    where
        F: Face,
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        let operation = P::path();
        let without_base = operation.strip_prefix(&format!("/{}/", F::BASE));
        // What would be anybody's name says nothing.
        let without_base = without_base.filter(|rest| !F::BASE.is_empty() && !rest.starts_with('{'));
        let is_whole = |rest: &str| {
            let pattern = format!("{}/{rest}", mount.prefix());
            segments_matched(&pattern, self.path) == Some(self.path.split('/').count())
        };
        if without_base.is_some_and(is_whole) {
            self.forgotten = Some((F::BASE, refusal::<F>));
        }
        for below in [F::BASE, operation.trim_start_matches('/')] {
            let matched = segments_matched(&format!("{}/{below}", mount.prefix()), self.path);
            if let Some(matched) = matched.filter(|matched| *matched > self.matched && !below.is_empty()) {
                self.matched = matched;
                self.refusal = Some(refusal::<F>);
            }
        }
    }
}

/// How many segments a pattern has, if the path begins with them.
fn segments_matched(pattern: &str, path: &str) -> Option<usize> {
    let mut segments = path.split('/');
    let mut matched = 0;
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        let names_something = expected.starts_with('{') && !segment.is_empty();
        if segment != expected && !names_something {
            return None;
        }
        matched += 1;
    }
    Some(matched)
}
