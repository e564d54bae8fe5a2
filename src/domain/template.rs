//! A template: a name and the fields that an agent begins with. It is checked as far as it goes: what it leaves open is
//! for the agent to say.

use serde_json::{Map, Value};

use super::agent::{Fields, Known, Sealer, Secrets, headers};
use super::budget::{Action, Budget, Period};
use super::field_error::{FieldError, FieldErrors};
use super::json;
use super::money::Nanos;
use super::slug::Slug;
use super::time::Millis;
use super::vault;

/// A template, the platform's or an account's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub slug: Slug,
    pub name: String,
    pub description: Option<String>,
    /// Fields of an agent ([`Fields`]).
    pub definition: Map<String, Value>,
    /// What the masks in headers of its tools stand for. The platform's have none.
    pub secrets: Secrets,
    /// No longer offered to those who choose today.
    pub is_deprecated: bool,
    pub updated_at: Millis,
}

impl Template {
    /// The definition as files have it: of a secret not even its end.
    pub fn portable(&self) -> Map<String, Value> {
        let mut definition = self.definition.clone();
        let tools = definition.get_mut("tools").and_then(Value::as_array_mut);
        let headers = tools.into_iter().flatten().filter_map(|tool| tool.get_mut("headers")?.as_object_mut());
        for value in
            headers.flat_map(Map::values_mut).filter(|value| value.as_str().is_some_and(headers::is_masked))
        {
            *value = headers::MASK.into();
        }
        definition
    }
}

/// Who offers a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Platform,
    Account,
}

/// What each agent has of its own.
const NOT_SHARED: [(&str, &str); 3] = [
    ("slug", "each agent made of the template has its own"),
    ("status", "each agent made of the template has its own"),
    ("template", "a template is not made of another: give the fields themselves"),
];

/// The fields of a template's definition, those that are given.
#[derive(Debug)]
pub struct Understood {
    pub definition: Map<String, Value>,
    /// [`vault::Error`] when the operator has set no key to seal them with.
    pub secrets: Result<Secrets, vault::Error>,
}

/// A template's definition as it is stored. Masks in it stand for what is `stored`, or for what whoever makes an agent of it
/// gives.
///
/// # Errors
/// Every field that no agent could have, as `definition.<field>`.
pub fn understand(
    definition: &Map<String, Value>,
    known: &Known<'_>,
    sealer: &Sealer<'_>,
    stored: &Secrets,
) -> Result<Understood, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    for (field, reason) in NOT_SHARED {
        if definition.contains_key(field) {
            errors.add(&format!("definition.{field}"), reason);
        }
    }
    errors.finish()?;
    let mut fields: Fields = json::read(&definition.clone().into()).map_err(inside)?;
    let mut errors = FieldErrors::default();
    let secrets = sealer.seal(fields.tools.as_deref_mut().unwrap_or_default(), stored, &mut errors);
    let given = match serde_json::to_value(&fields) {
        Ok(Value::Object(given)) => given,
        _ => Map::new(),
    };
    errors.join_new(check(fields, known));
    errors.finish().map_err(inside)?;
    Ok(Understood { definition: given, secrets })
}

/// Checks the fields as an agent's that has what they leave open.
fn check(mut fields: Fields, known: &Known<'_>) -> Result<(), Vec<FieldError>> {
    fields.name.get_or_insert_with(|| "Any".to_owned());
    fields.instructions.get_or_insert_with(|| "Any.".to_owned());
    fields.model.get_or_insert_with(|| "any:model".to_owned());
    let mut errors = FieldErrors::default();
    for (i, target) in fields.handoff_targets.iter().flatten().enumerate() {
        if Slug::parse(target).is_err() {
            errors.add(&format!("handoff_targets[{i}]"), "write the agent's slug");
        }
    }
    let draft = fields.understand();
    errors.join(Err(draft.faults));
    let any = Budget { limit: Nanos::ZERO, period: Period::Day, action: Action::Block };
    errors.join_new(draft.definition.check(Some(draft.budget.as_ref().unwrap_or(&any)), known));
    errors.finish()
}

/// Faults of an agent's fields, as those of a definition.
pub fn inside(errors: Vec<FieldError>) -> Vec<FieldError> {
    let inside = |error: FieldError| {
        let field = match error.field.as_str() {
            "(body)" => "definition".to_owned(),
            field => format!("definition.{field}"),
        };
        FieldError { field, ..error }
    };
    errors.into_iter().map(inside).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::agent::Unknown;

    fn faults(definition: &Value) -> Vec<String> {
        let known = Known {
            alias: &|name| (name == "fast").then(|| "p:m".to_owned()),
            variable: &|_| false,
            webhook: &|_| false,
            loopback: crate::domain::outbound::Loopback::Refused,
        };
        let sealer = Sealer {
            account: None,
            master: Err(vault::Error::Missing),
            nonce: &|| [0; 12],
            loopback: known.loopback,
            unknown: Unknown::Awaited,
        };
        let understood = understand(definition.as_object().unwrap(), &known, &sealer, &Secrets::default());
        let errors = understood.err().unwrap_or_default();
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn what_a_template_leaves_open_is_no_fault() {
        for definition in [
            json!({}),
            json!({"access": "public", "model": "fast", "handoff_targets": ["triage"], "labels": ["a"]}),
            json!({"instructions": "Hi {{tone}}", "config": {"variables": {"tone": null}}}),
        ] {
            assert_eq!(faults(&definition), [""; 0], "{definition}");
        }
    }

    #[test]
    fn what_it_says_is_checked_as_an_agents() {
        for (definition, fields) in [
            (json!({"slug": "a", "status": "draft"}), &["definition.slug", "definition.status"][..]),
            (json!({"modle": "a:b"}), &["definition.modle"]),
            (json!({"model": "slow"}), &["definition.model"]),
            (json!({"handoff_targets": ["Not A Slug"]}), &["definition.handoff_targets[0]"]),
            (json!({"labels": ["a", "a"]}), &["definition.labels[1]"]),
            (
                json!({"instructions": "{{nmae}}", "name": ""}),
                &["definition.name", "definition.instructions"],
            ),
        ] {
            assert_eq!(faults(&definition), fields, "{definition}");
        }
    }
}
