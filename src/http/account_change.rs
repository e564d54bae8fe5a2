//! A change of an account as a client writes it: a merge in anybody's words, or operations.

use serde_json::{Map, Value, json};

use crate::domain::account::Account;
use crate::domain::account_words::in_our_words;
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::merge_patch;
use crate::domain::patch::{Operations, Patch};
use crate::service::account;
use crate::service::failure::Failure;
use crate::service::precondition::Precondition;

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

/// What operations on an account change, as a merge.
fn merge_of(operations: &Operations, account: &Account) -> Result<Map<String, Value>, Failure> {
    let before = document(account);
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
    Ok(merge_patch::difference(&before, &after))
}

/// What is wrong with a body so far.
pub type Noted = Result<(), Vec<FieldError>>;

/// A change as fields in our words, and over which state it is made: operations over the one that they were tried on.
pub fn fields_of(
    patch: Patch,
    precondition: &mut Precondition,
    account: &Account,
) -> Result<(Map<String, Value>, Noted), Failure> {
    let mut fields = match patch {
        Patch::Merge(fields) => fields,
        Patch::Operations(operations) => {
            precondition.or_tag(account::tag(account));
            merge_of(&operations, account)?
        }
    };
    let renamed = in_our_words(&mut fields, &document(account));
    Ok((fields, renamed))
}
