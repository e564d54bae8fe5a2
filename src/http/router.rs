//! Every route, on one screen.
//!
//! [`endpoints`] names each handler with its documentation once; the router and the OpenAPI document are both made
//! of that list, so they cannot drift.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on, options};
use tower_service::Service;
use utoipa::openapi::HttpMethod;

use crate::domain::declared::Facts;
use crate::face::paths::{Paths, refuse};
use crate::face::{self, Face, Faces, Mount, cors};
use crate::ports::World;
use crate::service::declared::{Kind, KindList, Kinds};
use crate::service::{self, App};

use super::agents::urls::Bases;
use super::declared::Verb;
use super::documented::Documented;
use super::problem;
use super::query::{Checked, ReadsAll};
use super::{
    account, accounts, agents, budgets, calls, changes, declared, docs, exchange, flags, keys, memories,
    objects, profile, users, webhooks,
};

/// What is made of the list of endpoints, and of the list of faces.
pub trait Visitor<W: World>: face::Visitor<W> {
    /// Takes one: `__path_handler`, which `#[utoipa::path]` wrote, and the handler.
    fn endpoint<P, H, T>(&mut self, path: P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: ReadsAll + 'static,
    {
        self.endpoint_at(P::path(), &path, handler);
    }

    /// Takes one that stands at this path, and by [`of_account`] under the account's own.
    fn endpoint_at<P, H, T>(&mut self, at: String, path: &P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: ReadsAll + 'static,
    {
        if let Some(at) = of_account(&at) {
            self.route(at, path, handler.clone());
        }
        self.route(at, path, handler);
    }

    /// Takes one that stands at this path alone.
    fn route<P, H, T>(&mut self, at: String, path: &P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: ReadsAll + 'static;

    /// Takes all endpoints of a declared kind.
    fn kind<K: Kind>(&mut self);

    /// Takes one that the platform answers with a file of `assets/`, before the Worker runs.
    fn file<P: Documented>(&mut self, path: P);
}

pub use super::path::{ACCOUNT, API};

/// Where an operation of the control plane that acts on an account also stands: `/api/v1/…` under `/accounts/{account}/…`, and
/// the account itself at `/accounts/{account}`. `None` for what acts on no account, or on any.
pub fn of_account(at: &str) -> Option<String> {
    let rest = at.strip_prefix(API)?;
    match rest {
        "/accounts" | ACCOUNT => None,
        rest if rest.starts_with("/flags") || rest.starts_with("/objects") => None,
        "/account" => Some(ACCOUNT.to_owned()),
        rest => Some(format!("{ACCOUNT}{}", rest.strip_prefix(ACCOUNT).unwrap_or(rest))),
    }
}

/// Where a kind's operation stands: under each of its first words, there and by [`of_account`].
pub fn paths_of_kind(facts: &Facts, verb: Verb) -> Vec<String> {
    let all = facts.first_words().into_iter().flat_map(|first_word| {
        let at = declared::path(API, first_word, facts, verb);
        [of_account(&at), Some(at)]
    });
    all.flatten().collect()
}

/// Every route there is with these declared kinds and faces, and what the platform serves beside them.
pub fn endpoints<W: World, L: KindList>(v: &mut impl Visitor<W>, faces: impl Faces<W>) {
    let bases = Bases::new(Paths::of(faces).bases);
    v.endpoint(docs::__path_root, docs::root);
    v.endpoint(docs::__path_health, docs::health::<W>);
    v.file(docs::__path_openapi);
    v.file(docs::__path_docs);

    v.endpoint(accounts::__path_create, accounts::create::<W>);
    v.endpoint(account::__path_patch_any, account::patch_any::<W>);
    v.endpoint(flags::__path_list, flags::list::<W>);
    v.endpoint(flags::__path_get, flags::get::<W>);
    v.endpoint(flags::__path_put, flags::put::<W>);
    v.endpoint(flags::__path_delete, flags::delete::<W>);
    v.endpoint(flags::__path_accounts, flags::accounts::<W>);
    v.endpoint(flags::__path_put_own, flags::put_own::<W>);
    v.endpoint(flags::__path_delete_own, flags::delete_own::<W>);
    v.endpoint(objects::__path_list, objects::list::<W>);
    v.endpoint(objects::__path_dump, objects::dump::<W>);
    v.endpoint(objects::__path_restore, objects::restore::<W>);
    v.endpoint(keys::__path_issue, keys::issue::<W>);
    v.endpoint(keys::__path_list, keys::list::<W>);
    v.endpoint(keys::__path_revoke, keys::revoke::<W>);
    v.endpoint(changes::__path_list, changes::list::<W>);

    v.endpoint(declared::exchange::__path_export, declared::exchange::export::<W>);
    v.endpoint(declared::exchange::__path_import, declared::exchange::import::<W>);

    v.endpoint(account::__path_get, account::get::<W>);
    v.endpoint(account::__path_patch, account::patch::<W>);
    v.endpoint(profile::__path_get, profile::get::<W>);
    v.endpoint(profile::__path_put, profile::put::<W>);

    L::visit(&mut Each(v, PhantomData));
    v.endpoint(webhooks::__path_list, webhooks::list::<W>);
    v.endpoint(webhooks::__path_resend, webhooks::resend::<W>);
    v.endpoint(webhooks::__path_test, webhooks::test::<W>);
    v.endpoint(webhooks::__path_rotate, webhooks::rotate::<W>);

    v.endpoint(agents::__path_create, agents::create::<W>);
    let of_list = bases.clone();
    v.endpoint(agents::list::__path_list, async move |app, by, query| {
        agents::list::list::<W>(app, by, query, &of_list).await
    });
    v.endpoint(agents::lifecycle::__path_validate, agents::lifecycle::validate::<W>);
    v.endpoint(exchange::__path_export, exchange::export::<W>);
    v.endpoint(exchange::__path_import, exchange::import::<W>);
    let [of_patch, of_put, of_config] = [(); 3].map(|()| bases.clone());
    v.endpoint(agents::__path_get, async move |app, by, agent| {
        agents::get::<W>(app, by, agent, &bases).await
    });
    v.endpoint(agents::change::__path_patch, async move |app, by, agent, if_match, body| {
        agents::change::patch::<W>(app, by, agent, if_match, body, &of_patch).await
    });
    v.endpoint(agents::change::__path_put, async move |app, by, agent, if_match, body| {
        agents::change::put::<W>(app, by, agent, if_match, body, &of_put).await
    });
    v.endpoint(agents::change::__path_put_config, async move |app, by, agent, if_match, body| {
        agents::change::put_config::<W>(app, by, agent, if_match, body, &of_config).await
    });
    v.endpoint(agents::lifecycle::__path_archive, agents::lifecycle::archive::<W>);
    v.endpoint(agents::lifecycle::__path_restore, agents::lifecycle::restore::<W>);
    v.endpoint(agents::lifecycle::__path_set_status, agents::lifecycle::set_status::<W>);
    v.endpoint(agents::lifecycle::__path_duplicate, agents::lifecycle::duplicate::<W>);
    v.endpoint(agents::versions::__path_list, agents::versions::list::<W>);
    v.endpoint(agents::versions::__path_get, agents::versions::get::<W>);
    v.endpoint(agents::versions::__path_rollback, agents::versions::rollback::<W>);
    v.endpoint(budgets::__path_get, budgets::get::<W>);
    v.endpoint(budgets::__path_put, budgets::put::<W>);
    v.endpoint(calls::__path_list, calls::list::<W>);
    v.endpoint(users::__path_erase, users::erase::<W>);
    v.endpoint(users::__path_export, users::export::<W>);
    v.endpoint(users::__path_hold, users::hold::<W>);
    v.endpoint(users::__path_show_hold, users::show_hold::<W>);
    v.endpoint(users::__path_release, users::release::<W>);
    v.endpoint(users::__path_holds, users::holds::<W>);
    v.endpoint(users::__path_erasures, users::erasures::<W>);
    v.endpoint(users::__path_erasure, users::erasure::<W>);
    v.endpoint(memories::__path_list, memories::list::<W>);
    v.endpoint(memories::__path_make, memories::make::<W>);
    v.endpoint(memories::__path_show, memories::show::<W>);
    v.endpoint(memories::__path_change, memories::change::<W>);
    v.endpoint(memories::__path_delete, memories::delete::<W>);

    faces.each(v);
}

struct Each<'v, V, W>(&'v mut V, PhantomData<W>);

impl<W: World, V: Visitor<W>> service::declared::Visitor for Each<'_, V, W> {
    fn kind<K: Kind>(&mut self) {
        self.0.kind::<K>();
    }
}

/// The router of the product's kinds and faces.
pub fn router<W: World>() -> Router<App<W>> {
    router_of::<W, Kinds>(face::All)
}

/// The router, with a problem document for every path and method that is not there, in the shape of the face whose it would be.
pub fn router_of<W: World, L: KindList>(faces: impl Faces<W>) -> Router<App<W>> {
    let mut routes = Routes { router: Router::new(), preflights: BTreeMap::new() };
    endpoints::<W, L>(&mut routes, faces);
    let preflights = routes.preflights.into_iter();
    preflights
        .fold(routes.router, |router, (at, methods)| router.route(&at, preflight(&methods)))
        .fallback(async move |uri: Uri| refuse(faces, uri.path(), problem::no_such_path()))
        .method_not_allowed_fallback(async move |uri: Uri| refuse(faces, uri.path(), problem::wrong_method()))
}

/// What a browser asks before a page's call, at a path that has these methods.
fn preflight<W: World>(methods: &[&str]) -> MethodRouter<App<W>> {
    let methods = HeaderValue::try_from(methods.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"));
    options(async move |headers: HeaderMap| cors::preflight(&headers, methods.clone()))
}

/// Answers a request. A slash at the end of its path is left out, so `/x/` is `/x`.
pub async fn serve(router: &mut Router, mut request: Request) -> Response {
    if let Some(uri) = without_last_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    let Ok(mut response) = router.call(request).await;
    let headers = response.headers_mut();
    // What is there belongs to whoever asked; and it is what it says, whatever it looks like.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// `None` where the path does not end with one slash behind something.
fn without_last_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))?;
    match uri.query() {
        Some(query) => format!("{path}?{query}").parse().ok(),
        None => path.parse().ok(),
    }
}

struct Routes<W: World> {
    router: Router<App<W>>,
    /// The methods that pages may use, by path.
    preflights: BTreeMap<String, Vec<&'static str>>,
}

impl<W: World> Visitor<W> for Routes<W> {
    fn route<P, H, T>(&mut self, at: String, _: &P, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: ReadsAll + 'static,
    {
        self.serve::<P, _, T>(&at, Checked { handler, known: T::query().into() });
    }

    fn kind<K: Kind>(&mut self) {
        let kind = service::declared::of::<K, W>();
        for verb in Verb::of(kind.facts()) {
            for at in paths_of_kind(kind.facts(), verb) {
                let serve = move |State(app): State<App<W>>, request: Request| {
                    declared::serve(app, kind, verb, request)
                };
                self.router = std::mem::take(&mut self.router).route(&at, on(filter(&verb.method()), serve));
            }
        }
    }

    fn file<P: Documented>(&mut self, _: P) {}
}

impl<W: World> Routes<W> {
    fn serve<P, H, T>(&mut self, at: &str, handler: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        let methods = P::methods().iter().map(filter).reduce(MethodFilter::or);
        let route: MethodRouter<App<W>> =
            methods.map_or_else(MethodRouter::new, |methods| on(methods, handler));
        self.router = std::mem::take(&mut self.router).route(at, route);
    }
}

impl<W: World> face::Visitor<W> for Routes<W> {
    fn operation<F, P, H, T>(&mut self, mount: Mount, _: &P, handler: H)
    where
        F: Face,
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        let at = mount.prefix().to_owned() + &P::path();
        // Pages call agents; they do not manage accounts.
        if !mount.is_of_members() {
            let names = P::methods().iter().map(name).collect::<Vec<_>>();
            self.preflights.entry(at.clone()).or_insert_with(|| vec!["OPTIONS"]).extend(names);
        }
        // Clients of other products' protocols may add queries of their own.
        self.serve::<P, H, T>(&at, handler);
    }
}

const fn filter(method: &HttpMethod) -> MethodFilter {
    method_of(method).0
}

/// The method as requests name it.
pub const fn name(method: &HttpMethod) -> &'static str {
    method_of(method).1
}

const fn method_of(method: &HttpMethod) -> (MethodFilter, &'static str) {
    match method {
        HttpMethod::Get => (MethodFilter::GET, "GET"),
        HttpMethod::Post => (MethodFilter::POST, "POST"),
        HttpMethod::Put => (MethodFilter::PUT, "PUT"),
        HttpMethod::Delete => (MethodFilter::DELETE, "DELETE"),
        HttpMethod::Options => (MethodFilter::OPTIONS, "OPTIONS"),
        HttpMethod::Head => (MethodFilter::HEAD, "HEAD"),
        HttpMethod::Patch => (MethodFilter::PATCH, "PATCH"),
        HttpMethod::Trace => (MethodFilter::TRACE, "TRACE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_at_the_end_is_left_out_and_no_other() {
        for (written, read) in [
            ("/a/", Some("/a")),
            ("/a/b/?c=/d/", Some("/a/b?c=/d/")),
            ("/a%2F/?", Some("/a%2F?")),
            ("/", None),
            ("//", None),
            ("/a", None),
            ("/a//", None),
            ("/a?b/", None),
        ] {
            let uri = without_last_slash(&written.parse().unwrap());
            assert_eq!(uri.map(|uri| uri.to_string()).as_deref(), read, "{written}");
        }
    }

    #[test]
    fn what_acts_on_an_account_stands_under_its_path_too() {
        for (at, under) in [
            ("/api/v1/agents/{agent}", Some("/accounts/{account}/agents/{agent}")),
            ("/api/v1/accounts/{account}/keys/{key}", Some("/accounts/{account}/keys/{key}")),
            ("/api/v1/account", Some("/accounts/{account}")),
            ("/api/v1/accounts", None),
            ("/api/v1/accounts/{account}", None),
            ("/health", None),
        ] {
            assert_eq!(of_account(at).as_deref(), under, "{at}");
        }
    }
}
