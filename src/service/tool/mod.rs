//! Tools that we run.
//!
//! | file | what it is |
//! |---|---|
//! | [`builtin`] | those that need nothing but the product |
//! | [`http`] | requests to servers that the agent names |

mod builtin;
pub mod http;

pub use builtin::{Builtin, builtin};

use crate::domain::agent::{self, Definition, ToolKind};

/// Whether calls of the agent are runs: it has a tool that runs on our side, or an answer that is checked and mended.
pub fn is_run(definition: &Definition) -> bool {
    definition.output.is_some() || runs_here(&definition.tools)
}

/// Whether a tool of the agent runs on our side.
fn runs_here(tools: &[agent::Tool]) -> bool {
    tools.iter().any(|tool| match tool {
        agent::Tool::Named(name) => tool.agent().is_some() || builtin(name).is_some(),
        agent::Tool::Inline(tool) => tool.kind != ToolKind::Client,
    })
}
