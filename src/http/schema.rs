//! What the document says of values that serde alone does not explain, and how bodies tell null from nothing.

use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};

/// US dollars as they are taken: a JSON string or number.
pub fn dollars() -> Schema {
    let of = |kind| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
    let text = of(Type::String).pattern(Some(r"^\d+(\.\d{1,9})?$")).examples(["12.50"]);
    let number = of(Type::Number).minimum(Some(0)).maximum(Some(9_000_000));
    let one = OneOfBuilder::new().item(text).item(number);
    one.description(Some("US dollars, with at most 9 decimals.")).build().into()
}

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
