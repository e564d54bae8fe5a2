//! Words that people have from other systems for the fields of an account, as ours.

use serde_json::{Map, Value};

use super::field_error::{FieldError, FieldErrors};
use super::spellings;

/// Other names of fields.
const NAMES: [(&str, &str); 1] = [("pricing_tier", "plan")];
/// Fields whose values are words, in any case.
const WORDS: [&str; 3] = ["plan", "pricing_tier", "status"];

/// Rewrites a body; words for a plan and a status in any case. A name that only sends back what is `stored` gives way to one
/// that says something else.
///
/// # Errors
/// A field that has another value under its other name.
pub fn in_our_words(
    body: &mut Map<String, Value>,
    stored: &Map<String, Value>,
) -> Result<(), Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    for field in WORDS {
        if let Some(Value::String(word)) = body.get_mut(field) {
            *word = word.trim().to_lowercase();
        }
    }
    spellings::give_way(body, &NAMES, stored, |_, one, other| one == other);
    for (other, own) in NAMES {
        match (body.shift_remove(other), body.get(own)) {
            (Some(value), None | Some(Value::Null)) => {
                body.insert(own.to_owned(), value);
            }
            (Some(value), Some(there)) if value != *there && !value.is_null() => {
                let message = format!("is another name of `{own}`, which stands here with another value");
                errors.add(other, message);
            }
            _ => {}
        }
    }
    errors.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pricing_tier_is_a_plan() {
        let mut body = json!({"pricing_tier": "Enterprise", "status": "ACTIVE"}).as_object().unwrap().clone();
        in_our_words(&mut body, &Map::new()).unwrap();
        assert_eq!(Value::Object(body), json!({"plan": "enterprise", "status": "active"}));
        let mut body = json!({"pricing_tier": "budget", "plan": "standard"}).as_object().unwrap().clone();
        assert_eq!(in_our_words(&mut body, &Map::new()).unwrap_err()[0].field, "pricing_tier");
    }
}
