//! A step of a run: the model is asked by a governed call, and what it says is shown as it comes.

use serde_json::{Map, Value, json};

use super::fault::{self, Begun};
use super::{remembered, tools, typed};
use crate::domain::agent::Output;
use crate::domain::message::{
    ChatReply, ChatRequest, Event, Finish, Message, ResponseFormat, Sampling, ToolChoice,
};
use crate::domain::money::Nanos;
use crate::domain::run::delta::{Delta, Streaming};
use crate::domain::run::happening::{Answered, Fault};
use crate::domain::run::machine::MAX_PIECES;
use crate::domain::run::misfit::Checked;
use crate::domain::run::state::Failure;
use crate::domain::run::tool::How;
use crate::domain::thread::compaction::{Used, Weighed};
use crate::domain::thread::effect::{Items, ModelCall, Outcome, Progress};
use crate::domain::thread::window::{LeftOut, Sent, has_media, leave_out_media};
use crate::ports::{Performed, World};
use crate::service::call::bundle::Bundle;
use crate::service::call::via::Via;
use crate::service::call::{
    self, Answer, Asked, Caller, Ending, Error, Passed, Receipt, Relay, Resolved, RunCredential, Served,
    Step, Unserved, Until,
};
use crate::service::{App, settlements};

/// What a model is asked whose run has reached a limit.
const LAST_WORD: &str = "This run has reached its limit and ends now. Call no more tools: say in a few sentences what was done \
                         and what is left.";

/// The most tools that a journal names of a request.
const MAX_NAMED: usize = 50;

/// The most bytes of all arguments of a step's tool calls.
const MAX_ARGUMENTS: usize = 256 * 1_024;

/// How long a model is heard after the end of its run.
const HEARD_FOR_MS: u64 = 10_000;

/// Asks the model for the next step of a run.
pub async fn ask<W: World>(app: &App<W>, object: &impl Performed, id: &str, asked: ModelCall) -> Outcome {
    let ModelCall { account, run, terms, step, attempt, items, closing, left, misfit, .. } = asked;
    let begun = Begun { at: app.world.now(), is_of_stranger: terms.started_by.is_stranger() };
    let credential = RunCredential::of_kept_run(account, terms.agent, terms.version, terms.started_by);
    let caller = Caller::run(credential.of_child(terms.parent.is_some())).in_run(run);
    let caller = caller.after(Via::of_run(app, terms.via.as_deref())).heard(until_unwanted(app, object, id));
    let resolved = match call::resolve(app, &caller).await {
        Ok(resolved) => resolved,
        Err(error) => return unanswered(app, error, begun, Nanos::ZERO, json!({ "started_at": begun.at })),
    };
    let mut offered = tools::offered(&resolved.bundle, &terms, asked.reach.as_ref());
    tools::learn_inputs(app, account, &terms, &mut offered).await;
    let mut transcript = asked.sent;
    // After its tools a model may have nothing to say. Elsewhere it is asked once more.
    let has_tools_before = matches!(transcript.messages.last(), Some(Message::Tool { .. }));
    // The last word is what there is to say, and no answer.
    let output = resolved.bundle.agent.definition.output.clone().filter(|_| closing.is_none());
    let heard = Heard {
        offered: &offered,
        output: output.as_ref(),
        may_be_empty: has_tools_before || closing.is_some() || attempt > 1,
    };
    let memory = resolved.bundle.agent.definition.memory();
    let (memory, warning) =
        remembered::put_in(app, account, memory, (asked.reach, asked.recalled), &mut transcript).await;
    let Sent { messages, earlier, mut left_out, is_cut } = transcript;
    let mut request = ChatRequest { messages, ..ChatRequest::default() };
    terms.manner.lay_on(step, &mut request);
    typed::lay_on(output.as_ref(), misfit.as_ref(), &mut request);
    request.tools = offered.iter().map(tools::Offer::tool).collect();
    if closing.is_some() {
        request.messages.push(Message::user(LAST_WORD));
        request.tool_choice = if request.tools.is_empty() { ToolChoice::Auto } else { ToolChoice::None };
    }
    let mut journal = json!({ "started_at": begun.at, "sent": sent(&request, items, closing.is_some()) });
    if !memory.is_null() {
        journal["memory"] = memory;
    }
    let weighed = Weighed::of(&request, &resolved.bundle.agent.definition.instructions);
    let bundle = resolved.bundle.clone();
    let asked = Asked {
        request,
        variables: Passed::Variables(terms.variables),
        model: terms.manner.model,
        stream: true,
        sent: None,
        most: left,
        last: asked.broke_off,
    };
    let served = serve(app, &caller, resolved, asked, (earlier, &mut left_out)).await;
    let model = served.as_ref().map(|served| served.model.clone()).ok();
    let (call, mut outcome) = match served {
        Err(unserved) => {
            let mut journal = journal;
            journal["call_id"] = json!(unserved.call.map(|call| call.to_string()));
            (unserved.call, unanswered(app, unserved.error, begun, unserved.cost, journal))
        }
        Ok(mut served) => {
            served.warnings.extend(left_out.warning().into_iter().chain(warning));
            (Some(served.call), relay(app, object, id, served, heard, (begun, journal)).await)
        }
    };
    note_used(&mut outcome, Used { tokens: 0, weighed, context: context(&bundle, model.as_deref()), is_cut });
    outcome.settled(call.and_then(|call| app.settlements.of(account, call)))
}

/// The context of the model that answered; of no one in particular the largest of the line.
fn context(bundle: &Bundle, label: Option<&str>) -> Option<u64> {
    let candidates = bundle.candidates.iter().flatten();
    let asked = candidates.filter(|candidate| label.is_none_or(|label| candidate.label == label));
    asked.filter_map(|candidate| candidate.model.as_ref()).map(|model| model.context_tokens).max()
}

/// Says what a step has used of its model's context, as far as anybody knows.
fn note_used(outcome: &mut Outcome, used: Used) {
    match outcome {
        Outcome::Answered { answered, used: noted, .. } => {
            let tokens = answered.usage.input_tokens.saturating_add(answered.usage.output_tokens);
            *noted = Some(Used { tokens, ..used });
        }
        // More than there is room for.
        Outcome::Unanswered { fault: Fault::TooLong(_), used: noted, .. } => {
            let tokens = used.context.unwrap_or(0).max(used.weighed.all / 4);
            *noted = Some(Used { tokens, ..used });
        }
        _ => {}
    }
}

/// Once its run is over a call is heard only so long for its bill: what hangs must not keep its place and its money.
pub(super) fn until_unwanted<W: World>(app: &App<W>, object: &impl Performed, id: &str) -> Until {
    let (unwanted, world) = (object.unwanted(id), app.world.clone());
    Until::this(async move {
        unwanted.await;
        world.sleep(HEARD_FOR_MS).await;
    })
}

/// Serves a step's call. What no entry of the line takes of what was said before the run must not end every run from then on:
/// the images, files and sounds of so many messages are left out then, as the catalogue or the providers say it.
async fn serve<W: World>(
    app: &App<W>,
    caller: &Caller,
    resolved: Resolved,
    asked: Asked,
    (earlier, left_out): (usize, &mut LeftOut),
) -> Result<Served<W>, Unserved> {
    let plain = has_media(&asked.request.messages[..earlier]).then(|| asked.clone());
    let account = resolved.account;
    let served = call::run(app, caller, resolved, asked).await;
    let (Some(mut plain), Err(unserved)) = (plain, &served) else { return served };
    if !may_be_of_media(unserved) {
        return served;
    }
    if let Some(call) = unserved.call {
        settlements::deliver_apart(app, account, call);
    }
    left_out.media = leave_out_media(&mut plain.request.messages[..earlier]);
    let resolved = call::resolve(app, caller).await?;
    call::run(app, caller, resolved, plain).await
}

/// Whether another question without images, files and sounds may do better, and this one has cost nothing.
fn may_be_of_media(unserved: &Unserved) -> bool {
    let may_be = match unserved.error {
        Error::Unsupported(_) | Error::UpstreamDenies(_) => true,
        Error::Rejected { status, .. } => matches!(status, 400 | 413 | 415 | 422),
        _ => false,
    };
    may_be && unserved.cost == Nanos::ZERO
}

/// What a model is sent, for the journal: no text of it, which the thread's items have, and no value that a client may have
/// written at any length.
fn sent(request: &ChatRequest, items: Option<Items>, is_last_word: bool) -> Value {
    let Sampling { temperature, top_p, max_output_tokens, stop, seed, reasoning_effort, n: _ } =
        &request.sampling;
    let format = match &request.response_format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some("json_object"),
        ResponseFormat::JsonSchema { .. } => Some("json_schema"),
    };
    let parameters = [
        ("temperature", json!(temperature)),
        ("top_p", json!(top_p)),
        ("max_output_tokens", json!(max_output_tokens)),
        ("seed", json!(seed)),
        ("reasoning_effort", json!(reasoning_effort)),
        ("stop", json!(Some(stop.len()).filter(|count| *count > 0))),
        ("response_format", json!(format)),
    ];
    let parameters = parameters.into_iter().filter(|(_, value)| !value.is_null());
    let parameters: Map<String, Value> = parameters.map(|(name, value)| (name.to_owned(), value)).collect();
    let tools: Vec<&str> = request.tools.iter().map(|tool| &*tool.name).take(MAX_NAMED).collect();
    json!({
        "items": items, "messages": request.messages.len(), "is_last_word": is_last_word,
        "parameters": parameters, "tools": tools, "tool_count": request.tools.len(),
    })
}

/// What an answer is held to.
#[derive(Clone, Copy)]
struct Heard<'a> {
    offered: &'a [tools::Offer],
    /// What a final answer must be.
    output: Option<&'a Output>,
    may_be_empty: bool,
}

/// Relays an answer to the run's watchers, and takes it whole.
async fn relay<W: World>(
    app: &App<W>,
    object: &impl Performed,
    id: &str,
    served: Served<W>,
    heard: Heard<'_>,
    (begun, mut journal): (Begun, Value),
) -> Outcome {
    let Served { call, model, warnings, answer, .. } = served;
    journal["call_id"] = json!(call.to_string());
    journal["model"] = json!(model);
    journal["warnings"] = json!(&warnings);
    let mut shown = Hearing { shown_to: Some((object, id)), ..Hearing::silent(object) };
    let (reply, receipt, broken) = hear(answer, &mut shown).await;
    let unsaid = shown.unsaid;
    journal["cost_usd"] = json!(receipt.cost);
    journal["usage"] = json!(receipt.usage);
    if let Some(error) = broken {
        let mut outcome = unanswered(app, error, begun, receipt.cost, journal);
        if let Outcome::Unanswered { fault: Fault::Transient { broke_off, .. }, .. } = &mut outcome {
            *broke_off = Some(model);
        }
        return outcome;
    }
    let mut choice = reply.choices.into_iter().next().unwrap_or_default();
    let has_stopped = matches!(choice.finish, Finish::Stop | Finish::ToolCalls);
    if choice.parts.is_empty() && has_stopped && !heard.may_be_empty {
        journal["error"] = "the model answered nothing".into();
        return without(Fault::Empty, receipt.cost, journal);
    }
    let arguments: usize = choice.calls().map(|call| call.arguments.len()).sum();
    if choice.parts.len() > MAX_PIECES as usize || arguments > MAX_ARGUMENTS {
        let fault = Fault::Final(Failure::new(
            "upstream_error",
            "The model answered in more pieces, or with longer arguments of tools, than are kept.",
        ));
        return without(fault, receipt.cost, journal);
    }
    let plan: Vec<How> = choice.calls().map(|call| tools::how(heard.offered, call)).collect();
    let output = typed::check(heard.output, &mut choice);
    if let Checked::Misfit(misfit) = &output {
        journal["output_errors"] = json!(misfit.faults);
    }
    let answered = Answered {
        parts: choice.parts,
        finish: choice.finish,
        plan,
        usage: receipt.usage,
        cost: receipt.cost,
        warnings,
        output,
    };
    Outcome::Answered { answered, unsaid, journal, settlement: None, used: None }
}

const fn without(fault: Fault, cost: Nanos, journal: Value) -> Outcome {
    Outcome::Unanswered { fault, cost, journal, settlement: None, used: None }
}

/// Hears an answer to its end, which has the bill.
pub(super) async fn hear<W: World>(
    answer: Answer<W>,
    hearing: &mut Hearing<'_, impl Performed>,
) -> (ChatReply, Receipt, Option<Error>) {
    let (receipt, broken) = match answer {
        Answer::Whole { reply, receipt } => return (reply, receipt, None),
        Answer::Replay { events, receipt } => (receipt, hearing.show(events)),
        Answer::Stream(relay) => read(hearing, *relay).await,
    };
    (std::mem::take(&mut hearing.streaming).finish(), receipt, broken)
}

async fn read<W: World>(
    shown: &mut Hearing<'_, impl Performed>,
    mut relay: Relay<W>,
) -> (Receipt, Option<Error>) {
    let mut broken = None;
    loop {
        match relay.next().await {
            Some(Step::Events(events)) => broken = broken.or(shown.show(events)),
            Some(Step::End(Ending::Done(receipt))) => return (receipt, broken),
            Some(Step::End(Ending::Failed { error, receipt })) => return (receipt, Some(error)),
            None => return (Receipt::FREE, Some(Error::Unavailable)),
        }
    }
}

/// What the model says, shown to the run's watchers as it comes.
pub(super) struct Hearing<'a, P> {
    /// The thread, and the effect; `None`: it is for nobody.
    shown_to: Option<(&'a P, &'a str)>,
    streaming: Streaming,
    /// What the thread could not take.
    unsaid: Vec<Delta>,
}

impl<P: Performed> Hearing<'_, P> {
    /// For nobody.
    pub fn silent(_: &P) -> Self {
        Self { shown_to: None, streaming: Streaming::default(), unsaid: Vec::new() }
    }

    /// An answer that is too long is read on, because its end has the bill.
    fn show(&mut self, events: Vec<Event>) -> Option<Error> {
        let mut broken = None;
        for event in events {
            match self.streaming.push(event) {
                Ok(deltas) => self.unsaid.extend(deltas),
                Err(error) => broken = Some(Error::Upstream(error.to_string())),
            }
        }
        let said = std::mem::take(&mut self.unsaid);
        if let Some((object, id)) = self.shown_to.filter(|_| !said.is_empty())
            && let Err(Progress::Said(unsaid)) = object.progress(id, Progress::Said(said))
        {
            self.unsaid = unsaid;
        }
        broken
    }
}

fn unanswered<W: World>(app: &App<W>, error: Error, begun: Begun, cost: Nanos, journal: Value) -> Outcome {
    let (fault, journal) = fault::of(app, error, begun, journal);
    Outcome::Unanswered { fault, cost, journal, settlement: None, used: None }
}
