//! The heads of requests and responses as they cross between JavaScript and wasm: one text, a line each.
//!
//! A request's text is its method, its URL and its headers, whichever way it goes; a response's is its
//! headers. A header is its name, a NUL and its value. Nothing is left out in silence: what cannot be read or
//! written is an error.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use bytes::Bytes;

use crate::domain::outbound::CheckedUrl;

/// What of a request's head is not HTTP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("The method cannot be read.")]
    Method,
    #[error("The URL cannot be read.")]
    Url,
    #[error("The header {0:?} cannot be read: it holds a control character.")]
    Header(String),
    #[error("The request has too many headers.")]
    TooMany,
}

/// A header whose value cannot be sent as it is. The value may be secret, so it is not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header {0} holds what no header may")]
pub struct Unsendable(String);

/// Reads a request's head. The parts share the text's memory.
///
/// # Errors
/// [`Unreadable`] names the first part that is not HTTP.
pub fn request(text: String) -> Result<Request<()>, Unreadable> {
    let text = Bytes::from(text);
    // The platform's values hold neither line breaks nor NULs: its parser refuses them.
    let mut lines = text.split(|byte| *byte == b'\n').map(|line| text.slice_ref(line));
    let (method, url) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(&method).map_err(|_| Unreadable::Method)?;
    *request.uri_mut() = uri(&url)?;
    for line in lines {
        append(request.headers_mut(), &line)?;
    }
    Ok(request)
}

fn append(headers: &mut HeaderMap, line: &Bytes) -> Result<(), Unreadable> {
    let unreadable = |name: &[u8]| Unreadable::Header(String::from_utf8_lossy(name).into_owned());
    let at = memchr::memchr(0, line).ok_or_else(|| unreadable(line))?;
    let (name, value) = (line.slice(..at), line.slice(at + 1..));
    let value = HeaderValue::from_maybe_shared(value).map_err(|_| unreadable(&name))?;
    let name = HeaderName::from_bytes(&name).map_err(|_| unreadable(&name))?;
    headers.try_append(name, value).map_err(|_| Unreadable::TooMany)?;
    Ok(())
}

/// What follows the host. The platform's URLs are serialized, so the first slash after `://` begins the path.
///
/// # Errors
/// [`Unreadable::Url`].
pub fn uri(url: &Bytes) -> Result<Uri, Unreadable> {
    let host = memchr::memchr(b':', url).map_or(0, |at| at + 3);
    let after_host = url.get(host..).ok_or(Unreadable::Url)?;
    let Some(start) = memchr::memchr(b'/', after_host) else { return Ok(Uri::default()) };
    let path = url.slice(host + start..);
    let end = memchr::memchr(b'#', &path).unwrap_or(path.len());
    Uri::from_maybe_shared(path.slice(..end)).map_err(|_| Unreadable::Url)
}

/// The headers of a response; one that repeats stands once for each of its values.
///
/// # Errors
/// [`Unsendable`] for a value that is not UTF-8, as the platform's headers are.
pub fn lines(headers: &HeaderMap) -> Result<String, Unsendable> {
    let mut lines = String::new();
    for (name, value) in headers {
        let value = std::str::from_utf8(value.as_bytes());
        push(&mut lines, name.as_str(), value.map_err(|_| Unsendable(name.to_string()))?);
    }
    Ok(lines)
}

/// The head of a request that leaves.
///
/// # Errors
/// [`Unsendable`] for a value that would be taken for the end of a line.
pub fn outgoing(
    method: &str,
    url: &CheckedUrl,
    headers: &[(Cow<'static, str>, String)],
) -> Result<String, Unsendable> {
    let mut lines = format!("{method}\n{}", url.as_str());
    for (name, value) in headers {
        if value.contains(['\n', '\r', '\0']) {
            return Err(Unsendable(name.to_string()));
        }
        push(&mut lines, name, value);
    }
    Ok(lines)
}

fn push(lines: &mut String, name: &str, value: &str) {
    if !lines.is_empty() {
        lines.push('\n');
    }
    lines.extend([name, "\0", value]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outbound::{Loopback, check};

    #[test]
    fn every_line_of_a_requests_head_is_read() {
        let text =
            "PATCH\nhttps://example.com/api/v1/agents/one?q=%20#x\nif-match\0\"0.1\"\nx-empty\0\nx-word\0é";
        let request = request(text.to_owned()).unwrap();
        assert_eq!(request.method(), Method::PATCH);
        assert_eq!(request.uri(), "/api/v1/agents/one?q=%20");
        let headers = request.headers();
        assert_eq!(
            (&headers["if-match"], headers["x-empty"].as_bytes()),
            (&"\"0.1\"".parse().unwrap(), &b""[..])
        );
        assert_eq!(headers["x-word"].as_bytes(), "é".as_bytes());
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn a_name_that_repeats_keeps_each_value() {
        let request = request("GET\nhttp://x/\nif-match\0\"a\"\nif-match\0\"b\"".to_owned()).unwrap();
        let all: Vec<_> = request.headers().get_all("if-match").iter().collect();
        assert_eq!(all, ["\"a\"", "\"b\""]);
        assert_eq!(lines(request.headers()).unwrap(), "if-match\0\"a\"\nif-match\0\"b\"");
    }

    #[test]
    fn paths_are_what_follows_the_host() {
        for (url, path) in [
            ("http://localhost:8787", "/"),
            ("http://localhost:8787/", "/"),
            ("https://x/a/b?c=http://y/z", "/a/b?c=http://y/z"),
            ("https://x/?a", "/?a"),
            ("https://x//a", "//a"),
        ] {
            assert_eq!(request(format!("GET\n{url}")).unwrap().uri(), path, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_left_out() {
        let of = |text: &str| request(text.to_owned()).unwrap_err();
        assert_eq!(of(""), Unreadable::Method);
        assert_eq!(of("GET it\nhttp://x/"), Unreadable::Method);
        assert_eq!(of("GET\nhttp://x/a b"), Unreadable::Url);
        assert_eq!(of("GET\nhttp://x/\nif-match\0\u{1}"), Unreadable::Header("if-match".to_owned()));
        assert_eq!(of("GET\nhttp://x/\nif match\0a"), Unreadable::Header("if match".to_owned()));
        assert_eq!(of("GET\nhttp://x/\nif-match"), Unreadable::Header("if-match".to_owned()));
    }

    #[test]
    fn a_value_that_is_not_text_is_not_sent_empty() {
        let mut headers = HeaderMap::new();
        headers.insert("x-word", HeaderValue::from_static("plain"));
        assert_eq!(lines(&headers).unwrap(), "x-word\0plain");
        headers.insert("x-word", "é".parse().unwrap());
        assert_eq!(lines(&headers).unwrap(), "x-word\0é");
        headers.insert("x-word", HeaderValue::from_bytes(b"\xe9").unwrap());
        assert_eq!(lines(&headers).unwrap_err(), Unsendable("x-word".to_owned()));
    }

    #[test]
    fn what_leaves_reads_back_as_it_was_written() {
        let url = check("https://api.example.com/v1?a=b", Loopback::Refused).unwrap();
        let headers = [("x-key".into(), "a".to_owned()), ("x-word".into(), "é".to_owned())];
        let text = outgoing("POST", &url, &headers).unwrap();
        assert_eq!(text, "POST\nhttps://api.example.com/v1?a=b\nx-key\0a\nx-word\0é");
        assert_eq!(outgoing("GET", &url, &[]).unwrap(), "GET\nhttps://api.example.com/v1?a=b");
        let request = request(text).unwrap();
        assert_eq!((request.method(), &request.headers()["x-key"]), (&Method::POST, &"a".parse().unwrap()));
        let broken = [("x-key".into(), "a\nb: c".to_owned())];
        assert_eq!(outgoing("GET", &url, &broken).unwrap_err(), Unsendable("x-key".to_owned()));
    }
}
