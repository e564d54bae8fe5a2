//! Changes of an account by those who run it: its name, its words for instructions, its settings, its plan.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::account::{Account, DEFAULT_MODEL, Plan, Status};
use super::field_error::{FieldError, FieldErrors};
use super::instructions;
use super::json::{self, MAX_FREE_DEPTH};
use super::merge_patch;

/// The most variables of an account.
pub const MAX_VARIABLES: usize = 100;
/// The most characters of one.
pub const MAX_VARIABLE: usize = 10_000;
/// The most bytes of the settings' JSON.
pub const MAX_SETTINGS: usize = 64 * 1024;

/// What is to be changed; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    pub name: Option<String>,
    /// Laid over those there are; `None` removes one.
    pub variables: Option<BTreeMap<String, Option<String>>>,
    /// Laid over those there are (RFC 7396).
    pub settings: Option<Map<String, Value>>,
    /// The setting of this name, `Some(None)` to remove it.
    pub default_model: Option<Option<String>>,
    pub plan: Option<Plan>,
    /// The operator's to change.
    pub status: Option<Status>,
}

impl Edit {
    /// The account as it is to be; its name is the caller's to check, and whether it may have that plan.
    ///
    /// # Errors
    /// Every field that does not fit.
    pub fn apply(&self, account: &Account) -> Result<Account, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let mut next = account.clone();
        if let Some(name) = &self.name {
            next.name.clone_from(name);
        }
        for (name, value) in self.variables.iter().flatten() {
            let field = format!("variables.{name:.64}");
            if !instructions::is_name(name) {
                errors.add(&field, "a name has 1 to 64 characters of a-z, 0-9 and '_', a letter first");
            }
            match value {
                Some(value) => {
                    errors.length(&field, value, 0, MAX_VARIABLE);
                    next.variables.insert(name.clone(), value.clone());
                }
                None => {
                    next.variables.remove(name);
                }
            }
        }
        if next.variables.len() > MAX_VARIABLES {
            errors.add(
                "variables",
                format!("an account has at most {MAX_VARIABLES}, would have {}", next.variables.len()),
            );
        }
        let mut settings = self.settings.clone();
        if let Some(line) = &self.default_model {
            settings.get_or_insert_default().insert(DEFAULT_MODEL.to_owned(), line.clone().into());
        }
        if let Some(settings) = settings {
            merge_patch::lay(&mut next.settings, settings, &[]);
            if next.settings.values().any(|value| json::depth(value) > MAX_FREE_DEPTH) {
                errors.add("settings", format!("are nested at most {MAX_FREE_DEPTH} deep"));
            }
            let bytes = Value::Object(next.settings.clone()).to_string().len();
            if bytes > MAX_SETTINGS {
                errors.add(
                    "settings",
                    format!("have at most {MAX_SETTINGS} bytes of JSON, would have {bytes}"),
                );
            }
        }
        next.plan = self.plan.unwrap_or(account.plan);
        next.status = self.status.unwrap_or(account.status);
        errors.finish()?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_laid_over_deeply() {
        let mut base = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}});
        let over = json!({"a": {"b": null, "c": [3]}, "d": {"x": null, "y": 1}, "e": 2, "g": null});
        let (Value::Object(base), Value::Object(over)) = (&mut base, over) else { panic!() };
        merge_patch::lay(base, over, &[]);
        assert_eq!(json!(base), json!({"a": {"c": [3]}, "d": {"y": 1}, "e": 2}));
    }
}
