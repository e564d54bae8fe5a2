//! `/api/v1/export` and `/api/v1/import`: declared things in files.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::field_error::FieldError;
use crate::http::access::Writer;
use crate::http::body::Json;
use crate::http::problem::{Kind, Problem};
use crate::http::query::query;
use crate::ports::World;
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::declared::CarriedThing as Thing;
use crate::service::declared::{Context, Export, Import, Item, Mode, Outcome};

const FORMAT: &str = "retinue/declarations";
/// The most errors that a problem names.
const MAX_ERRORS: usize = 100;

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `aliases`, `models`, `providers`, `templates`, with commas between them; all kinds when left out.
    #[param(example = "providers,aliases")]
    kinds: Option<String>,
}

query!(ExportQuery);

/// Declared things as a file carries them.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeclarationsFile, example = json!({"format": "retinue/declarations", "version": 1, "declarations": [
    {"kind": "alias", "name": "fast", "body": {"model": "openai:gpt-4.1-mini"}}
]}))]
pub struct File {
    /// `retinue/declarations`; may be left out.
    #[schema(example = "retinue/declarations")]
    format: Option<String>,
    #[schema(example = 1, minimum = 1, maximum = 1)]
    version: Option<u64>,
    declarations: Vec<Row>,
}

/// A declared thing.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Declaration)]
pub struct Row {
    /// The singular: `alias`, `model`, `provider`, `template`.
    #[schema(example = "alias")]
    kind: String,
    /// As it stands in the thing's path: of a model `provider/code`.
    #[schema(example = "fast")]
    name: String,
    /// As a PUT of the thing takes it, without secrets.
    #[schema(value_type = Object, example = json!({"model": "openai:gpt-4.1-mini"}))]
    body: Value,
}

/// How to import.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    #[param(inline)]
    mode: Option<OnTaken>,
    /// Says what would be done, and does nothing.
    dry_run: Option<bool>,
}

query!(ImportQuery);

/// What becomes of a thing that the account has already: it stays (`skip`, when nothing is said), or it becomes what the file
/// says (`update`).
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeclarationsImportMode)]
pub enum OnTaken {
    #[default]
    Skip,
    Update,
}

/// What became of the things of a file, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeclarationsReport)]
pub struct Report {
    results: Vec<Line>,
    created: usize,
    updated: usize,
    unchanged: usize,
    skipped: usize,
    refused: usize,
    /// Repeat the import while there are such.
    pending: usize,
    /// Whether all this would only be done.
    dry_run: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeclarationsResult)]
pub struct Line {
    kind: String,
    name: String,
    result: Word,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeclarationsOutcome)]
pub enum Word {
    Created,
    Updated,
    Unchanged,
    Skipped,
    Invalid,
    Pending,
    Refused,
}

/// Export declared things
///
/// The account's own, of all kinds or of those that are named: providers without their keys, models, aliases, templates. An
/// import takes the document in, here or elsewhere.
#[utoipa::path(
    get,
    path = "/api/v1/export",
    operation_id = "export_declarations",
    tag = "accounts",
    params(ExportQuery),
    extensions(("x-role" = json!("admin"))),
    responses((status = 200, description = "The document", body = File, headers(
        ("content-disposition" = String, description = "What a browser calls the file"),
    )))
)]
pub async fn export<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    query: ExportQuery,
) -> Result<Response, Problem> {
    let mut export = Export::begin(&app, &session, query.kinds.as_deref()).map_err(Problem::report(&app))?;
    let first = export.next(&Context::new(&app, Some(&session))).await.map_err(Problem::report(&app))?;
    let opening = format!("{{\"format\":\"{FORMAT}\",\"version\":1,\"declarations\":[");
    let exporting = Exporting { app, session, export, text: Some(opening), page: first, is_first: true };
    let body = Body::from_stream(stream::try_unfold(exporting, Exporting::piece));
    let name = "attachment; filename=\"declarations.json\"";
    let head = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_DISPOSITION, name)];
    Ok((head, body).into_response())
}

/// A document on its way: one page of it is in memory.
struct Exporting<W: World> {
    app: App<W>,
    session: Session,
    export: Export<W>,
    /// What is to be sent next; `None` after the end.
    text: Option<String>,
    page: Option<Vec<Thing>>,
    is_first: bool,
}

impl<W: World> Exporting<W> {
    /// The next piece; an error breaks the document off.
    async fn piece(mut self) -> Result<Option<(Bytes, Self)>, std::io::Error> {
        let Some(mut text) = self.text.take() else { return Ok(None) };
        match self.page.take() {
            None => text.push_str("]}"),
            Some(things) => {
                for Thing { kind, name, body } in things {
                    if !std::mem::take(&mut self.is_first) {
                        text.push(',');
                    }
                    text.push_str(&serde_json::to_string(&Row { kind, name, body })?);
                }
                let cx = Context::new(&self.app, Some(&self.session));
                self.page = self.export.next(&cx).await.map_err(|failure| {
                    self.app
                        .world
                        .log(&format!("export of {} broke off: {failure}", self.session.account.id));
                    std::io::Error::other("the directory did not answer")
                })?;
                self.text = Some(String::new());
            }
        }
        Ok(Some((text.into(), self)))
    }
}

/// Import declared things
///
/// As an export writes them; at most 500 at once. The key needs the scope of each kind in the file. What is wrong with a thing's own fields refuses the whole file before
/// anything is written. Then one is written after the other, providers before models, aliases and templates: a call meanwhile
/// may see a part of it, every call afterwards all. What does not fit the account, such as one more than its limit, is
/// `refused` and the others are taken in.
/// Repeating an import completes one that broke off, and one that left things `pending`, as a request writes some hundred. Keys of providers are not in files: PUT them apart.
#[utoipa::path(
    post,
    path = "/api/v1/import",
    operation_id = "import_declarations",
    tag = "accounts",
    params(ImportQuery),
    request_body = File,
    responses((status = 200, description = "What became of each thing", body = Report))
)]
pub async fn import<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    query: ImportQuery,
    Json(file): Json<File>,
) -> Result<Response, Problem> {
    if file.format.as_deref().is_some_and(|format| format != FORMAT) || file.version.is_some_and(|v| v != 1) {
        let detail = format!("The file is none of format {FORMAT}, version 1. Agents go to agents/import.");
        return Err(Problem::new(Kind::InvalidRequest, detail));
    }
    let mode = match query.mode.unwrap_or_default() {
        OnTaken::Skip => Mode::Skip,
        OnTaken::Update => Mode::Update,
    };
    let is_dry = query.dry_run.unwrap_or_default();
    let thing = |Row { kind, name, body }: Row| Thing { kind, name, body };
    let things = file.declarations.into_iter().map(thing).collect();
    let items = Import { things, mode, is_dry }.run(&app, &session).await.map_err(Problem::report(&app))?;
    Ok(answer(&app, items, is_dry))
}

fn answer<W: World>(app: &App<W>, items: Vec<Item>, dry_run: bool) -> Response {
    let results: Vec<Line> = items.into_iter().map(|item| line(app, item)).collect();
    let errors: Vec<FieldError> = errors(&results).take(MAX_ERRORS).collect();
    if !errors.is_empty() {
        return Problem::invalid(errors).into_response();
    }
    let count = |word: Word| results.iter().filter(|line| line.result == word).count();
    Json(Report {
        created: count(Word::Created),
        updated: count(Word::Updated),
        unchanged: count(Word::Unchanged),
        skipped: count(Word::Skipped),
        refused: count(Word::Refused),
        pending: count(Word::Pending),
        results,
        dry_run,
    })
    .into_response()
}

fn line<W: World>(app: &App<W>, item: Item) -> Line {
    let (result, detail, errors) = match item.outcome {
        Outcome::Created => (Word::Created, None, Vec::new()),
        Outcome::Updated => (Word::Updated, None, Vec::new()),
        Outcome::Unchanged => (Word::Unchanged, None, Vec::new()),
        Outcome::Skipped => (Word::Skipped, None, Vec::new()),
        Outcome::Pending => (Word::Pending, None, Vec::new()),
        Outcome::Invalid(errors) => (Word::Invalid, None, errors),
        Outcome::Refused(failure) => {
            let problem = Problem::report(app)(*failure);
            (Word::Refused, Some(problem.detail), problem.errors)
        }
    };
    Line { kind: item.kind, name: item.name, result, detail, errors }
}

/// The faults of things whose own fields do not fit, as fields of the file.
fn errors(lines: &[Line]) -> impl Iterator<Item = FieldError> {
    let invalid = lines.iter().enumerate().filter(|(_, line)| line.result == Word::Invalid);
    invalid.flat_map(|(at, line)| {
        line.errors.iter().map(move |error| FieldError {
            field: format!("declarations[{at}].{}", error.field),
            message: error.message.clone(),
        })
    })
}
