//! Our own face: a message, and its answer whole.

use super::call::{Call, Encoder, Of, Ticket};
use super::drive;
use super::{Face, Operations};
use crate::domain::message::{ChatReply, Citation, Event, Finish};
use crate::domain::thread::view::RunView;
use crate::domain::warning::Warning;
use crate::http::problem::{self, Kind, Problem};
use crate::ports::World;
use crate::service::call::{Asked, Passed, Receipt};
use crate::wire::client::native::{self, Called, Done, Fault, StreamEncoder};
use crate::wire::client::threads::Threaded;

#[derive(Clone, Copy, Debug)]
pub struct NativeChat;

impl Face for NativeChat {
    const NAME: &'static str = "chat";
    const BASE: &'static str = "chat";

    type Error = problem::Document<'static>;
    const ERROR_TYPE: &'static str = problem::MEDIA_TYPE;

    fn error(problem: &Problem) -> Vec<u8> {
        problem.to_json()
    }

    fn operations<W: World>(v: &mut impl Operations<W>) {
        v.operation(__path_chat, drive::call::<W, Chat>);
    }
}

/// Ask an agent
#[utoipa::path(
    post, path = "/chat", tag = "calls", request_body = native::Body,
    responses(
        (status = 200, description = "The answer, and what it cost", body = Done<'static>),
        (status = 202, description = "The run, with `background`", body = RunView),
        (status = 409, description = "`thread_busy`, `already_resolved`, or an outcome that a person must say",
            body = problem::Document<'static>, content_type = "application/problem+json"),
    ),
)]
#[expect(dead_code, reason = "it is only described here")]
const fn chat() {}

/// A call with a whole answer.
#[derive(Default)]
pub struct Chat {
    pub threaded: Option<Box<Threaded>>,
}

impl Call for Chat {
    type Face = NativeChat;
    type Encoder = Stream;
    const PROTOCOL: &'static str = "native";

    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem> {
        let (asked, threaded) = asked(body, false)?;
        Ok((asked, Self { threaded }))
    }

    fn threaded(&mut self) -> Option<Box<Threaded>> {
        self.threaded.take()
    }

    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8> {
        let finish = reply.choices.first().map_or(Finish::Length, |choice| choice.finish);
        let (text, calls, citations) = (Done::text_of(reply), Called::all(reply), Done::citations_of(reply));
        done(ticket, &text, finish, (&calls, &citations), receipt).to_json()
    }

    fn encoder(self, ticket: Ticket) -> Stream {
        Stream { ticket, encoder: StreamEncoder::default(), finish: Finish::Length, left_out: 0 }
    }
}

/// Reads what both of our faces take.
pub fn asked(body: &[u8], stream: bool) -> Result<(Asked, Option<Box<Threaded>>), Problem> {
    let parsed = native::parse(body).map_err(|fault| match fault {
        Fault::Fields(errors) => Problem::invalid(errors),
        Fault::Malformed(words) => Problem::new(Kind::InvalidRequest, words),
    })?;
    let variables = Passed::Variables(parsed.variables);
    let (model, sent, most, last) = (None, None, None, Vec::new());
    let asked = Asked { request: parsed.request, variables, model, stream, sent, most, last };
    Ok((asked, parsed.threaded))
}

/// What every answer says of its call.
fn done<'a>(
    ticket: &'a Ticket,
    message: &'a str,
    finish: Finish,
    (tool_calls, annotations): (&'a [Called], &'a [Citation]),
    receipt: &'a Receipt,
) -> Done<'a> {
    let is_typed = finish == Finish::Stop && ticket.bundle.agent.definition.output.is_some();
    let (call_id, run_id) = match ticket.of {
        Of::Call(call) => (Some(call), None),
        Of::Run(run) => (None, Some(run)),
    };
    Done {
        message,
        output: if is_typed { serde_json::from_str(message).ok() } else { None },
        finish_reason: native::finish_reason(finish),
        usage: &receipt.usage,
        cost_usd: receipt.cost,
        model: ticket.model.as_deref(),
        agent: ticket.bundle.agent.slug.as_str(),
        agent_version: ticket.bundle.agent.version,
        call_id,
        thread_id: run_id.map(|run| run.thread),
        run_id,
        tool_calls,
        annotations,
        cached: ticket.is_cached,
        warnings: &ticket.warnings,
    }
}

/// Writes a stream.
pub struct Stream {
    ticket: Ticket,
    encoder: StreamEncoder,
    /// How the answer ended: cut, as long as nothing says otherwise.
    finish: Finish,
    /// How many parts of the answer are among the warnings.
    left_out: usize,
}

impl Encoder for Stream {
    fn warn(&mut self, warnings: Vec<Warning>) {
        self.ticket.warnings.extend(warnings);
    }

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if let Event::About(about) = event {
            let said = self.left_out.max(about.left_out.len());
            let new = about.left_out.iter().skip(std::mem::replace(&mut self.left_out, said));
            self.ticket.warnings.extend(new.map(|name| Warning::not_carried(name)));
        }
        if let Event::Finish { reason, .. } = event {
            self.finish = *reason;
        }
        self.encoder.event(event, out);
    }

    fn done(&mut self, receipt: &Receipt, out: &mut Vec<u8>) {
        let (text, with) = (self.encoder.text(), (self.encoder.calls(), self.encoder.citations()));
        StreamEncoder::done(&done(&self.ticket, text, self.finish, with, receipt), out);
    }

    fn failed(&mut self, problem: &Problem, out: &mut Vec<u8>) {
        StreamEncoder::error(&problem.to_json(), out);
    }
}
