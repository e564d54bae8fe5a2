//! Outputs of the client's tools, in a call that a run waits for.

use crate::domain::message::Message;
use crate::domain::run::input::{Given, Input, NotTaken};
use crate::domain::thread::id::{EntryId, RunId};
use crate::http::problem::{Kind, Problem};
use crate::ports::World;
use crate::service::App;
use crate::service::threads::{Error, On, Visitor};

/// What the client says after the last answer.
pub fn news(messages: &[Message]) -> &[Message] {
    let answered = messages.iter().rposition(|message| matches!(message, Message::Assistant { .. }));
    messages.get(answered.map_or(0, |last| last + 1)..).unwrap_or_default()
}

/// The calls of the client's tools whose outputs this call has, and their run.
pub type Outputs = (RunId, Vec<EntryId>);

/// Gives the outputs of tools among the new messages to the run that waits for them, with what is said beside them; `None`
/// where a new run is to begin: there are no outputs, or without a thread none that a run waits for.
pub async fn given<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    on: &On,
    messages: &[Message],
) -> Result<Option<Outputs>, Problem> {
    let ((run, calls), inputs) = match (outputs(messages), on) {
        (Ok(Some(outputs)), _) => outputs,
        (Ok(None), _) | (Err(_), On::ThrowAway { .. }) => return Ok(None),
        (Err(problem), On::Thread(_)) => return Err(problem),
    };
    match on {
        On::Thread(thread) if run.thread != thread.key(visitor.account) => return Err(unknown_call()),
        On::Thread(_) => {
            let given = give_again(app, visitor, run, inputs).await.map_err(Problem::report(app));
            // It has no `inputs`: the words name the call.
            given.map_err(|mut problem| {
                problem.errors.clear();
                problem
            })?;
        }
        // The client may ask the same again, or go on from an answer that was another: it says all that was said.
        On::ThrowAway { .. } => match give_again(app, visitor, run, inputs).await {
            Ok(()) => {}
            Err(Error::Unavailable(error)) => return Err(Problem::report(app)(Error::Unavailable(error))),
            Err(Error::KeyReused) => return Err(Problem::from(Error::KeyReused)),
            Err(_) => return Ok(None),
        },
    }
    Ok(Some((run, calls)))
}

/// Gives a run what it was not given yet: the same request may come again.
async fn give_again<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    run: RunId,
    mut inputs: Vec<Input>,
) -> Result<(), Error> {
    loop {
        let resolved = match visitor.give(app, run, inputs.clone()).await {
            Ok(_) => return Ok(()),
            Err(Error::NotTaken { why: NotTaken::AlreadyResolved, resolved, .. })
                if resolved.iter().all(|resolved| resolved.is_same) && !resolved.is_empty() =>
            {
                resolved
            }
            Err(error) => return Err(error),
        };
        let is_resolved = |at: usize| resolved.iter().any(|resolved| resolved.at as usize == at);
        inputs = inputs
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !is_resolved(*at))
            .map(|(_, input)| input)
            .collect();
        if !inputs.iter().any(|input| matches!(input, Input::Call { .. })) {
            // All of it was given before, and so was what was said beside it.
            return Ok(());
        }
    }
}

/// What [`given`] gives; an error where a call is none of one run.
fn outputs(messages: &[Message]) -> Result<Option<(Outputs, Vec<Input>)>, Problem> {
    let mut run = None;
    let (mut calls, mut inputs) = (Vec::new(), Vec::new());
    for message in news(messages) {
        let Message::Tool { call_id, parts, .. } = message else {
            inputs.push(Input::Message(message.clone()));
            continue;
        };
        let call = EntryId::parse(call_id).ok_or_else(unknown_call)?;
        if *run.get_or_insert(call.run) != call.run {
            return Err(unknown_call());
        }
        calls.push(call);
        inputs.push(Input::Call { entry: call.number, given: Given::Output(parts.clone()) });
    }
    Ok(run.map(|run| ((run, calls), inputs)))
}

fn unknown_call() -> Problem {
    let words =
        "A `tool` message answers no call of this thread: its `tool_call_id` must be as the answer had it.";
    Problem::new(Kind::NotFound, words)
}
