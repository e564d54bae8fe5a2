//! Our own face: a message, and its answer as it comes.

use super::call::{Call, Ticket};
use super::drive;
use super::native_chat::{Chat, NativeChat, Stream, asked};
use super::{Face, Operations};
use crate::domain::message::ChatReply;
use crate::domain::thread::view::RunView;
use crate::http::problem::{self, Problem};
use crate::ports::World;
use crate::service::call::{Asked, Receipt};
use crate::wire::client::native;
use crate::wire::client::threads::Threaded;
use crate::wire::sse::Frame;

#[derive(Clone, Copy, Debug)]
pub struct NativeStream;

impl Face for NativeStream {
    const NAME: &'static str = "stream";
    const BASE: &'static str = "stream";

    type Error = <NativeChat as Face>::Error;
    const ERROR_TYPE: &'static str = NativeChat::ERROR_TYPE;

    fn error(problem: &Problem) -> Vec<u8> {
        NativeChat::error(problem)
    }

    fn operations<W: World>(v: &mut impl Operations<W>) {
        v.operation(__path_stream, drive::call::<W, Streamed>);
    }
}

/// Ask an agent and read its answer as it comes
#[utoipa::path(
    post, path = "/stream", tag = "calls", request_body = native::Body,
    responses(
        (status = 200, description = "Server-sent events: `delta`s with their `text`, then `done` with what a whole \
            answer has, or `error` with a problem", body = Frame<'static>, content_type = "text/event-stream"),
        (status = 202, description = "The run, with `background`", body = RunView),
        (status = 409, description = "`thread_busy`, `already_resolved`, or an outcome that a person must say",
            body = problem::Document<'static>, content_type = "application/problem+json"),
    ),
)]
#[expect(dead_code, reason = "it is only described here")]
const fn stream() {}

/// A call whose answer is streamed.
struct Streamed {
    chat: Chat,
}

impl Call for Streamed {
    type Face = NativeStream;
    type Encoder = Stream;
    const PROTOCOL: &'static str = Chat::PROTOCOL;

    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem> {
        let (asked, threaded) = asked(body, true)?;
        Ok((asked, Self { chat: Chat { threaded } }))
    }

    fn threaded(&mut self) -> Option<Box<Threaded>> {
        self.chat.threaded()
    }

    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8> {
        self.chat.whole(ticket, reply, receipt)
    }

    fn encoder(self, ticket: Ticket) -> Stream {
        self.chat.encoder(ticket)
    }
}
