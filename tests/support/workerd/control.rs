//! The test process's own way into the isolates: blocking, because a test moves its clock in the middle of a
//! line.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than anything takes that still comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Posts to the `control` that listens there; its status and what it answered.
pub fn post(port: u16, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("{path}: no answer: {answer:?}"));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    // What is short and plain travels in a header (src/runtime/crossing.js).
    let short = head.lines().find_map(|line| line.strip_prefix("x-retinue: "));
    (status, short.unwrap_or(body).to_owned())
}
