//! What is known of JSON Schema's keywords.

/// What stands behind a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Schema,
    /// A list of schemas, at least one.
    Schemas,
    /// Schemas by name.
    Named,
    /// Schemas by the pattern of the names they are for.
    ByPattern,
    Types,
    /// A list of any values.
    Values,
    Anything,
    Count,
    Number,
    /// Above 0.
    Positive,
    Flag,
    Text,
    Pattern,
    Names,
    /// Lists of names by name.
    NamesByName,
    Reference,
    /// A text, at the top alone.
    TopText,
}

impl Shape {
    /// `None`: a keyword that is not checked here.
    pub fn of(keyword: &str) -> Option<Self> {
        Some(match keyword {
            "items"
            | "additionalProperties"
            | "propertyNames"
            | "contains"
            | "not"
            | "if"
            | "then"
            | "else" => Self::Schema,
            "prefixItems" | "allOf" | "anyOf" | "oneOf" => Self::Schemas,
            "properties" | "dependentSchemas" | "$defs" | "definitions" => Self::Named,
            "patternProperties" => Self::ByPattern,
            "type" => Self::Types,
            "enum" => Self::Values,
            "const" | "default" | "examples" | "discriminator" | "propertyOrdering" => Self::Anything,
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minContains" | "maxContains"
            | "minProperties" | "maxProperties" => Self::Count,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => Self::Number,
            "multipleOf" => Self::Positive,
            "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => Self::Flag,
            "title" | "description" | "$comment" | "format" | "contentMediaType" | "contentEncoding" => {
                Self::Text
            }
            "pattern" => Self::Pattern,
            "required" => Self::Names,
            "dependentRequired" => Self::NamesByName,
            "$ref" => Self::Reference,
            "$schema" | "$id" => Self::TopText,
            other if other.starts_with("x-") => Self::Anything,
            _ => return None,
        })
    }
}

/// Whether what stands behind this keyword is checked against the same document, not a part of it.
pub fn is_in_place(keyword: &str) -> bool {
    matches!(
        keyword,
        "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" | "dependentSchemas" | "$ref"
    )
}

/// What to write in place of a keyword that is not checked here.
pub fn instead_of(keyword: &str) -> &'static str {
    match keyword {
        "dependencies" => "write `dependentRequired` or `dependentSchemas`",
        "additionalItems" => "write `prefixItems` for the first items and `items` for the others",
        "nullable" => "add \"null\" to `type`",
        "example" => "write `examples`",
        "id" => "leave it out",
        "$anchor" | "$dynamicRef" | "$dynamicAnchor" | "$recursiveRef" | "$recursiveAnchor" => {
            "write `$ref` with a path, such as #/$defs/address"
        }
        "unevaluatedProperties" => "write `additionalProperties`",
        "unevaluatedItems" => "write `items`",
        _ => "leave it out, or begin its name with `x-` where it is only a note",
    }
}

/// The types of JSON, and `integer`.
pub const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];
