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

/// Whether calls of the agent are runs: it has a tool that runs on our side, something of memories, or an answer that is checked
/// and mended.
pub fn is_run(definition: &Definition) -> bool {
    let has_tool = definition.tools.iter().any(|tool| match tool {
        agent::Tool::Named(name) => tool.agent().is_some() || builtin(name).is_some(),
        agent::Tool::Inline(tool) => tool.kind != ToolKind::Client,
    });
    has_tool || !definition.memory().is_none() || definition.output.is_some()
}
