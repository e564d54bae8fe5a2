//! Tools that we run.
//!
//! | file | what it is |
//! |---|---|
//! | [`builtin`] | those that need nothing but the product |

mod builtin;

pub use builtin::{Builtin, builtin};
