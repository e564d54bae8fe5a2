//! Fields that are shown and not written: whoever reads a thing and writes it back sends them too.

use serde_json::{Map, Value};

use super::field_error::{FieldError, FieldErrors};

/// How a field that is only shown may be otherwise in what a client read a moment ago.
#[derive(Clone, Copy)]
enum Moves {
    /// It follows from what others do, such as calls: whatever it says is taken.
    Freely,
    /// Each write moves it on: what it was before is taken, what it never was is not.
    Forward,
}

/// Fields that move without whoever reads them writing them, wherever they stand. Every other one is taken as it is shown.
const MOVING: [(&str, Moves); 17] = [
    ("used", Moves::Freely),
    ("settled_usd", Moves::Freely),
    ("held_usd", Moves::Freely),
    ("remaining_usd", Moves::Freely),
    ("resets_at", Moves::Freely),
    ("crossed_at", Moves::Freely),
    ("healthy", Moves::Freely),
    ("problems", Moves::Freely),
    ("capabilities", Moves::Freely),
    ("warnings", Moves::Freely),
    ("over", Moves::Freely),
    ("restored", Moves::Freely),
    ("inactive_at", Moves::Freely),
    ("source", Moves::Freely),
    ("version", Moves::Forward),
    ("current_version", Moves::Forward),
    ("updated_at", Moves::Forward),
];

/// Leaves out of a body what is only shown: null, as it is shown now, or as it may have been shown before.
///
/// # Errors
/// Every such field that is otherwise than shown.
pub fn leave_out(
    body: &mut Map<String, Value>,
    shown: &Map<String, Value>,
    written: &[&str],
) -> Result<(), Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    body.retain(|name, value| match shown.get(name).filter(|_| !written.contains(&name.as_str())) {
        None => true,
        Some(shown) => {
            if !agrees(name, value, shown) {
                let shown: String = shown.to_string().chars().take(100).collect();
                errors.add(name, format!("is read-only, and {shown} here: leave it out"));
            }
            false
        }
    });
    errors.finish()
}

/// Whether a body has fields that cannot be written, so that [`leave_out`] needs to know what is shown.
pub fn is_needed(body: &Map<String, Value>, written: &[&str]) -> bool {
    body.keys().any(|name| !written.contains(&name.as_str()))
}

/// Whether a value is what is shown, or was.
fn agrees(name: &str, value: &Value, shown: &Value) -> bool {
    let moves = MOVING.iter().find(|(moving, _)| *moving == name).map(|(_, moves)| *moves);
    match (moves, value, shown) {
        (_, Value::Null, _) | (Some(Moves::Freely), _, _) => true,
        (Some(Moves::Forward), Value::Number(was), Value::Number(is)) => was.as_u64() <= is.as_u64(),
        // RFC 3339, always of the same length.
        (Some(Moves::Forward), Value::String(was), Value::String(is)) => was.len() == is.len() && was <= is,
        (_, Value::Object(value), Value::Object(shown)) => {
            value.iter().all(|(name, value)| shown.get(name).is_some_and(|shown| agrees(name, value, shown)))
        }
        _ => value == shown,
    }
}
