//! `/api/v1/agents/export` and `/api/v1/agents/import`.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::agent::Fields;
use crate::domain::field_error::FieldError;
use crate::domain::slug::Slug;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Export, Import, Mode, Source};
use crate::service::authenticate::Session;
use crate::wire::file::foreign::{OURS, SYSTEMS, System};
use crate::wire::file::{Syntax, Writer as FileWriter};

use super::access::Writer;
use super::body;
use super::import_report::Report;
use super::problem::{Kind, Problem};
use super::query::{Reads, query};

/// The media types of YAML: RFC 9512's, those from before it, and Markdown with YAML before its text.
const YAML: [&str; 5] =
    ["application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml", "text/markdown"];

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Slugs or ids, with commas between them; all agents in use when left out.
    #[param(example = "triage,billing")]
    agents: Option<String>,
    #[param(inline)]
    format: Option<Format>,
}

query!(ExportQuery);

/// How a file is written; `json` when left out. `array`: as JSON, the agents alone.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Json,
    Yaml,
    Array,
}

/// Agents as a file carries them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgentsFile, example = json!({"format": "retinue/agents", "version": 1, "agents": [
    {"slug": "mail", "name": "Mail", "instructions": "Sort the mail.", "model": "openai:gpt-4.1-mini"}
]}))]
pub struct File {
    /// `retinue/agents`
    #[schema(example = "retinue/agents")]
    format: String,
    #[schema(example = 1)]
    version: u64,
    /// Hand-off targets by slug.
    agents: Vec<Fields>,
}

/// Agents as they are taken in.
#[derive(Debug, ToSchema)]
#[schema(as = ImportFile)]
#[expect(dead_code, reason = "it describes what wire::file reads")]
#[serde(untagged)]
pub enum Taken {
    Document(TakenDocument),
    List(Vec<Fields>),
    Agent(Box<Fields>),
    Link(Link),
}

/// As the export writes it; `format` and `version` may be left out.
#[derive(Debug, ToSchema)]
#[schema(as = ImportDocument)]
#[expect(dead_code, reason = "see above")]
#[serde(deny_unknown_fields)]
pub struct TakenDocument {
    #[schema(example = "retinue/agents")]
    format: Option<String>,
    #[schema(example = 1, minimum = 1, maximum = 1)]
    version: Option<u64>,
    agents: Vec<Fields>,
}

/// Where a file is fetched.
#[derive(Debug, ToSchema)]
#[schema(as = ImportLink)]
#[expect(dead_code, reason = "see above")]
#[serde(deny_unknown_fields)]
pub struct Link {
    #[schema(example = "https://example.com/agents.yaml")]
    url: String,
}

/// How to import.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    #[param(inline)]
    mode: Option<OnTaken>,
    /// Says what would be done, and does nothing.
    dry_run: Option<bool>,
    /// Of a file with a single agent that has neither name nor slug: what it is called, such as the file's own name.
    #[param(example = "support")]
    name: Option<String>,
    /// The system that wrote the file, where it is not recognized: see the guide *Moving over*.
    #[param(example = "crewai")]
    format: Option<String>,
    /// Refuses an agent with a field that has no place here, rather than to keep the field in `config.imported`.
    strict: Option<bool>,
    /// The model line of agents whose file names no model, or one that is not known here.
    #[param(example = "openai:gpt-4.1-mini")]
    model: Option<String>,
    /// Where several files move: slugs, with commas between them, of agents that other files have. A name means none of these,
    /// so the slug that is made of it is numbered.
    #[param(example = "triage,billing")]
    taken: Option<String>,
    /// Where several files are tried: how many agents the others would make, which the plan must have room for as well.
    planned: Option<u32>,
}

query!(ImportQuery);

fn unknown_format(name: &str) -> FieldError {
    let known: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
    let message = format!(
        "`{name:.64}` is no format that is known here; known are {}, {}",
        OURS.name,
        known.join(", ")
    );
    FieldError { field: "format".to_owned(), message }
}

/// The slugs in `taken`.
fn slugs(list: Option<&str>) -> Result<BTreeSet<Slug>, Problem> {
    let names = list.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(Slug::parse).collect::<Result<_, _>>().map_err(|error| {
        Problem::invalid(vec![FieldError { field: "taken".to_owned(), message: error.to_string() }])
    })
}

/// What becomes of an agent whose slug another one has: it is left out (`skip`, when nothing is said), the other becomes
/// what the file says (`update`), or it is taken in under the next free slug (`rename`).
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportMode)]
pub enum OnTaken {
    #[default]
    Skip,
    Update,
    Rename,
}

/// Export agents
///
/// As a document that an import takes in, here or elsewhere: without ids, owners, times and versions, hand-offs by slug.
/// Newest first, or in the order in which they are named.
#[utoipa::path(
    get,
    path = "/api/v1/agents/export",
    operation_id = "export_agents",
    tag = "agents",
    params(ExportQuery),
    extensions(("x-role" = json!("admin"))),
    responses((status = 200, description = "The document", content(
        (File = "application/json"),
        (File = "application/yaml"),
    ), headers(("content-disposition" = String, description = "What a browser calls the file"))))
)]
pub async fn export<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    query: ExportQuery,
) -> Result<Response, Problem> {
    let mut export =
        Export::begin(&app, &session, query.agents.as_deref()).await.map_err(Problem::report(&app))?;
    let first = export.next(&app, &session).await.map_err(Problem::report(&app))?;
    let (syntax, kind, name) = match query.format.unwrap_or_default() {
        Format::Json => (Syntax::Json, "application/json", "attachment; filename=\"agents.json\""),
        Format::Yaml => (Syntax::Yaml, YAML[0], "attachment; filename=\"agents.yaml\""),
        Format::Array => (Syntax::Array, "application/json", "attachment; filename=\"agents.json\""),
    };
    let file = FileWriter::new(syntax);
    let exporting = Exporting { app, session, export, file, ready: Some(file.open()), pages: first };
    let body = Body::from_stream(stream::try_unfold(exporting, Exporting::piece));
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// A document on its way: one page of it is in memory.
struct Exporting<W: World> {
    app: App<W>,
    session: Session,
    export: Export,
    file: FileWriter,
    /// The opening, until it is sent; `None` after the closing.
    ready: Option<String>,
    pages: Option<Vec<Fields>>,
}

impl<W: World> Exporting<W> {
    /// The next piece; an error breaks the document off.
    async fn piece(mut self) -> Result<Option<(Bytes, Self)>, std::io::Error> {
        let Some(mut text) = self.ready.take() else { return Ok(None) };
        let page = match self.pages.take() {
            Some(page) => Some(page),
            None => self.export.next(&self.app, &self.session).await.map_err(|failure| {
                self.app.world.log(&format!("export of {} broke off: {failure}", self.session.account.id));
                std::io::Error::other("the directory did not answer")
            })?,
        };
        match page {
            None => text.push_str(self.file.close()),
            Some(agents) => {
                for fields in &agents {
                    self.file.agent(fields, &mut text);
                }
                self.ready = Some(String::new());
            }
        }
        Ok(Some((text.into(), self)))
    }
}

/// A file in a request's body.
pub struct Sent(Source);

impl Reads for Sent {}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = body::media_type(request.headers());
        let is_yaml = YAML.contains(&kind.as_str());
        if !is_yaml && !body::is_json(&kind) {
            return Err(Problem::new(
                Kind::UnsupportedMediaType,
                "Send the file with the header `content-type: application/json` or `application/yaml`.",
            ));
        }
        let bytes = body::collect(request).await?;
        let text = body::text(&bytes)?.to_owned();
        Ok(Self(if is_yaml { Source::Yaml(text) } else { Source::Json(text) }))
    }
}

/// Import agents
///
/// All or nothing, at most 1,000 at once. A file is the export's document, a list of agents, or a single agent; YAML may hold
/// several documents. In place of a file, `{"url": "https://…"}` names one, of at most 4 MiB, that is fetched without
/// following redirects.
///
/// Files of other systems (CrewAI, Claude Code, Dify, LibreChat and others: see the guide *Moving over*) are recognized, or named by
/// `?format=`; YAML and Markdown with front matter too. `report` says of each field what became of it: mapped to one of ours, kept
/// in `config.imported`, or dropped; `needs` lists the agents and tools that it names and that are not here. What is no agent, such
/// as a workflow, is refused as that.
///
/// An agent may also be written as configuration-file systems keep them: `system_prompt` or `prompt` for the instructions;
/// `temperature`, `top_p`, `max_tokens`, `seed` and `reasoning_effort`, which go into the model line; tools as objects with a
/// `name`. Without a `name` it is called by its slug, and the only agent of a file by `?name=` or, of a URL, by the file's
/// name. Without a slug, the name is its identity: the account's agent of that name is meant.
///
/// Hand-offs name agents of the file first, then the account's; cycles are fine. In mode `update` what the file leaves out has
/// its default again, but budget, labels and status stay.
#[utoipa::path(
    post,
    path = "/api/v1/agents/import",
    operation_id = "import_agents",
    tag = "agents",
    params(ImportQuery),
    request_body(content((Taken = "application/json", example = json!({"agents": [{
        "slug": "mail", "name": "Mail", "instructions": "Sort the mail.", "model": "openai:gpt-4.1-mini",
    }]})), (String = "application/yaml"))),
    responses((status = 200, description = "What became of each agent", body = Report))
)]
pub async fn import<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    query: ImportQuery,
    Sent(source): Sent,
) -> Result<Response, Problem> {
    let system = match query.format.as_deref() {
        None => None,
        Some(name) => Some(System::named(name).ok_or_else(|| Problem::invalid(vec![unknown_format(name)]))?),
    };
    let read = agents::read(&app, &session, &source, system).await;
    let (entries, stem) = read.map_err(Problem::report(&app))?;
    let mode = match query.mode.unwrap_or_default() {
        OnTaken::Skip => Mode::Skip,
        OnTaken::Update => Mode::Update,
        OnTaken::Rename => Mode::Rename,
    };
    let dry_run = query.dry_run.unwrap_or_default();
    let import = Import {
        mode,
        dry_run,
        strict: query.strict.unwrap_or_default(),
        model: query.model,
        taken: slugs(query.taken.as_deref())?,
        planned: query.planned.unwrap_or_default() as usize,
        entries,
    };
    let import = import.named(query.name.or(stem).as_deref());
    let imported = agents::import(&app, &session, &import).await.map_err(Problem::report(&app))?;
    Ok(Report::of(&session.account, imported, dry_run).into_response())
}
