//! A body that writes an agent: in our words, with what it leaves open.

use serde_json::{Map, Value};

use crate::domain::agent::{Draft, Fields, merge, spelling};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::json;
use crate::domain::model_line;
use crate::domain::patch::{Operations, Patch};
use crate::domain::read_only;
use crate::domain::warning::{Code, Warning};
use crate::ports::World;
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

/// The fields of a body, and what is wrong with it so far.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub fields: Map<String, Value>,
    /// In place of the fields.
    operations: Option<Operations>,
    faults: Vec<FieldError>,
}

/// What operations do not reach.
const APART: [&str; 2] = ["template", "status"];
/// Says of an archived agent that it is one.
const IS_ACTIVE: &str = "is_active";

impl Given {
    pub fn new(mut fields: Map<String, Value>) -> Self {
        let faults = spelling::ours(&mut fields).err().unwrap_or_default();
        Self { fields, faults, ..Self::default() }
    }

    pub fn of_patch(patch: Patch) -> Self {
        match patch {
            Patch::Merge(fields) => Self::new(fields),
            Patch::Operations(operations) => Self { operations: Some(operations), ..Self::default() },
        }
    }

    fn note(&mut self, result: Result<(), Vec<FieldError>>) {
        self.faults.extend(result.err().into_iter().flatten());
    }

    /// Takes out what says whether the agent is in use.
    pub fn is_active(&mut self) -> Option<bool> {
        match self.fields.remove(IS_ACTIVE)? {
            Value::Null => None,
            Value::Bool(is_active) => Some(is_active),
            _ => {
                self.note(Err(vec![fault(IS_ACTIVE, "must be true or false")]));
                None
            }
        }
    }

    /// Of an agent that is created: it is in use, and of the account.
    pub fn of_new(mut self, session: &Session) -> Self {
        if self.is_active() == Some(false) {
            let message =
                "is false of archived agents: create it with `status: inactive`, or archive it afterwards";
            self.note(Err(vec![fault(IS_ACTIVE, message)]));
        }
        let shown = [("organization_id".to_owned(), session.account.id.to_string().into())];
        self.leave_out(&shown.into_iter().collect());
        self
    }

    /// Whether it changes nothing and has no fault.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.faults.is_empty() && self.operations.is_none()
    }

    /// Whether there are fields that are only shown, or the status, which is changed apart.
    pub fn has_more_than_it_writes(&self) -> bool {
        self.fields.contains_key("status") || read_only::is_needed(&self.fields, json::fields_of::<Fields>())
    }

    /// Leaves out what is as it is shown.
    pub fn leave_out(&mut self, shown: &Map<String, Value>) {
        if self
            .fields
            .get("status")
            .is_some_and(|status| status.is_null() || shown.get("status") == Some(status))
        {
            self.fields.remove("status");
        }
        let left = read_only::leave_out(&mut self.fields, shown, json::fields_of::<Fields>());
        self.note(left);
    }

    /// The draft of an agent that this changes, from its fields.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn over(&self, mut all: Map<String, Value>, default: &DefaultModel) -> Result<Draft, Failure> {
        match &self.operations {
            None => merge(&mut all, self.fields.clone()),
            Some(operations) => {
                // Each field is there to be replaced.
                for name in json::fields_of::<Fields>().iter().filter(|name| !APART.contains(name)) {
                    all.entry(*name).or_insert(Value::Null);
                }
                all.remove("status");
                all = operations.apply(all)?;
                if all.get("status").is_some_and(|status| !status.is_null()) {
                    return Err(Failure::StatusApart);
                }
            }
        }
        Ok(self.draft(all, default)?)
    }

    /// The draft that these fields are, which may lie over others.
    ///
    /// # Errors
    /// What is wrong with a body of which no draft can be made.
    pub fn draft(&self, all: Map<String, Value>, default: &DefaultModel) -> Result<Draft, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.join(Err(self.faults.clone()));
        let (fields, faults) = json::read_partly::<Fields>(&all.into());
        errors.absorb(faults);
        let Some(mut fields) = fields else { return Err(errors.finish().err().unwrap_or_default()) };
        fields.model.get_or_insert_with(|| default.line.clone());
        let mut draft = fields.understand();
        errors.join_new(Err(std::mem::take(&mut draft.faults)));
        draft.faults = errors.finish().err().unwrap_or_default();
        Ok(draft)
    }
}

fn fault(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

/// The model of an agent that names none.
#[derive(Clone, Debug)]
pub struct DefaultModel {
    pub line: String,
    /// Whether it is the platform's, because the account has named none.
    is_platforms: bool,
}

impl DefaultModel {
    pub fn of<W: World>(app: &App<W>, session: &Session) -> Self {
        match session.account.default_model() {
            Some(line) => Self { line: line.to_owned(), is_platforms: false },
            None => {
                let line =
                    app.world.settings().default_model.as_deref().unwrap_or(model_line::PLATFORM_DEFAULT);
                Self { line: line.to_owned(), is_platforms: true }
            }
        }
    }

    /// What is said where it was filled in.
    pub fn warning(&self, field: &str) -> Option<Warning> {
        let message = format!(
            "is `{}`, the platform's default: give the agent a `model`, or the account a `default_model`",
            self.line
        );
        self.is_platforms.then(|| Warning::new(field, Code::Defaulted, message))
    }
}
