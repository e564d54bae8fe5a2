//! Fields that are shown and not written: whoever reads a thing and writes it back sends them too.

use serde_json::{Map, Value};

use super::field_error::{FieldError, FieldErrors};

/// Leaves out of a body what is only shown: null, or as it is shown now.
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
            if !value.is_null() && value != shown {
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
