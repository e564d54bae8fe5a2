//! Tools that we run.
//!
//! | file | what it is |
//! |---|---|
//! | [`builtin`] | those that need nothing but the product |
//! | [`http`] | requests to servers that the agent names |
//! | [`memory`] | what an agent does with memories |

mod builtin;
pub mod http;
pub mod memory;

pub use builtin::{Builtin, builtin};

use crate::domain::agent::{self, Definition, ToolKind};

/// Whether a tool of the agent runs on our side, or it has something of memories, so that its calls are runs.
pub fn runs_here(definition: &Definition) -> bool {
    let has_tool = definition.tools.iter().any(|tool| match tool {
        agent::Tool::Named(name) => tool.agent().is_some() || builtin(name).is_some(),
        agent::Tool::Inline(tool) => tool.kind != ToolKind::Client,
    });
    has_tool || !definition.memory().is_none()
}
