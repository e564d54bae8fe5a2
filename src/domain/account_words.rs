//! Words that people have from other systems for the fields of an account, as ours.

use serde_json::{Map, Value};

use super::field_error::{FieldError, FieldErrors};

/// Another name of the plan.
const PLAN: &str = "pricing_tier";

/// Rewrites a body; words for a plan and a status in any case.
///
/// # Errors
/// A field that has another value under its other name.
pub fn in_our_words(body: &mut Map<String, Value>) -> Result<(), Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    match (body.remove(PLAN), body.get("plan")) {
        (Some(plan), None | Some(Value::Null)) => {
            body.insert("plan".to_owned(), plan);
        }
        (Some(other), Some(plan)) if other != *plan && !other.is_null() => {
            errors.add(PLAN, "is another name of `plan`, which stands here with another value");
        }
        _ => {}
    }
    for field in ["plan", "status"] {
        if let Some(Value::String(word)) = body.get_mut(field) {
            *word = word.trim().to_lowercase();
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
        in_our_words(&mut body).unwrap();
        assert_eq!(Value::Object(body), json!({"plan": "enterprise", "status": "active"}));
        let mut body = json!({"pricing_tier": "budget", "plan": "standard"}).as_object().unwrap().clone();
        assert_eq!(in_our_words(&mut body).unwrap_err()[0].field, "pricing_tier");
    }
}
