//! The OpenAPI document, generated from the handlers: natively, by a test that keeps `assets/openapi.json` what it must be.

mod messages;
mod problems;

use axum::handler::Handler;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, HttpMethod, Info, License, OpenApi, OpenApiBuilder, Paths, RefOr, Required,
};

use crate::domain::right::Right;
use crate::domain::scope::Scope;
use crate::face::paths::Paths as FacePaths;
use crate::face::{self, Face, Faces, Mount};
use crate::ports::World;
use crate::service::App;
use crate::service::declared::{Kind as DeclaredKind, KindList, Kinds};

use super::agents::urls::{Bases, Urls};
use super::declared::{self, Verb};
use super::documented::Documented;
use super::problem;
use super::query::ReadsAll;
use super::router::{self, Visitor};
use super::scope;
use problems::{describe, problems};

/// What holds everywhere.
const ABOUT: &str = "An agent is a row: create one and it has a URL that chat clients already know how to talk to, \
and a budget that its calls cannot pass.

Send a key as `Authorization: Bearer <key>` or `x-api-key`. The operator's key creates accounts and their keys; an \
account's key of role `admin` configures, `member` reads, `caller` calls agents. A key may be confined to scopes; an \
operation's security requirements name the one that it asks for.

Money is a decimal string of US dollars (`\"0.000150\"`), exact to the nano-dollar; where it is sent, a JSON number \
will do. Moments are RFC 3339. Lists answer `{\"data\": […], \"next_cursor\": …}` and take `?limit` and `?cursor`.

What acts on an account stands twice: under `/api/v1`, for the account of the key, and under `/accounts/{account}`, where \
another account than the key's is 404. `/api/v1/models` is also `/accounts/{account}/models`, and `/api/v1/account` is \
also `/accounts/{account}`. A slash at the end of a path is left out: `/x/` is `/x`.

Errors are problem documents (RFC 9457, `application/problem+json`): branch on `type`, read `detail` for how to mend \
it, and `errors` for the fields that do not fit. 500, 502, 503 and 504 are never the request's fault.";

/// What differs from the same operation behind an agent.
const OF_ACCOUNT: &str = "Behind the account, and not an agent of it: a valid key of the account is always needed, and where \
there is a body, its `model` names the agent, by slug or id. Preflights allow no origin here, as they carry no key.";

/// What differs from the same operation behind an agent.
const OF_MEMBERS: &str = "For members of the account, at the threads of all its agents.";

/// The groups of endpoints, in the order of the page.
const TAGS: [(&str, &str); 14] = [
    ("accounts", "The tenants."),
    ("keys", "Who may act for an account."),
    ("members", "The people of an account, and what each has set."),
    ("providers", "Where models are asked, and with which key."),
    ("models", "What models cost and can do, and names for them."),
    ("agents", "The configuration of agents."),
    ("templates", "What agents can begin as."),
    ("budgets", "What an agent may spend, and what it has."),
    ("users", "The persons whom agents talk to: all that is kept of one exported, erased or held."),
    ("memories", "What agents remember across threads, of people and of their work."),
    ("calls", "Talking to an agent."),
    ("threads", "Conversations that an agent remembers, and runs: work that goes on without its caller."),
    ("webhooks", "Who hears that a run has ended or waits."),
    ("platform", "The service itself."),
];

/// The document of every endpoint.
pub fn document<W: World>() -> OpenApi {
    document_of::<W, Kinds>(face::All)
}

/// The same, with these declared kinds and faces.
pub fn document_of<W: World, L: KindList>(faces: impl Faces<W>) -> OpenApi {
    let mut document = Document { paths: Paths::new(), components: Components::new() };
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let header = ApiKey::Header(ApiKeyValue::new("x-api-key"));
    document.components.add_security_scheme("key", SecurityScheme::Http(bearer));
    document.components.add_security_scheme("x-api-key", SecurityScheme::ApiKey(header));
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(ABOUT_TOKENS)).build();
    document.components.add_security_scheme(THREAD_TOKEN, SecurityScheme::Http(token));
    document.schemas::<problem::Document<'_>>();
    router::endpoints::<W, L>(&mut document, faces);
    let urls = Bases::new(FacePaths::of(faces).bases).schema();
    document.components.schemas.insert(Urls::name().into_owned(), urls);
    let mut info = Info::new("Retinue", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::new("Apache-2.0"));
    let tag = |(name, about): (&str, &str)| TagBuilder::new().name(name).description(Some(about)).build();
    let document = OpenApiBuilder::new()
        .info(info)
        .tags(Some(TAGS.map(tag)))
        .paths(document.paths)
        .components(Some(document.components));
    messages::add(document.build())
}

struct Document {
    paths: Paths,
    components: Components,
}

impl Document {
    fn schemas<T: ToSchema>(&mut self) {
        let mut found = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        self.components.schemas.extend(found);
    }
}

impl<W: World> Visitor<W> for Document {
    /// `T` has the types of the handler's arguments: the document says of each operation who may, by what refuses the others.
    fn route<P, H, T>(&mut self, at: String, _: &P, _: H)
    where
        P: Documented,
        H: Handler<T, App<W>>,
        T: ReadsAll + 'static,
    {
        self.of_control_plane::<P>(&at, std::any::type_name::<T>());
    }

    fn kind<K: DeclaredKind>(&mut self) {
        let facts = K::facts();
        self.components.schemas.extend(declared::document::schemas::<K>());
        for verb in Verb::of(facts) {
            let all = router::paths_of_kind(facts, verb);
            let main = declared::path(router::API, facts.first_words()[0], facts, verb);
            for at in all {
                let operation = declared::document::operation::<K>(verb);
                let role = declared::document::role(facts, verb, at.starts_with(router::ACCOUNT));
                self.place(&at, &main, vec![verb.method()], operation, role);
            }
        }
    }

    fn file<P: Documented>(&mut self, _: P) {
        self.of_control_plane::<P>(&P::path(), "");
    }
}

impl<W: World> face::Visitor<W> for Document {
    fn operation<F, P, H, T>(&mut self, mount: Mount, _: &P, _: H)
    where
        F: Face,
        P: Documented,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        self.schemas::<F::Error>();
        let mut operation = P::operation();
        let path = mount.prefix().to_owned() + &P::path();
        let methods = P::methods();
        let right = methods.first().map_or(Right::CALL, |method| F::right(router::name(method), &P::path()));
        of_mount(&mut operation, mount, right, &P::path());
        operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
        let plane = if mount.is_of_members() { Plane::Control } else { Plane::Face };
        let role = match (mount.is_of_members(), right.key) {
            (true, _) => "member",
            (false, true) => "caller",
            (false, false) => "token",
        };
        declare(&mut operation, role);
        if plane == Plane::Control {
            operation.security = Some(security(required_scope(role, &path, &methods)));
        }
        self.add(&path, methods, operation, plane, (&F::Error::name(), F::ERROR_TYPE));
        self.schemas_of::<P>();
    }
}

impl Document {
    /// Describes what is served at this path to those that the types of these arguments let in.
    fn of_control_plane<P: Documented>(&mut self, at: &str, asks: &str) {
        let mut operation = P::operation();
        operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
        let role = role(Plane::of(&P::path()), asks);
        self.place(at, &P::path(), P::methods(), operation, role);
        self.schemas_of::<P>();
    }

    fn schemas_of<P: Documented>(&mut self) {
        let mut found = Vec::new();
        P::schemas(&mut found);
        self.components.schemas.extend(found);
    }

    /// Adds an operation of the control plane at this path, one of those that `path` is the main one of.
    fn place(
        &mut self,
        at: &str,
        path: &str,
        methods: Vec<HttpMethod>,
        mut operation: Operation,
        role: &str,
    ) {
        let plane = Plane::of(path);
        let is_of_account = at.starts_with(router::ACCOUNT);
        if at != path {
            same_as(&mut operation, path);
            if !is_of_account {
                of_another_name(&mut operation, at);
            } else if router::of_account(path).as_deref() != Some(at) {
                of_another_name(&mut operation, &at.replacen(router::ACCOUNT, router::API, 1));
            }
            if is_of_account {
                of_the_account(&mut operation);
            }
        }
        declare(&mut operation, role);
        if plane == Plane::Control {
            let mut security = security(required_scope(role, at, &methods));
            if role == "visitor" && is_of_account {
                security.push(SecurityRequirement::default());
            }
            operation.security = Some(security);
        }
        self.add(at, methods, operation, plane, ("Problem", problem::MEDIA_TYPE));
    }

    fn add(
        &mut self,
        at: &str,
        methods: Vec<HttpMethod>,
        mut operation: Operation,
        plane: Plane,
        error: (&str, &str),
    ) {
        or_bare_rows(&mut operation);
        for kind in problems(&operation, plane) {
            describe(&mut operation, kind, error);
        }
        // A wildcard is axum's; in the document it is a parameter as any other.
        self.paths.add_path_operation(at.replace("{*", "{"), methods, operation);
    }
}

/// What is answered in a `format` may be the rows alone.
fn or_bare_rows(operation: &mut Operation) {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let is_format = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(p) if p.name == "format");
    let is_read = operation.request_body.is_none() && parameters.iter().any(is_format);
    let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200").filter(|_| is_read) else {
        return;
    };
    let Some(RefOr::T(content)) = response.content.get_mut("application/json") else { return };
    let Some(page) = content.schema.take() else { return };
    let rows =
        ArrayBuilder::new().items(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).build());
    content.schema = Some(RefOr::T(Schema::AnyOf(AnyOfBuilder::new().item(page).item(rows.build()).build())));
}

/// Who may, in one word: `open`, `caller` (who may call the agent), `member`, `admin`, `operator`, `self` (any key of an
/// account, for its own), `visitor` (each as much as it may see; without a key at an account's path), and `…-or-operator`. A role may what those before it may.
///
/// Handlers take an extractor of [`super::access`], so this cannot drift from what is done.
fn role(of: Plane, asks: &str) -> &'static str {
    let word =
        asks.split_once("::access::").map(|(_, rest)| rest.split([',', ')', '>']).next().unwrap_or(rest));
    match word {
        Some("Reader" | "Member") => "member",
        Some("Visitor") => "visitor",
        Some("Writer") => "admin",
        Some("Operator") => "operator",
        Some("Holder" | "ActiveHolder") => "self",
        Some("KeyReader" | "KeyWriter") => "admin-or-operator",
        None if of == Plane::Open => "open",
        _ => "undeclared",
    }
}

/// What a key of an account must have, by the rule that refuses the others ([`scope::require`]).
fn required_scope(role: &str, at: &str, methods: &[HttpMethod]) -> Option<Scope> {
    let writes = !methods.iter().all(|method| matches!(method, HttpMethod::Get | HttpMethod::Head));
    (role != "operator").then(|| scope::of_operation(at, writes))
}

/// Unless the operation says it itself.
fn declare(operation: &mut Operation, role: &str) {
    let extensions = operation.extensions.get_or_insert_default();
    extensions.entry("x-role".to_owned()).or_insert_with(|| role.into());
}

/// How a key is sent, with the scope that it must have.
fn security(scope: Option<Scope>) -> Vec<SecurityRequirement> {
    let by = |name: &str| SecurityRequirement::new(name, scope.iter().map(|scope| scope.name()));
    vec![by("key"), by("x-api-key")]
}

/// How the document names a thread's token.
const THREAD_TOKEN: &str = "thread-token";
const ABOUT_TOKENS: &str = "A thread's token, instead of a key: it opens its thread alone.";

/// What its mount adds to a face's operation: another id, what stands in the path, and whether a public agent can be called
/// without a key.
fn of_mount(operation: &mut Operation, mount: Mount, right: Right, path: &str) {
    let (prefix, names): (&str, &[&str]) = match mount {
        Mount::Agent => ("", &["account", "agent"]),
        Mount::DefaultAgent => ("default_", &["agent"]),
        Mount::Account => ("account_", &["account"]),
        Mount::DefaultAccount => ("default_account_", &[]),
        Mount::Members => ("members_", &[]),
        Mount::MembersOfAccount => ("account_members_", &["account"]),
    };
    match mount {
        Mount::Agent => {}
        Mount::DefaultAgent => same_as(operation, &format!("{}{path}", Mount::Agent.prefix())),
        Mount::DefaultAccount => same_as(operation, &format!("{}{path}", Mount::Account.prefix())),
        Mount::MembersOfAccount => same_as(operation, &format!("{}{path}", Mount::Members.prefix())),
        Mount::Account => begin_with(operation, OF_ACCOUNT),
        Mount::Members => begin_with(operation, OF_MEMBERS),
    }
    if let Some(id) = &mut operation.operation_id {
        id.insert_str(0, prefix);
    }
    let named = names.iter().map(|name| in_path(name, "Slug or id").into());
    operation.parameters.get_or_insert_default().splice(..0, named);
    let mut security = if right.key { security(Some(right.scope)) } else { Vec::new() };
    let is_of_agent = Mount::OF_AN_AGENT.contains(&mount);
    let token = SecurityRequirement::new(THREAD_TOKEN, std::iter::empty::<String>());
    security.extend((is_of_agent && right.token).then_some(token));
    security.extend((is_of_agent && right.anonymous).then(SecurityRequirement::default));
    operation.security = Some(security);
}

fn begin_with(operation: &mut Operation, words: &str) {
    let about = operation.description.take().map(|about| format!("\n\n{about}")).unwrap_or_default();
    operation.description = Some(format!("{words}{about}"));
}

/// A part of the path, which is a text.
fn in_path(name: &str, about: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build();
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
    parameter.required(Required::True).description(Some(about)).schema(Some(text)).build()
}

/// The endpoint again, at another path than its own. By these words the page knows that it need not show it twice.
fn same_as(operation: &mut Operation, path: &str) {
    operation.description = Some(format!("The same as `{path}`."));
}

/// The same endpoint under another first word.
fn of_another_name(operation: &mut Operation, at: &str) {
    if let Some(id) = &mut operation.operation_id {
        id.push_str("_at_");
        id.push_str(at.split('/').nth(3).unwrap_or_default());
    }
}

/// The same endpoint under the account's own path.
fn of_the_account(operation: &mut Operation) {
    if let Some(id) = &mut operation.operation_id {
        id.push_str("_of_account");
    }
    let names_it = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(p) if p.name == "account");
    if operation.parameters.iter().flatten().any(names_it) {
        return;
    }
    let account = in_path("account", "Slug or id of the key's account");
    operation.parameters.get_or_insert_default().insert(0, account.into());
}

/// What an endpoint is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plane {
    /// Anyone may.
    Open,
    Control,
    Face,
}

impl Plane {
    /// What an operation is of that is no face's.
    fn of(path: &str) -> Self {
        let is_control = path.starts_with(router::API) || path.starts_with(router::ACCOUNT);
        if is_control { Self::Control } else { Self::Open }
    }
}
