//! What a client says of its thread.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::memory::shelf::check_user;
use crate::domain::{json, merge_patch, read_only};

const MAX_TITLE: usize = 255;
const MAX_PAIRS: usize = 16;
const MAX_KEY: usize = 64;
const MAX_VALUE: usize = 512;
const MAX_LABELS: usize = 32;

/// What a client says of its thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The end user it belongs to, in the client's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Made of the first message where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whoever made it had no key: what it says, its user too, is a stranger's word. Nobody changes that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anonymous: bool,
}

impl About {
    /// The fields that clients write.
    const FIELDS: [&str; 4] = ["user", "metadata", "labels", "title"];

    /// # Errors
    /// All that does not fit.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        if let Some(user) = &self.user {
            check_user(&mut errors, user);
        }
        if let Some(title) = &self.title {
            errors.length("title", title, 1, MAX_TITLE);
        }
        if self.metadata.len() > MAX_PAIRS {
            errors.add("metadata", format!("has at most {MAX_PAIRS} pairs"));
        }
        for (key, value) in self.metadata.iter().take(MAX_PAIRS) {
            let field = format!("metadata.{key:.64}");
            errors.length(&field, key, 1, MAX_KEY);
            errors.length(&field, value, 0, MAX_VALUE);
        }
        if self.labels.len() > MAX_LABELS {
            errors.add("labels", format!("has at most {MAX_LABELS} entries"));
        }
        for (n, label) in self.labels.iter().take(MAX_LABELS).enumerate() {
            errors.length(&format!("labels[{n}]"), label, 1, MAX_KEY);
        }
        errors.finish()
    }

    /// With a JSON Merge Patch laid over it, which may have the other fields of the thread as they are `shown`.
    ///
    /// # Errors
    /// All that does not fit.
    pub fn patched(
        &self,
        mut patch: Map<String, Value>,
        shown: &Map<String, Value>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.join(read_only::leave_out(&mut patch, shown, &Self::FIELDS));
        for name in patch.keys().filter(|name| !Self::FIELDS.contains(&name.as_str())) {
            errors.add(
                &format!("{name:.64}"),
                format!("cannot be changed: write {} or version", Self::FIELDS.join(", ")),
            );
        }
        errors.finish()?;
        let mut body = match serde_json::to_value(self) {
            Ok(Value::Object(body)) => body,
            _ => Map::new(),
        };
        merge_patch::lay(&mut body, patch, &[]);
        let patched: Self = json::read(&Value::Object(body))?;
        patched.check().map(|()| patched)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(about: &About, patch: &Value) -> Result<About, Vec<FieldError>> {
        let shown = json!({"status": "idle", "agent_id": "a", "user": about.user});
        about.patched(patch.as_object().unwrap().clone(), shown.as_object().unwrap())
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_takes_away() {
        let about =
            patch(&About::default(), &json!({"user": "ada", "metadata": {"a": "1", "b": "2"}})).unwrap();
        let about =
            patch(&about, &json!({"user": null, "metadata": {"a": null}, "labels": ["vip"]})).unwrap();
        assert_eq!((about.user, about.metadata.len(), about.labels), (None, 1, vec!["vip".to_owned()]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let faults = |body: Value| {
            patch(&About::default(), &body).unwrap_err().into_iter().map(|e| e.field).collect::<Vec<_>>()
        };
        assert_eq!(faults(json!({"agent_id": "x", "status": "idle", "nothing": 1})), ["agent_id", "nothing"]);
        assert!(patch(&About::default(), &json!({"agent_id": "a", "status": "idle"})).is_ok());
        assert_eq!(faults(json!({"title": ""})), ["title"]);
        assert_eq!(faults(json!({"labels": [1]})).len(), 1);
        assert_eq!(faults(json!({"metadata": {"k": "v".repeat(513)}})), ["metadata.k"]);
    }
}
