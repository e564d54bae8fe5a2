//! A change of an account as a client writes it: a merge in anybody's words, or operations on what is shown.

use serde_json::{Map, Value, json};

use crate::domain::account::Account;
use crate::domain::account_words::in_our_words;
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::merge_patch;
use crate::domain::patch::Operations;
use crate::service::failure::Failure;

/// What of a change only takes away must have a meaning: these can be empty.
const CAN_BE_EMPTY: [&str; 3] = ["variables", "settings", "default_model"];

/// The fields of an account that its row has, by all their names.
fn document(account: &Account) -> Map<String, Value> {
    let document = json!({
        "id": account.id.to_string(), "slug": account.slug.as_str(), "name": account.name, "plan": account.plan,
        "pricing_tier": account.plan, "status": account.status, "default_model": account.default_model(),
        "variables": account.variables, "settings": account.settings,
    });
    document.as_object().cloned().unwrap_or_default()
}

/// What operations on what is shown of an account change, as a merge.
///
/// # Errors
/// [`Failure`] where one of them cannot be done, or takes away what cannot be.
pub fn merge_of(operations: &Operations, before: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    let mut after = operations.apply(before.clone())?;
    let mut errors = FieldErrors::default();
    let gone = before.keys().filter(|name| after.get(*name).is_none_or(Value::is_null));
    for name in gone.filter(|name| !CAN_BE_EMPTY.contains(&name.as_str())) {
        errors.add(name, "cannot be taken away");
    }
    errors.finish()?;
    for name in ["variables", "settings"] {
        if after.get(name).is_none_or(Value::is_null) {
            after.insert(name.to_owned(), Map::new().into());
        }
    }
    Ok(merge_patch::difference(before, &after))
}

/// What is wrong with a body so far.
pub type Noted = Result<(), Vec<FieldError>>;

/// Rewrites a change in our words.
///
/// # Errors
/// As [`in_our_words`].
pub fn rename(fields: &mut Map<String, Value>, account: &Account) -> Noted {
    in_our_words(fields, &document(account))
}
