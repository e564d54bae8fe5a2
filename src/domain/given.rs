//! How bodies tell null from nothing.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "given")]`: `None` when the field was left out, `Some(None)` when it is
/// null.
///
/// # Errors
/// Those of `T`.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
