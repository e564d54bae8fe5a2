//! Tools that we run.
//!
//! | file | what it is |
//! |---|---|
//! | [`builtin`] | those that need nothing but the product |
//! | [`http`] | requests to servers that the agent names |

mod builtin;
pub mod http;

pub use builtin::{Builtin, builtin};
