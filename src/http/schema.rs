//! What the document says of values that serde alone does not explain, and how bodies tell null from nothing.

use serde::{Deserialize, Deserializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// US dollars as they are taken: a JSON string or number.
#[derive(Debug)]
pub struct Dollars;

impl PartialSchema for Dollars {
    fn schema() -> RefOr<Schema> {
        let of = |kind| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
        let text = of(Type::String).pattern(Some(r"^\d+(\.\d{1,9})?$"));
        let number = of(Type::Number).minimum(Some(0)).maximum(Some(9_000_000));
        let about = "US dollars, with at most 9 decimals.";
        let one = OneOfBuilder::new().item(text).item(number).description(Some(about));
        Schema::from(one.examples(["12.50"]).build()).into()
    }
}

impl ToSchema for Dollars {}

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
