//! What was said until now: made shorter by the agent's model, and counted.

use axum::extract::{Request, State};
use axum::response::Response as Reply;

use super::{OpenAiResponses, said};
use crate::domain::message::{ChatReply, ChatRequest, Event, Message};
use crate::domain::thread::digest;
use crate::domain::warning::Warning;
use crate::face::call::{Call, Encoder, Of, Ticket};
use crate::face::drive::unfit;
use crate::face::look;
use crate::face::mount::Place;
use crate::http::path::Parameters;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Asked, Passed, Receipt, Resolved};
use crate::wire::client::responses::{self, Piece, ResponsesRequest, compaction, input_tokens, join};
use crate::wire::client::threads::Threaded;

/// The most bytes of what is summed up at once, and the most words of the summary.
const MAX_BYTES: usize = 1_000_000;
const MAX_WORDS: u32 = 1_500;
const MAX_TOKENS: u32 = 4_096;

/// Make what was said shorter
///
/// The agent's model sums up `input`; the answer is one item of type `compaction`, to be sent in its place. Nothing is kept.
#[utoipa::path(
    post, path = "/v1/responses/compact", tag = "calls", request_body = ResponsesRequest,
    responses((status = 200, description = "OpenAI's compaction", body = serde_json::Value)),
)]
#[expect(dead_code, reason = "it is only described here")]
pub const fn compact() {}

/// A summary.
pub struct Compact {
    said: Vec<Piece>,
}

impl Call for Compact {
    type Face = OpenAiResponses;
    type Encoder = NoStream;
    const PROTOCOL: &'static str = "compaction";

    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem> {
        let parsed = responses::read(body).map_err(|invalid| unfit(invalid.param, invalid.message))?;
        if parsed.model.is_none() {
            return Err(Problem::in_field("model", "is required: the agent's slug or a model of its line"));
        }
        if parsed.follows.is_some() || parsed.conversation.is_some() {
            let words =
                "is not taken here: a thread is summed up by itself; send what is to be summed up in `input`";
            return Err(Problem::in_field("previous_response_id", words));
        }
        let mut request = ChatRequest::default();
        request.sampling.max_output_tokens = Some(MAX_TOKENS);
        request.extras = parsed.request.extras;
        let asked = Asked {
            request,
            variables: Passed::Instead(digest::INSTRUCTIONS),
            model: parsed.model,
            stream: false,
            sent: None,
            most: None,
            last: Vec::new(),
        };
        Ok((asked, Self { said: parsed.said }))
    }

    async fn look_up<W: World>(
        &mut self,
        app: &App<W>,
        resolved: &Resolved,
        asked: &mut Asked,
        _: &mut Option<Box<Threaded>>,
    ) -> Result<(), Problem> {
        let mut said = std::mem::take(&mut self.said);
        said::resolve(app, resolved, &mut said).await?;
        let messages = join(said);
        if messages.is_empty() {
            return Err(Problem::in_field("input", "is required: what is to be summed up"));
        }
        let text = digest::of_messages(&messages, MAX_BYTES);
        asked.request.messages = vec![Message::user(digest::question(None, &text, MAX_WORDS))];
        let agent = &resolved.bundle.agent;
        asked.model.take_if(|name| *name == agent.slug.as_str() || *name == agent.id.to_string());
        Ok(())
    }

    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8> {
        let text = reply.choices.first().and_then(|choice| choice.text()).unwrap_or_default();
        let summary = digest::kept(text.into_owned());
        let billed = (receipt.usage, receipt.cost);
        let created_s = ticket.created.0.div_euclid(1_000);
        match ticket.of {
            Of::Call(id) => compaction((&id, created_s), &summary, billed, &ticket.warnings),
            Of::Run(id) => compaction((&id, created_s), &summary, billed, &ticket.warnings),
        }
    }

    fn encoder(self, _: Ticket) -> NoStream {
        NoStream
    }
}

/// A summary is no stream.
#[derive(Clone, Copy, Debug)]
pub struct NoStream;

impl Encoder for NoStream {
    fn warn(&mut self, _: Vec<Warning>) {}
    fn event(&mut self, _: &Event, _: &mut Vec<u8>) {}
    fn done(&mut self, _: &Receipt, _: &mut Vec<u8>) {}
    fn failed(&mut self, _: &Problem, _: &mut Vec<u8>) {}
}

/// How many tokens a response would be asked with
///
/// With the agent's instructions and the tools, and without what a thread has said before; nothing is billed. Where the
/// model's provider counts no tokens, or does not within five seconds, it is estimated, which `estimated` says.
#[utoipa::path(
    post, path = "/v1/responses/input_tokens", tag = "calls", request_body = ResponsesRequest,
    responses((status = 200, description = "The count", body = serde_json::Value)),
)]
pub async fn count_input_tokens<W: World>(
    State(app): State<App<W>>,
    place: Result<Parameters<Place>, Problem>,
    request: Request,
) -> Reply {
    look::look::<W, super::respond::Respond>(&app, place, request, async |app, entered, asked| {
        let tokens = call::tokens(app, &entered.caller, &entered.resolved, asked).await;
        let tokens = tokens.map_err(Problem::report(app))?;
        Ok(input_tokens(tokens.count, tokens.is_estimated))
    })
    .await
}
