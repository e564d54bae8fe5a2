//! Server-sent events, read from bytes cut anywhere and written frame by frame.
//!
//! Source: the WHATWG HTML standard, section 9.2 (event stream interpretation). `id` and `retry` are ignored. Two
//! deliberate departures: bytes that are not UTF-8 are a fault and not replaced, because what follows would be
//! billed as an answer; and a last event without its blank line is dispatched, because some servers end that way
//! (a JSON document that was cut cannot pass for a whole one).
//!
//! The crates that read this format are adapters of async streams, or copy each event out of the bytes; here a
//! frame that lies whole in a chunk is borrowed from it, and memory is bounded.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use serde::Serialize;
use utoipa::ToSchema;

use super::decode_error::DecodeError;

/// One event of a stream, as its lines say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(as = StreamEvent)]
pub struct Frame<'a> {
    /// Empty when the stream names none.
    #[schema(value_type = Option<String>, example = "delta")]
    pub event: &'a str,
    /// The `data` lines joined by newlines: JSON.
    #[schema(example = "{\"text\":\"Hi\"}")]
    pub data: &'a str,
}

/// The most bytes of one event, comments before it included: 4 MiB. The largest documented event is a whole
/// answer in one frame, far below.
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Reads events as their bytes arrive.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of an event whose end has not arrived.
    pending: Vec<u8>,
    scan: Scan,
    /// The byte order mark can no longer come.
    begun: bool,
}

/// How far the search for a blank line has come in an incomplete event.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    /// Everything before it has been looked at.
    at: usize,
    line_start: usize,
}

/// What the search found.
enum Search {
    /// The event ends at `end`, the next begins at `next`.
    Block {
        end: usize,
        next: usize,
    },
    Incomplete(Scan),
}

impl Decoder {
    /// Takes the next bytes and hands every event they complete to `dispatch`.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] for bytes that are not UTF-8 and events over [`MAX_FRAME_BYTES`], and whatever
    /// `dispatch` answers. Nothing more may be fed then.
    pub fn feed(
        &mut self,
        chunk: &[u8],
        dispatch: &mut dyn FnMut(Frame<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if self.pending.is_empty() {
            let read = self.read(chunk, dispatch)?;
            self.pending.extend_from_slice(&chunk[read..]);
        } else {
            let mut bytes = std::mem::take(&mut self.pending);
            bytes.extend_from_slice(chunk);
            let read = self.read(&bytes, dispatch)?;
            bytes.drain(..read);
            self.pending = bytes;
        }
        if self.pending.len() > MAX_FRAME_BYTES { Err(too_large()) } else { Ok(()) }
    }

    /// Tells the end of the bytes; an event without its blank line is dispatched.
    ///
    /// # Errors
    /// As [`Decoder::feed`].
    pub fn finish(
        &mut self,
        dispatch: &mut dyn FnMut(Frame<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let rest = std::mem::take(&mut self.pending);
        self.scan = Scan::default();
        parse(&rest, dispatch)
    }

    /// Dispatches the whole events in `bytes` and answers how many bytes they took.
    fn read(
        &mut self,
        bytes: &[u8],
        dispatch: &mut dyn FnMut(Frame<'_>) -> Result<(), DecodeError>,
    ) -> Result<usize, DecodeError> {
        let Some(mut start) = self.begin(bytes) else { return Ok(0) };
        loop {
            match search(&bytes[start..], self.scan) {
                Search::Block { end, next } => {
                    self.scan = Scan::default();
                    parse(&bytes[start..start + end], dispatch)?;
                    start += next;
                }
                Search::Incomplete(scan) => {
                    self.scan = scan;
                    return Ok(start);
                }
            }
        }
    }

    /// Where the text begins, after a byte order mark; `None` while that cannot be told.
    fn begin(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.begun {
            return Some(0);
        }
        if bytes.len() < BOM.len() && BOM.starts_with(bytes) {
            return None;
        }
        self.begun = true;
        Some(if bytes.starts_with(BOM) { BOM.len() } else { 0 })
    }
}

/// Looks for the blank line that ends an event, from where the last search stopped.
fn search(bytes: &[u8], scan: Scan) -> Search {
    let Scan { mut at, mut line_start } = scan;
    loop {
        let Some(found) = memchr2(b'\n', b'\r', &bytes[at..]) else {
            return Search::Incomplete(Scan { at: bytes.len(), line_start });
        };
        let end = at + found;
        let cr = bytes[end] == b'\r';
        let blank = end == line_start;
        if cr && end + 1 == bytes.len() && !blank {
            return Search::Incomplete(Scan { at: end, line_start });
        }
        let next = if cr && bytes.get(end + 1) == Some(&b'\n') { end + 2 } else { end + 1 };
        if blank {
            // Where it ends in CR and the LF is still to come, that LF will be one more blank line: nothing.
            return Search::Block { end, next };
        }
        (at, line_start) = (next, next);
    }
}

/// Reads one event's lines; without a `data` line there is nothing to dispatch.
fn parse(
    block: &[u8],
    dispatch: &mut dyn FnMut(Frame<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if block.len() > MAX_FRAME_BYTES {
        return Err(too_large());
    }
    let block = std::str::from_utf8(block)
        .map_err(|_| DecodeError::Malformed("the event stream is not UTF-8".to_owned()))?;
    let mut event = "";
    let mut data: Option<Cow<'_, str>> = None;
    let mut rest = block;
    while !rest.is_empty() {
        let line;
        (line, rest) =
            memchr2(b'\n', b'\r', rest.as_bytes()).map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
        match field(line) {
            ("data", value) => match &mut data {
                None => data = Some(Cow::Borrowed(value)),
                Some(data) => {
                    let data = data.to_mut();
                    data.push('\n');
                    data.push_str(value);
                }
            },
            ("event", value) => event = value,
            _ => {}
        }
    }
    data.map_or(Ok(()), |data| dispatch(Frame { event, data: &data }))
}

/// A line's field name and value; the name is empty for a comment.
fn field(line: &str) -> (&str, &str) {
    match memchr(b':', line.as_bytes()) {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(' ').unwrap_or(value))
        }
        None => (line, ""),
    }
}

fn too_large() -> DecodeError {
    DecodeError::Malformed(format!("an event is larger than {MAX_FRAME_BYTES} bytes"))
}

/// Appends one event; `event` must be free of line ends, `data` may have them.
pub fn write(out: &mut Vec<u8>, event: Option<&str>, data: &[u8]) {
    if let Some(event) = event {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// Appends one event with `data` as one line of JSON, written straight into `out`.
pub fn write_json(out: &mut Vec<u8>, event: Option<&str>, data: &impl Serialize) {
    if let Some(event) = event {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    super::write_json(out, data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
