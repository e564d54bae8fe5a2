//! What an import of agents answers.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::account::Account;
use crate::domain::field_error::FieldError;
use crate::domain::warning::Warning;
use crate::service::agents::{Imported, Item, Outcome};
use crate::wire::file::foreign::Need;
use crate::wire::file::report::Line;

use super::agents::{self, View};
use super::body::Json;
use super::problem::Problem;

/// The most errors that stand in the problem itself; `results` has more.
const MAX_ERRORS: usize = 100;

/// The most errors of all agents that `results` has: a file of a few bytes an agent must not be answered with hundreds.
const MAX_FAULTS: usize = 200;

/// The most lines and needs of all agents that `results` has.
const MAX_LINES: usize = 1_000;

/// What became of the agents of a file, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub struct Report {
    results: Vec<Row>,
    /// Those that were created or updated, as they are now; none when nothing was written.
    agents: Vec<View>,
    created: usize,
    updated: usize,
    skipped: usize,
    /// Whether all this would only be done.
    dry_run: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<Warning>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportResult)]
pub struct Row {
    /// As the account has it; of an invalid agent as the file has it.
    slug: Option<String>,
    name: Option<String>,
    result: Word,
    /// The system whose file it is, unless it is written in our own fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = "crewai")]
    format: Option<&'static str>,
    /// What became of each field that is not ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    report: Vec<FieldReport>,
    /// How many lines of the report, needs and errors are not listed: of all agents 1,000 lines and needs are, and 200
    /// errors.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    more: usize,
    /// What it wants to use, and neither the file nor the account has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    needs: Vec<Needed>,
    /// As the file has it, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    renamed_from: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

/// What became of a field of another system's file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedField)]
pub struct FieldReport {
    /// A path in the file.
    #[schema(example = "model_settings.temperature")]
    field: String,
    /// `kept` (in `config.imported`, where it does nothing yet), `mapped to …`, or `dropped`.
    #[schema(example = "mapped to model (temperature)")]
    became: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    note: Option<String>,
}

/// An agent or a tool that an agent names, or a secret that it has no value for: tool and header.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportNeed)]
pub struct Needed {
    #[schema(example = "agent")]
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    version: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportOutcome)]
pub enum Word {
    Created,
    Updated,
    Skipped,
    /// Nothing is wrong with it, but with another of the file, so it was not written.
    Valid,
    Invalid,
}

impl From<Item> for Row {
    fn from(item: Item) -> Self {
        let (result, errors) = match item.outcome {
            Outcome::Created => (Word::Created, Vec::new()),
            Outcome::Updated => (Word::Updated, Vec::new()),
            Outcome::Skipped => (Word::Skipped, Vec::new()),
            Outcome::Invalid(errors) => (Word::Invalid, errors),
        };
        let became =
            |line: Line| FieldReport { field: line.field, became: line.became.words(), note: line.note };
        let needed = |need: Need| Needed { kind: need.kind, name: need.name, version: need.version };
        Self {
            slug: item.slug,
            name: item.name,
            result,
            format: item.system.map(|system| system.name),
            more: item.report.more,
            report: item.report.lines.into_iter().map(became).collect(),
            needs: item.needs.into_iter().map(needed).collect(),
            renamed_from: item.renamed_from.map(|slug| slug.to_string()),
            errors,
        }
    }
}

/// Leaves out what is beyond the bounds of an answer.
fn bound(rows: &mut [Row]) {
    fn cut<T>(list: &mut Vec<T>, left: &mut usize) -> usize {
        let more = list.len().saturating_sub(*left);
        list.truncate(*left);
        *left -= list.len();
        more
    }
    let (mut errors, mut lines) = (MAX_FAULTS, MAX_LINES);
    for row in rows {
        // Of what is refused, and has no more room to say why, nothing else is said.
        if errors == 0 && row.result == Word::Invalid {
            row.more += cut(&mut row.report, &mut 0) + cut(&mut row.needs, &mut 0);
        }
        row.more += cut(&mut row.errors, &mut errors);
        row.more += cut(&mut row.report, &mut lines);
        row.more += cut(&mut row.needs, &mut lines);
    }
}

impl Report {
    pub fn of(
        account: &Account,
        Imported { mut items, mut warnings, faults }: Imported,
        dry_run: bool,
    ) -> Self {
        warnings.extend(
            faults
                .iter()
                .map(|(i, fault)| agents::not_ready(&format!("agents[{i}].{}", fault.field()), fault)),
        );
        let made = items.iter_mut().filter_map(|item| item.agent.take()).filter(|_| !dry_run);
        let agents = made.map(|agent| View::of(account, agent)).collect();
        let mut results: Vec<Row> = items.into_iter().map(Row::from).collect();
        if results.iter().any(|row| row.result == Word::Invalid) {
            let is_written = |row: &&mut Row| matches!(row.result, Word::Created | Word::Updated);
            results.iter_mut().filter(is_written).for_each(|row| row.result = Word::Valid);
        }
        bound(&mut results);
        let count = |word: Word| results.iter().filter(|row| row.result == word).count();
        let is_valid = count(Word::Invalid) == 0;
        let skipped = if is_valid { count(Word::Skipped) } else { 0 };
        let (created, updated) = (count(Word::Created), count(Word::Updated));
        Self { results, agents, created, updated, skipped, dry_run, warnings }
    }

    fn errors(&self) -> Vec<FieldError> {
        let of = |(i, row): (usize, &Row)| {
            let inside = move |error: &FieldError| FieldError {
                field: format!("agents[{i}].{}", error.field),
                message: error.message.clone(),
            };
            row.errors.iter().map(inside).collect::<Vec<_>>()
        };
        self.results.iter().enumerate().flat_map(of).take(MAX_ERRORS).collect()
    }
}

impl IntoResponse for Report {
    /// What is invalid is a problem document that has the report's members as well.
    fn into_response(self) -> Response {
        if self.results.iter().all(|row| row.result != Word::Invalid) {
            return Json(self).into_response();
        }
        let problem = Problem::invalid(self.errors());
        let mut document: Map<String, Value> = serde_json::from_slice(&problem.to_json()).unwrap_or_default();
        let many = self.results.iter().filter(|row| row.result == Word::Invalid).count();
        let more: usize = self.results.iter().map(|row| row.more).sum();
        let more = if more == 0 { String::new() } else { format!(", and {more} more errors and lines") };
        let detail = format!(
            "{many} of {} agents do not fit, so none was taken in; see results{more}",
            self.results.len()
        );
        document.insert("detail".to_owned(), detail.into());
        if let Ok(Value::Object(report)) = serde_json::to_value(&self) {
            document.extend(report);
        }
        let json = [(header::CONTENT_TYPE, "application/problem+json")];
        (problem.kind.status(), json, Value::Object(document).to_string()).into_response()
    }
}
