//! A made-up kind: this file, and its line in `tests/api/declared.rs`, are all of it.

use retinue::domain::declared::{Audience, Declared, Facts, Limit};
use retinue::domain::field_error::FieldErrors;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something useful.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gadget {
    /// How many grams it has.
    #[schema(minimum = 1, maximum = 1000, example = 5)]
    weight: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    colour: Option<String>,
}

impl Declared for Gadget {
    const FACTS: Facts = Facts {
        reaches_calls: true,
        audience: Audience::Account,
        limit: Limit::Plan(Some(3)),
        ..Facts::new("gadget", "a gadget", "gadgets")
    };

    fn check(&self, errors: &mut FieldErrors) {
        if !(1..=1000).contains(&self.weight) {
            errors.add("weight", "must be from 1 to 1000 grams");
        }
    }
}
