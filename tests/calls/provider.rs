//! What providers answer, in OpenAI's format.

use bytes::Bytes;
use retinue::ports::{ReadError, SendError};
use serde_json::{Value, json};

use crate::support::{Script, Turn};

/// Tokens as the provider counts them: of the prompt, of the answer.
pub type Tokens = (u64, u64);

pub fn usage((input, output): Tokens) -> Value {
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input.saturating_add(output)})
}

/// A whole answer; without a count where `tokens` is `None`.
pub fn answer(text: &str, tokens: Option<Tokens>) -> Turn {
    let choice =
        json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let mut reply = json!({"id": "x", "object": "chat.completion", "choices": [choice]});
    if let Some(tokens) = tokens {
        reply["usage"] = usage(tokens);
    }
    Turn::Replies(Script::ok(reply.to_string()))
}

pub fn delta(text: &str) -> Bytes {
    frame(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

pub fn finish() -> Bytes {
    frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
}

pub fn count(tokens: Tokens) -> Bytes {
    frame(&json!({"choices": [], "usage": usage(tokens)}))
}

pub fn done() -> Bytes {
    Bytes::from_static(b"data: [DONE]\n\n")
}

pub fn frame(chunk: &Value) -> Bytes {
    format!("data: {chunk}\n\n").into()
}

/// A stream of these pieces, to its end.
pub fn stream(pieces: impl IntoIterator<Item = Bytes>) -> Turn {
    streams(pieces.into_iter().map(Ok))
}

/// A stream of these pieces that breaks off after the last.
pub fn cut(pieces: impl IntoIterator<Item = Bytes>) -> Turn {
    let broken = Err(ReadError::Broken("10.1.2.3 reset the connection".to_owned()));
    streams(pieces.into_iter().map(Ok).chain([broken]))
}

pub fn streams(chunks: impl IntoIterator<Item = Result<Bytes, ReadError>>) -> Turn {
    Turn::Replies(Script { status: 200, retry_after_ms: None, chunks: chunks.into_iter().collect() })
}

/// `Hello`, streamed as it should be.
pub fn hello(tokens: Tokens) -> Turn {
    stream([delta("Hel"), delta("lo"), finish(), count(tokens), done()])
}

/// A refusal with this status.
pub fn status(status: u16, message: &str) -> Turn {
    Turn::Replies(Script::status(status, json!({"error": {"message": message}}).to_string()))
}

/// A refusal that says when to come back.
pub fn later(status: u16, ms: u64) -> Turn {
    let script = Script::status(status, json!({"error": {"message": "busy"}}).to_string());
    Turn::Replies(Script { retry_after_ms: Some(ms), ..script })
}

pub fn unreachable() -> Turn {
    Turn::Fails(SendError::NotConnected("10.1.2.3 refused".to_owned()))
}

pub fn lost() -> Turn {
    Turn::Fails(SendError::Lost("10.1.2.3 went away".to_owned()))
}

pub fn timeout() -> Turn {
    Turn::Fails(SendError::Timeout)
}
