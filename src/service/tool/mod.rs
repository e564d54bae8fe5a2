//! Tools that we run.
//!
//! | file | what it is |
//! |---|---|
//! | [`builtin`] | those that need nothing but the product |
//! | [`http`] | requests to servers that the agent names |

mod builtin;
pub mod http;

pub use builtin::{Builtin, builtin};

use crate::domain::agent::{self, ToolKind};

/// Whether a tool of the agent runs on our side, so that its calls are runs.
pub fn runs_here(tools: &[agent::Tool]) -> bool {
    tools.iter().any(|tool| match tool {
        agent::Tool::Named(name) => tool.agent().is_some() || builtin(name).is_some(),
        agent::Tool::Inline(tool) => tool.kind != ToolKind::Client,
    })
}
