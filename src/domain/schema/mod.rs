//! JSON Schema (draft 2020-12), as agents say what goes in and what comes out.
//!
//! Two promises. A schema is refused when it is written, with the place and the reason, where it says what is not checked here:
//! nothing is silently ignored. And a check ends soon, whatever the schema and the document: its steps and its depth are bounded,
//! and patterns are matched in linear time.
//!
//! | keywords | |
//! |---|---|
//! | checked | `type enum const` · `minimum maximum exclusiveMinimum exclusiveMaximum multipleOf` · `minLength maxLength pattern` · `items prefixItems contains minContains maxContains minItems maxItems uniqueItems` · `properties patternProperties additionalProperties propertyNames required minProperties maxProperties dependentRequired dependentSchemas` · `allOf anyOf oneOf not if then else` · `$ref` into the same schema, `$defs definitions` |
//! | said, not checked | `title description default examples deprecated readOnly writeOnly $comment format contentMediaType contentEncoding discriminator propertyOrdering`, `x-…`, and at the top `$schema $id` |
//! | refused | all others, such as `unevaluatedProperties`, `$dynamicRef`, `$anchor` |

mod check;
mod document;
mod fits;
mod keyword;
mod lists;
mod number;
mod objects;
mod place;
mod reference;
mod strict;

pub use check::{MAX_BYTES, check};
pub use document::{Document, Unread};
pub use fits::{Fault, MAX_FAULTS, faults};
pub use strict::is_strict;

#[cfg(test)]
mod tests;
