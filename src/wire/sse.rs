//! Server-sent events, read from bytes cut anywhere and written frame by frame.
//!
//! Source: the WHATWG HTML standard, section 9.2 (event stream interpretation). `id` and `retry` are ignored.

/// One dispatched event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Empty when the stream names none.
    pub event: &'a str,
    /// The `data` lines joined by newlines.
    pub data: &'a str,
}
