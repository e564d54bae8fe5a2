//! An agent of a file on its way into the account.

use crate::domain::agent::{Agent, Draft, Status, made_slug};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::model_line::{MAX_CHARS, ModelLine};
use crate::domain::slug::Slug;
use crate::wire::file::Entry;
use crate::wire::file::foreign::{Need, Origin, System};
use crate::wire::file::parameters::with_parameters;
use crate::wire::file::report::Report;

use super::given::DefaultModel;
use super::import_order::Import;

/// An agent of the file.
pub(super) struct Candidate {
    /// As the file names it.
    pub shown: Option<String>,
    pub name: Option<String>,
    pub slug: Option<Slug>,
    /// Whether the slug was made of the name.
    pub is_derived: bool,
    /// Whether it is left out because an agent of its name is there, under another slug.
    pub is_there: bool,
    pub draft: Option<Draft>,
    pub faults: FieldErrors,
    pub system: Option<&'static System>,
    pub report: Report,
    pub needs: Vec<Need>,
    pub keys: Vec<String>,
    pub origin: Option<Origin>,
    pub given: Given,
}

/// What the file says of that which otherwise stays.
#[derive(Clone, Copy, Default)]
pub(super) struct Given {
    budget: bool,
    labels: bool,
    status: bool,
}

impl Candidate {
    pub fn of(entry: &Entry, import: &Import, default: &DefaultModel) -> Self {
        let mut candidate = Self {
            shown: entry.slug.clone(),
            name: entry.name.clone(),
            slug: None,
            is_derived: false,
            is_there: false,
            draft: None,
            faults: FieldErrors::default(),
            system: entry.system,
            report: entry.report.clone(),
            needs: entry.needs.clone(),
            keys: entry.keys.clone(),
            origin: entry.origin.clone(),
            given: Given::default(),
        };
        candidate.faults.join(Err(entry.faults.clone()));
        let Some(mut fields) = entry.fields.clone() else { return candidate };
        if fields.model.is_none() {
            let line = import.model.as_ref().unwrap_or(&default.line);
            // Names without a provider are looked up later: an alias takes none.
            let line = match with_parameters(line, &entry.parameters) {
                with if fits(&with) => with,
                _ => {
                    for (name, _) in &entry.parameters {
                        candidate.report.dropped(name, "the model that it is given takes no parameters");
                    }
                    line.clone()
                }
            };
            candidate.report.model(&line, Some("the file names no model: this is the default"));
            fields.model = Some(line);
        }
        candidate.given = Given {
            budget: fields.budget.is_some(),
            labels: fields.labels.is_some(),
            status: fields.status.is_some(),
        };
        let has_slug = fields.slug.is_some();
        let draft = fields.understand();
        candidate.slug = match &draft.slug {
            None if !has_slug && !draft.definition.name.is_empty() => {
                candidate.is_derived = true;
                made_slug(&draft.definition.name)
            }
            slug => slug.clone(),
        };
        candidate.draft = Some(draft);
        candidate
    }

    /// Makes faults of the fields that have no place here.
    pub fn refuse_losses(&mut self) {
        for line in self.report.losses() {
            let what = "has no place here: without `strict` it is kept in config.imported or dropped, as the report says";
            self.faults.add(&line.field, what);
        }
    }
}

/// Whether its entries take their parameters, as far as they are models.
fn fits(line: &str) -> bool {
    let is_model = |entry: &str| match entry.contains(':') {
        true => ModelLine::parse(entry).is_ok(),
        false => ModelLine::parse(&format!("any:{}", entry.trim())).is_ok(),
    };
    line.chars().count() <= MAX_CHARS && line.split(',').all(is_model)
}

impl Given {
    /// What the file does not say of an agent stays as it is, as far as it is no definition.
    pub fn keep(self, draft: &mut Draft, read: &Agent) {
        if !self.budget {
            draft.budget = read.budget;
        }
        if !self.labels {
            draft.labels.clone_from(&read.labels);
        }
        if !self.status {
            draft.status = read.status;
        }
        if draft.status != Status::Archived && !read.status.leads_to(draft.status) {
            let what = format!("does not lead from {} to {}", read.status.name(), draft.status.name());
            draft.faults.push(FieldError { field: "status".to_owned(), message: what });
        }
    }
}
