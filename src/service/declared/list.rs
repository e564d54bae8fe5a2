//! The list of the product's kinds.

use super::kind::{KindList, Visitor};
use super::{aliases, members, models, providers, templates, webhooks};

/// The product's kinds, in the order in which files carry and imports write them: what others refer to comes first.
#[derive(Debug)]
pub struct Kinds;

impl KindList for Kinds {
    fn visit(visitor: &mut impl Visitor) {
        visitor.kind::<providers::Providers>();
        visitor.kind::<models::Models>();
        visitor.kind::<aliases::Aliases>();
        visitor.kind::<templates::Templates>();
        visitor.kind::<members::Members>();
        visitor.kind::<webhooks::Webhooks>();
    }
}
