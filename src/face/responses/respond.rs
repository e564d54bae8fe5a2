//! A response is made.

use axum::http::StatusCode;
use serde_json::json;

use super::kept::{OF_RUN, ending};
use super::{OpenAiResponses, said};
use crate::domain::message::{ChatReply, Event, Message, replay};
use crate::domain::run::state::Reason;
use crate::domain::thread::id::{EntryId, RunId, ThreadKey, ThreadRef};
use crate::domain::thread::view::RunView;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;
use crate::face::call::{Call, Called, Encoder, Of, Resulted, Ticket};
use crate::face::drive::unfit;
use crate::face::worded;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{Asked, Passed, Receipt, Resolved};
use crate::service::threads;
use crate::wire::client::responses::{
    self, Base, Piece, Response, ResponsesRequest, Rest, StreamEncoder, conversation_id, join, pair,
    response_id, run_of, thread_of,
};
use crate::wire::client::threads::{Apart, Threaded};
use crate::wire::sse::Frame;
use crate::wire::to_json;

/// Ask an agent, as OpenAI's clients do by default
///
/// Whole, as a stream of events, or in the background. It is kept, unless `store` is false or the caller has no key: as a run on a thread,
/// to be shown, streamed again and gone on from. Its id is `resp_` and the run's.
#[utoipa::path(
    post, path = "/v1/responses", tag = "calls", request_body = ResponsesRequest,
    responses((status = 200, description = "OpenAI's response, or the events of one",
        content((serde_json::Value = "application/json"), (Frame<'static> = "text/event-stream")))),
)]
#[expect(dead_code, reason = "it is only described here")]
pub const fn respond() {}

/// A response.
pub struct Respond {
    said: Vec<Piece>,
    instructions: Option<String>,
    store: Option<bool>,
    is_background: bool,
    follows: Option<RunId>,
    conversation: Option<ThreadKey>,
    max_tool_calls: Option<u32>,
    base: Base,
}

impl Respond {
    fn encoder_of(&self, ticket: &Ticket) -> StreamEncoder {
        let mut encoder =
            StreamEncoder::new(id_of(ticket), ticket.created.0.div_euclid(1_000), self.base.clone());
        encoder.warn(ticket.warnings.clone());
        encoder.cached(ticket.is_cached)
    }

    /// What only callers with a key may.
    fn needs_a_key(&self) -> bool {
        let refers = self.said.iter().any(|piece| matches!(piece, Piece::Reference(..)));
        self.store == Some(true)
            || self.is_background
            || self.follows.is_some()
            || self.conversation.is_some()
            || refers
    }
}

fn id_of(ticket: &Ticket) -> String {
    match ticket.of {
        Of::Call(call) => response_id(&call),
        Of::Run(run) => response_id(&run),
    }
}

impl Call for Respond {
    type Face = OpenAiResponses;
    type Encoder = StreamEncoder;
    const PROTOCOL: &'static str = "responses";

    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem> {
        let parsed = responses::read(body).map_err(|invalid| unfit(invalid.param, invalid.message))?;
        let asked = Asked {
            request: parsed.request,
            variables: Passed::Metadata,
            model: parsed.model,
            stream: parsed.stream,
            sent: None,
            most: None,
            last: Vec::new(),
        };
        let follows =
            parsed.follows.map(|id| run_of(&id).ok_or_else(|| said::no_response(&id))).transpose()?;
        let conversation = parsed.conversation;
        let conversation =
            conversation.map(|id| thread_of(&id).ok_or_else(|| said::no_conversation(&id))).transpose()?;
        let call = Self {
            said: parsed.said,
            instructions: parsed.instructions,
            store: parsed.store,
            // A stream begins at once.
            is_background: parsed.background && !parsed.stream,
            follows,
            conversation,
            max_tool_calls: parsed.max_tool_calls,
            base: parsed.base,
        };
        Ok((asked, call))
    }

    async fn look_up<W: World>(
        &mut self,
        app: &App<W>,
        resolved: &Resolved,
        asked: &mut Asked,
        threaded: &mut Option<Box<Threaded>>,
    ) -> Result<(), Problem> {
        let is_stranger = resolved.key.is_none() && resolved.token.is_none();
        if is_stranger && self.needs_a_key() {
            return Err(Problem::from(threads::Error::Anonymous));
        }
        let is_kept = self.store.unwrap_or(!is_stranger);
        let agent = &resolved.bundle.agent;
        self.base.set("store", json!(is_kept));
        self.base.default("model", || json!(agent.slug.as_str()));
        let mut said = std::mem::take(&mut self.said);
        said::resolve(app, resolved, &mut said).await?;
        let mut messages = join(said);
        let thread = self.follows.map(|run| run.thread).or(self.conversation);
        match thread {
            // Its object knows which calls wait for outputs.
            Some(_) => {}
            None => {
                pair(&mut messages).map_err(|invalid| unfit(invalid.param, invalid.message))?;
                if messages.is_empty() {
                    return Err(Problem::in_field("input", "is required: what is said"));
                }
            }
        }
        let instructions = self.instructions.take();
        if !is_kept && let Some(text) = &instructions {
            messages.insert(0, Message::system(text.as_str()));
        }
        asked.request.messages = messages;
        let declared: Vec<&str> = agent.definition.variables().map(|(name, _)| name).collect();
        let mut variables = asked.request.metadata.clone();
        variables.retain(|name, _| declared.contains(&name.as_str()));
        asked.variables = Passed::Variables(variables);
        *threaded = Some(Box::new(Threaded {
            thread: thread.map(ThreadRef::Key),
            background: self.is_background,
            store: (!is_kept).then_some(false),
            apart: Some(Apart {
                makes_thread: is_kept,
                follows: self.follows,
                instructions: instructions.filter(|_| is_kept),
                max_tool_calls: self.max_tool_calls,
                request: json!({ OF_RUN: self.base.0 }),
            }),
            ..Threaded::default()
        }));
        Ok(())
    }

    fn unfound(&self) -> Option<Problem> {
        match self.follows {
            Some(run) => Some(said::no_response(&response_id(&run))),
            None => self.conversation.map(|thread| said::no_conversation(&conversation_id(thread))),
        }
    }

    fn begun(self, ticket: &Ticket, run: &RunView) -> (StatusCode, Vec<u8>) {
        let (ending, id) = (ending(run), id_of(ticket));
        let response = Response {
            id: &id,
            created_s: ticket.created.0.div_euclid(1_000),
            completed_s: None,
            base: &self.base,
            output: Rest::Items(&[]),
            usage: None,
            ending: &ending,
            warnings: &ticket.warnings,
            cached: false,
        };
        (StatusCode::OK, to_json(&response))
    }

    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8> {
        let (mut encoder, mut unsent) = (self.encoder_of(ticket), Vec::new());
        encoder.completed_at(ticket.created.0.div_euclid(1_000));
        for event in replay(reply.clone()) {
            encoder.event(&event, &mut unsent);
        }
        encoder.finish(&receipt.usage, receipt.cost, &mut unsent);
        encoder.into_whole(&receipt.usage, receipt.cost)
    }

    fn encoder(self, ticket: Ticket) -> StreamEncoder {
        self.encoder_of(&ticket)
    }
}

impl Encoder for StreamEncoder {
    const SHOWS_STEPS: bool = true;

    fn step(&mut self, out: &mut Vec<u8>) {
        Self::step(self, out);
    }

    fn void(&mut self) {
        Self::void(self);
    }

    fn piece(&mut self, item: EntryId, out: &mut Vec<u8>) {
        Self::piece(self, item, out);
    }

    fn called(&mut self, call: &Called, out: &mut Vec<u8>) {
        Self::called(self, &call.id, &call.name, &call.arguments, out);
    }

    fn resulted(&mut self, result: &Resulted, out: &mut Vec<u8>) {
        Self::resulted(self, &result.id, &result.output, result.is_error, out);
    }

    fn ended(&mut self, at: Millis, why: Option<Reason>) {
        self.completed_at(at.0.div_euclid(1_000));
        why.into_iter().for_each(|why| self.incomplete(why));
    }

    fn into_whole(self, receipt: &Receipt) -> Vec<u8> {
        Self::into_whole(self, &receipt.usage, receipt.cost)
    }

    fn warn(&mut self, warnings: Vec<Warning>) {
        Self::warn(self, warnings);
    }

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        Self::event(self, event, out);
    }

    fn done(&mut self, receipt: &Receipt, out: &mut Vec<u8>) {
        self.finish(&receipt.usage, receipt.cost, out);
    }

    fn failed(&mut self, problem: &Problem, out: &mut Vec<u8>) {
        let message = worded(problem);
        let given = problem.given.as_deref().and_then(|given| given.code.as_deref());
        Self::failed(self, given.unwrap_or(problem.kind.slug()), &message, out);
    }
}
