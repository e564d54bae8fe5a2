//! A body that writes an agent: in our words, with what it leaves open.

use serde_json::{Map, Value};

use crate::domain::agent::{Draft, Fields, merge, spelling};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::json;
use crate::domain::model_line;
use crate::domain::patch::{Patch, StandIn};
use crate::domain::read_only;
use crate::domain::spellings;
use crate::domain::warning::{Code, Warning};
use crate::ports::World;
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

/// The fields of a body that creates an agent, and what is wrong with it so far.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub fields: Map<String, Value>,
    faults: Vec<FieldError>,
}

/// What a change comes to, over an agent as it was read.
#[derive(Debug)]
pub struct Changed {
    pub draft: Draft,
    /// Whether the agent is to be in use; `None` leaves it where it is.
    pub is_active: Option<bool>,
}

/// Says of an archived agent that it is one.
pub const IS_ACTIVE: &str = "is_active";
const STATUS: &str = "status";
/// What no change reaches.
const TEMPLATE: &str = "template";

impl Given {
    /// Of an agent that is created: it is in use, and of the account.
    pub fn of_new(mut fields: Map<String, Value>, session: &Session) -> Self {
        let mut errors = FieldErrors::default();
        errors.join(spelling::ours(&mut fields));
        if take_is_active(&mut fields, &mut errors) == Some(false) {
            let message =
                "is false of archived agents: create it with `status: inactive`, or archive it afterwards";
            errors.add(IS_ACTIVE, message);
        }
        let shown = [("organization_id".to_owned(), session.account.id.to_string().into())];
        errors.join(read_only::leave_out(
            &mut fields,
            &shown.into_iter().collect(),
            json::fields_of::<Fields>(),
        ));
        Self { fields, faults: errors.finish().err().unwrap_or_default() }
    }

    /// What is wrong with these fields whatever template they lie over, and these faults of the template's name.
    pub fn faults_beside(&self, faults: Vec<FieldError>) -> Vec<FieldError> {
        let mut errors = FieldErrors::default();
        errors.join(Err(self.faults.clone()));
        errors.absorb(json::read_partly::<Fields>(&self.fields.clone().into()).1);
        errors.join_new(Err(faults));
        errors.finish().err().unwrap_or_default()
    }

    /// The draft of these fields, laid over a template's.
    ///
    /// # Errors
    /// What is wrong with a body of which no draft can be made.
    pub fn draft(&self, all: Map<String, Value>, default: &DefaultModel) -> Result<Draft, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.join(Err(self.faults.clone()));
        draft(all, default, errors)
    }
}

/// What a change makes of an agent's fields, `written`, which is shown as `shown`.
///
/// # Errors
/// [`Failure`].
pub fn change_of(
    patch: &Patch,
    written: Map<String, Value>,
    shown: &Map<String, Value>,
    default: &DefaultModel,
) -> Result<Changed, Failure> {
    let mut errors = FieldErrors::default();
    let mut fields = match patch {
        Patch::Merge(fields) => fields.clone(),
        Patch::Operations(operations) => {
            without_echoes(operations.apply_beside(shown.clone(), &stand_ins())?, shown)
        }
    };
    spellings::give_way(&mut fields, &spelling::NAMES, shown, spelling::are_same);
    errors.join(spelling::ours(&mut fields));
    let is_active = take_is_active(&mut fields, &mut errors);
    let status = fields.shift_remove(STATUS).filter(|status| !status.is_null());
    if status.is_some_and(|status| shown.get(STATUS) != Some(&status)) {
        errors.add(STATUS, "is changed by POST …/agents/{agent}/status");
    }
    errors.join(read_only::leave_out(&mut fields, shown, json::fields_of::<Fields>()));
    let mut all = match patch {
        Patch::Merge(_) => {
            let mut all = written;
            merge(&mut all, fields);
            all
        }
        Patch::Operations(_) => fields,
    };
    all.shift_remove(STATUS);
    Ok(Changed { draft: draft(all, default, errors)?, is_active })
}

/// Leaves out other names of fields that operations took away: they only show what was there.
fn without_echoes(mut done: Map<String, Value>, shown: &Map<String, Value>) -> Map<String, Value> {
    for (other, own) in spelling::NAMES {
        let is_gone = shown.contains_key(own) && !done.contains_key(own);
        if is_gone && done.get(other) == shown.get(other) {
            done.shift_remove(other);
        }
    }
    done
}

/// What operations may name besides what is shown: each field that can be written, and the object that variables stand in.
fn stand_ins() -> Vec<StandIn> {
    let fields = json::fields_of::<Fields>().iter().filter(|name| **name != TEMPLATE);
    fields.map(|name| StandIn::null(name)).chain([StandIn::object(CONFIG, VARIABLES)]).collect()
}

const CONFIG: &str = "config";
const VARIABLES: &str = "variables";

/// Takes out what says whether the agent is in use.
fn take_is_active(fields: &mut Map<String, Value>, errors: &mut FieldErrors) -> Option<bool> {
    match fields.shift_remove(IS_ACTIVE)? {
        Value::Null => None,
        Value::Bool(is_active) => Some(is_active),
        _ => {
            errors.add(IS_ACTIVE, "must be true or false");
            None
        }
    }
}

/// The draft that these fields are.
fn draft(
    all: Map<String, Value>,
    default: &DefaultModel,
    mut errors: FieldErrors,
) -> Result<Draft, Vec<FieldError>> {
    let (fields, faults) = json::read_partly::<Fields>(&all.into());
    errors.absorb(faults);
    let Some(mut fields) = fields else { return Err(errors.finish().err().unwrap_or_default()) };
    fields.model.get_or_insert_with(|| default.line.clone());
    let mut draft = fields.understand();
    errors.join_new(Err(std::mem::take(&mut draft.faults)));
    draft.faults = errors.finish().err().unwrap_or_default();
    Ok(draft)
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
