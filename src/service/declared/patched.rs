//! What a change makes of a thing: a merge is laid over what is kept, operations are done on what is shown.

use serde_json::{Map, Value};

use super::json_of;
use super::kind::Kind;
use crate::domain::field_error::FieldError;
use crate::domain::json;
use crate::domain::patch::{Operations, Patch, StandIn};
use crate::domain::read_only;
use crate::service::failure::Failure;

/// The body with a change laid over it; what cannot be written is noted.
///
/// # Errors
/// [`Failure`] where an operation cannot be done.
pub(super) fn patched<K: Kind>(
    row: &K::Row,
    patch: &Patch,
    faults: &mut Vec<FieldError>,
) -> Result<Value, Failure> {
    let facts = K::facts();
    let mut body = match K::body(row) {
        Value::Object(body) => body,
        _ => Map::new(),
    };
    let merge = match patch {
        Patch::Merge(merge) => merge,
        Patch::Operations(operations) => return operated::<K>(row, body, operations, faults),
    };
    let is_replaced = |name: &String| facts.whole.contains(&name.as_str()) && merge.contains_key(name);
    body.retain(|name, value| !(value.is_null() || is_replaced(name)));
    let mut body = patch.lay_over(body, facts.with_nulls)?;
    for (name, _) in
        merge.iter().filter(|(name, value)| value.is_null() && facts.secrets.contains(&name.as_str()))
    {
        body.insert(name.clone(), Value::Null);
    }
    Ok(body.into())
}

/// The body after operations on what is shown, with each field that can be written there to be replaced. What they leave as it
/// is shown stays as it is kept; what they changed and cannot be written is noted.
fn operated<K: Kind>(
    row: &K::Row,
    body: Map<String, Value>,
    operations: &Operations,
    faults: &mut Vec<FieldError>,
) -> Result<Value, Failure> {
    let written = json::fields_of::<K::Body>();
    let shown: Map<String, Value> = serde_json::from_str(json_of::<K>(row).get()).unwrap_or_default();
    let is_unsaid = |name: &&&str| !K::facts().secrets.contains(name);
    let stand_ins: Vec<StandIn> = written.iter().filter(is_unsaid).map(|name| StandIn::null(name)).collect();
    let mut done = operations.apply_beside(shown.clone(), &stand_ins)?;
    faults.extend(read_only::leave_out(&mut done, &shown, written).err().unwrap_or_default());
    for (name, kept) in body {
        if done.get(&name).is_some_and(|value| shown.get(&name) == Some(value)) {
            done.insert(name, kept);
        }
    }
    Ok(done.into())
}
