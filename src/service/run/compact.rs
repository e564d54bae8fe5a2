//! The oldest runs of a thread, summed up by a governed call of the run that needs it: with its model line, from its money, with a row
//! in the ledger as each of its steps has.

use serde_json::{Value, json};

use super::fault::{self, Begun};
use super::step::until_unwanted;
use super::step::{self, Hearing};
use crate::domain::message::{AssistantPart, ChatReply, ChatRequest, Finish, Message};
use crate::domain::money::Nanos;
use crate::domain::run::compaction::{Compacted, Slid};
use crate::domain::run::happening::Fault;
use crate::domain::thread::digest;
use crate::domain::thread::effect::{CompactionCall, Digest, Outcome};
use crate::ports::{Performed, World};
use crate::service::App;
use crate::service::call::via::Via;
use crate::service::call::{self, Asked, Caller, Error, Passed, Receipt, RunCredential, Served};

/// Asks the model for a summary, where there is something to be summed up.
pub async fn sum_up<W: World>(
    app: &App<W>,
    object: &impl Performed,
    id: &str,
    asked: CompactionCall,
) -> Outcome {
    let CompactionCall { account, run, terms, broke_off, left, slid, digest } = asked;
    let Some(digest) = digest else {
        return Outcome::NotCompacted {
            slid,
            fault: None,
            cost: Nanos::ZERO,
            journal: None,
            settlement: None,
        };
    };
    let begun = Begun { at: app.world.now(), is_of_stranger: terms.started_by.is_stranger() };
    let mut journal = json!({ "started_at": begun.at, "from": digest.span.from, "to": digest.span.to });
    let credential = RunCredential::of_kept_run(account, terms.agent, terms.version, terms.started_by);
    let caller = Caller::run(credential.of_child(terms.parent.is_some())).in_run(run);
    let caller = caller.after(Via::of_run(app, terms.via.as_deref())).heard(until_unwanted(app, object, id));
    let mut request =
        ChatRequest { messages: vec![Message::user(&*digest.question)], ..ChatRequest::default() };
    request.sampling.max_output_tokens = Some(digest.max_tokens);
    let asked = Asked {
        request,
        variables: Passed::Instead(digest::INSTRUCTIONS),
        model: terms.manner.model,
        stream: true,
        sent: None,
        most: left,
        last: broke_off,
    };
    let served = match call::resolve(app, &caller).await {
        Ok(resolved) => call::run(app, &caller, resolved, asked).await,
        Err(error) => Err(error.into()),
    };
    let (call, outcome) = match served {
        Err(unserved) => {
            journal["call_id"] = json!(unserved.call.map(|call| call.to_string()));
            (unserved.call, failed(app, (unserved.error, begun), unserved.cost, slid, journal))
        }
        Ok(served) => {
            let hearing = Hearing::silent(object);
            (Some(served.call), heard(app, served, hearing, (digest, slid), (begun, journal)).await)
        }
    };
    outcome.settled(call.and_then(|call| app.settlements.of(account, call)))
}

/// Hears the answer to its end.
async fn heard<W: World>(
    app: &App<W>,
    served: Served<W>,
    mut hearing: Hearing<'_, impl Performed>,
    (digest, slid): (Digest, Slid),
    (begun, mut journal): (Begun, Value),
) -> Outcome {
    journal["call_id"] = json!(served.call.to_string());
    journal["model"] = json!(served.model);
    let (reply, receipt, broken) = step::hear(served.answer, &mut hearing).await;
    journal["cost_usd"] = json!(receipt.cost);
    journal["usage"] = json!(receipt.usage);
    if let Some(error) = broken {
        return failed(app, (error, begun), receipt.cost, slid, journal);
    }
    let is_cut = reply.choices.first().is_some_and(|choice| choice.finish == Finish::Length);
    if is_cut {
        journal["is_cut"] = true.into();
    }
    match text(reply) {
        Some(summary) => compacted((summary, is_cut), digest, receipt, journal),
        None => {
            journal["error"] = "the model answered nothing".into();
            not_compacted(slid, Fault::Empty, receipt.cost, journal)
        }
    }
}

fn text(reply: ChatReply) -> Option<String> {
    let choice = reply.choices.into_iter().next()?;
    let text = AssistantPart::text_of(&choice.parts)?.trim().to_owned();
    (!text.is_empty()).then(|| digest::kept(text))
}

fn compacted((summary, is_cut): (String, bool), digest: Digest, receipt: Receipt, journal: Value) -> Outcome {
    let Digest { span, summed, horizon, has_more, .. } = digest;
    let compacted = Compacted { summary, span, summed, horizon, has_more, is_cut };
    Outcome::Compacted { compacted, cost: receipt.cost, usage: receipt.usage, journal, settlement: None }
}

fn failed<W: World>(
    app: &App<W>,
    (error, begun): (Error, Begun),
    cost: Nanos,
    slid: Slid,
    journal: Value,
) -> Outcome {
    let (fault, journal) = fault::of(app, error, begun, journal);
    not_compacted(slid, fault, cost, journal)
}

fn not_compacted(slid: Slid, fault: Fault, cost: Nanos, journal: Value) -> Outcome {
    let why = format!("no summary was made: {}", words(&fault));
    let slid = Slid { why, ..slid };
    Outcome::NotCompacted { slid, fault: Some(fault), cost, journal: Some(journal), settlement: None }
}

fn words(fault: &Fault) -> &str {
    match fault {
        Fault::Budget { .. } => "the budget is spent",
        Fault::RunBudget => "what is left of the run's max_usd pays for none",
        Fault::Empty => "the model answered nothing",
        Fault::Place { .. } => "others come first",
        Fault::Transient { failure, .. } | Fault::TooLong(failure) | Fault::Final(failure) => {
            &failure.message
        }
    }
}
