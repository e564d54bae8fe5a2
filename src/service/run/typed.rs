//! What an agent is asked and what it answers, where both are JSON of a schema.

use crate::domain::agent::Output;
use crate::domain::message::{AssistantPart, ChatRequest, Choice, Finish, Message};
use crate::domain::run::misfit::{self, Checked, Misfit};

/// Asks for an answer of the agent's schema, whatever else the request says of its format; behind one that did not fit, for
/// another.
pub fn lay_on(output: Option<&Output>, misfit: Option<&Misfit>, request: &mut ChatRequest) {
    let Some(output) = output else { return };
    request.response_format = output.format();
    request.is_checked = true;
    if let Some(misfit) = misfit {
        if !misfit.answer.trim().is_empty() {
            request.messages.push(Message::assistant(misfit.answer.clone()));
        }
        request.messages.push(Message::user(misfit.words()));
    }
}

/// Checks what came to its own end without a call. A refusal is none of the agent's answers, and ends the run as one.
pub fn check(output: Option<&Output>, choice: &mut Choice) -> Checked {
    let has_ended =
        matches!(choice.finish, Finish::Stop | Finish::ToolCalls) && choice.calls().next().is_none();
    let Some(output) = output.filter(|_| has_ended) else { return Checked::Free };
    if choice.parts.iter().any(|part| matches!(part, AssistantPart::Refusal(_))) {
        choice.finish = Finish::ContentFilter;
        return Checked::Free;
    }
    misfit::check(&output.schema, &mut choice.parts)
}
