//! Outputs of the client's tools, in a call that a run waits for.

use crate::domain::message::{Message, news};
use crate::domain::run::input::{Given, Input, NotTaken};
use crate::domain::thread::command::Page;
use crate::domain::thread::id::{EntryId, RunId, ThreadRef};
use crate::domain::thread::view::{Content, ItemView};
use crate::http::problem::{Kind, Problem};
use crate::ports::World;
use crate::service::App;
use crate::service::threads::{Error, On, Visitor};

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
        (Ok(None), _) | (Err(_), On::ThrowAway { .. } | On::New) => return Ok(None),
        (Err(problem), On::Thread(_)) => return Err(problem),
    };
    match on {
        On::Thread(thread) if run.thread != thread.key(visitor.account) => return Err(unknown_call()),
        On::Thread(thread) => {
            let beside = give_again(app, visitor, run, inputs).await.map_err(Problem::report(app));
            // A call has no `inputs`: the words name what is refused.
            let beside = beside.map_err(|mut problem| {
                problem.errors.clear();
                problem
            })?;
            if let Some(last) = beside.last() {
                let found = said_since(app, visitor, thread, &calls, last).await;
                return Ok(match found.map_err(Problem::report(app))? {
                    Some(in_run) if in_run != run => Some((in_run, Vec::new())),
                    found => found.map(|run| (run, calls)),
                });
            }
        }
        // The client may ask the same again, or go on from an answer that was another: it says all that was said.
        On::ThrowAway { .. } | On::New => match give_again(app, visitor, run, inputs).await {
            Ok(_) => {}
            Err(Error::Unavailable(error)) => return Err(Problem::report(app)(Error::Unavailable(error))),
            Err(Error::KeyReused) => return Err(Problem::from(Error::KeyReused)),
            Err(_) => return Ok(None),
        },
    }
    Ok(Some((run, calls)))
}

/// Gives a run what it was not given yet: the same request may come again. What is left are the messages beside outputs that
/// were all given before.
async fn give_again<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    run: RunId,
    mut inputs: Vec<Input>,
) -> Result<Vec<Message>, Error> {
    loop {
        let resolved = match visitor.give(app, run, inputs.clone()).await {
            Ok(_) => return Ok(Vec::new()),
            Err(Error::NotTaken { why: NotTaken::AlreadyResolved, resolved, .. })
                if resolved.iter().all(|resolved| resolved.is_same) && !resolved.is_empty() =>
            {
                resolved
            }
            Err(error) => return Err(error),
        };
        let is_new = |at: usize| !resolved.iter().any(|resolved| resolved.at as usize == at);
        inputs =
            inputs.into_iter().enumerate().filter_map(|(at, input)| is_new(at).then_some(input)).collect();
        if inputs.iter().all(|input| input.call().is_none()) {
            let message = |input| match input {
                Input::Message(message) => Some(message),
                Input::Call { .. } => None,
            };
            return Ok(inputs.into_iter().filter_map(message).collect());
        }
    }
}

/// How many items behind the calls are looked at.
const MAX_SINCE: u32 = 100;

/// The run in which this was said since the calls were made; `None` where it is new, as the client goes on from an answer
/// that it has not got.
async fn said_since<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    thread: &ThreadRef,
    calls: &[EntryId],
    said: &Message,
) -> Result<Option<RunId>, Error> {
    let page = Page { after: None, newest_first: true, limit: MAX_SINCE, run: None };
    let (items, _) = visitor.items(app, thread, page).await?;
    let said = Content::of(said.clone());
    let calls: Vec<String> = calls.iter().map(EntryId::to_string).collect();
    let is_call =
        |item: &ItemView| matches!(&item.content, Content::Call { call_id, .. } if calls.contains(call_id));
    let since = items.into_iter().take_while(|item| !is_call(item));
    Ok(since.filter(|item| item.content == said).find_map(|item| item.run_id))
}

/// What [`given`] gives; an error where a call is none of one run.
fn outputs(messages: &[Message]) -> Result<Option<(Outputs, Vec<Input>)>, Problem> {
    let mut run = None;
    let (mut calls, mut inputs) = (Vec::new(), Vec::new());
    for message in news(messages).1 {
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
