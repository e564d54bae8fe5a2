//! The instructions of one call: the agent's, filled with what the call brings, and what the key's member has appended.

use std::collections::BTreeMap;

use super::Asked;
use super::error::Error;
use super::resolve::Resolved;
use crate::domain::message::ChatRequest;
use crate::domain::prompt;
use crate::domain::time::Millis;

/// Where a call's variables stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// In a field of their own, by name.
    Variables(BTreeMap<String, String>),
    /// Among the request's metadata, of which the other pairs are not for us.
    Metadata,
    /// This is said in place of the agent's instructions: the call is ours, and not the agent's.
    Instead(&'static str),
}

impl Passed {
    /// # Errors
    /// What is said instead.
    const fn of<'a>(&'a self, request: &'a ChatRequest) -> Result<prompt::Passed<'a>, &'static str> {
        Ok(match self {
            Self::Instead(text) => return Err(text),
            Self::Variables(values) => prompt::Passed { field: "variables", values, is_only_variables: true },
            Self::Metadata => {
                prompt::Passed { field: "metadata", values: &request.metadata, is_only_variables: false }
            }
        })
    }
}

/// The text that the model is told first.
///
/// # Errors
/// [`Error::Variables`].
pub fn fill(resolved: &Resolved, asked: &Asked, now: Millis) -> Result<String, Error> {
    let brought = match asked.variables.of(&asked.request) {
        Ok(brought) => brought,
        Err(instead) => return Ok(instead.to_owned()),
    };
    let bundle = &resolved.bundle;
    let prompts = resolved.key.as_ref().map(|presented| &presented.prompts);
    let end = prompts.and_then(|prompts| prompts.get(bundle.agent.slug.as_str()));
    bundle.prompt.fill(&brought, now, end.map(String::as_str)).map_err(Error::Variables)
}
