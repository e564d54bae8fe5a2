//! The one way out: requests to providers and to servers that tenants name, by `fetch` or by binding.

use std::borrow::Cow;
use std::future::Future;

use bytes::Bytes;

use crate::domain::outbound::CheckedUrl;
use crate::domain::provider::ProviderName;
use crate::domain::secret::Secret;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Url(CheckedUrl),
    /// The platform's Workers AI binding, by model code. It takes the body alone.
    WorkersAi(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request that leaves; redirects are never followed. It does not print, because its headers hold keys.
pub struct UpstreamRequest {
    pub method: Method,
    pub destination: Destination,
    /// All that is sent, `content-type` included.
    pub headers: Vec<(Cow<'static, str>, String)>,
    pub body: Option<Bytes>,
    /// Ends the attempt, the reply's body included.
    pub timeout_ms: u64,
    /// The most bytes of a successful reply that [`Body::all`] reads.
    pub limit: usize,
    /// Whether the reply's body is to be read piece by piece, as it arrives.
    pub is_stream: bool,
}

/// The most bytes of any other reply than a successful one that [`Body::all`] reads: it is only quoted.
const ERROR_LIMIT: usize = 64 * 1024;

impl UpstreamRequest {
    /// The most bytes of a reply with this status that [`Body::all`] reads.
    pub fn limit_of(&self, status: u16) -> usize {
        if matches!(status, 200..300) { self.limit } else { self.limit.min(ERROR_LIMIT) }
    }
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing was sent. The text is for the operator's log.
    #[error("not connected: {0}")]
    NotConnected(String),
    /// The connection broke before the reply's head: the provider may have run.
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error("timed out")]
    Timeout,
}

impl SendError {
    /// What the platform throws, which tells causes apart by words only.
    ///
    /// workerd has one sentence for a refused port, for a reset and for a connection that was cut after the request was sent
    /// ("Network connection lost."), and one for unknown hosts, failed handshakes and everything else ("internal error;
    /// reference = …"). Neither shows that nothing was sent, so both are [`Self::Lost`].
    pub fn thrown(message: String) -> Self {
        const NOT_SENT: [&str; 7] =
            ["refused", "dns", "invalid url", "not resolve", "unreachable", "no route", "unsupported"];
        // Whole words: the name of a host may stand in it.
        let words = message.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
        let words = words.fold(" ".to_owned(), |all, word| all + &word.to_lowercase() + " ");
        match NOT_SENT.iter().any(|cause| words.contains(&format!(" {cause} "))) {
            true => Self::NotConnected(message),
            false => Self::Lost(message),
        }
    }
}

/// A reply's head, and its body to be read.
pub struct UpstreamReply<B> {
    pub status: u16,
    pub retry_after_ms: Option<u64>,
    pub body: B,
}

/// The body broke off, or took too long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the reply broke off: {0}")]
    Broken(String),
    #[error("the reply took too long")]
    Timeout,
    /// Whoever asked does not wait for it any more.
    #[error("nobody waits for the reply any more")]
    Unwanted,
    #[error("the reply is larger than {0} bytes")]
    TooLarge(usize),
}

/// The one way out.
pub trait Upstream: Send + Sync {
    type Body: Body;

    fn send(
        &self,
        request: UpstreamRequest,
    ) -> impl Future<Output = Result<UpstreamReply<Self::Body>, SendError>> + Send;

    /// The platform's own provider of this name, from the operator's variables: base URL and key.
    fn platform_provider(&self, name: &ProviderName) -> Option<PlatformProvider>;
}

/// A provider that the operator offers to every account.
#[derive(Debug)]
pub struct PlatformProvider {
    /// As it stands in the variable.
    pub base_url: Option<String>,
    pub key: Option<Secret>,
}

/// A reply's body.
pub trait Body: Send + 'static {
    /// The next piece; `None` at the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, ReadError>> + Send;
    /// All that is left, at most as many bytes as [`UpstreamRequest::limit_of`] says.
    fn all(self) -> impl Future<Output = Result<Bytes, ReadError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sent_is_known_by_whole_words_alone() {
        for (message, is_known) in [
            ("connect(): Connection refused", true),
            ("DNS lookup failed.", true),
            ("internal error; reference = x: DNS: no such host", true),
            ("Network unreachable", true),
            ("Fetch API cannot load: ftp://x. unsupported protocol", true),
            // What workerd says of a refused port, and of one that took the request and then broke off.
            ("Network connection lost.", false),
            // What it says of an unknown host and of a failed handshake, and of any other fault of its own.
            ("internal error; reference = 4gcjhb3q2ejmomdfib9msn99", false),
            ("lost while talking to dnsimple.com", false),
            ("lost while talking to dns.example.com", false),
            ("peer https://unsupported.refused.example broke off", false),
        ] {
            let error = SendError::thrown(message.to_owned());
            assert_eq!(matches!(error, SendError::NotConnected(_)), is_known, "{message}");
        }
    }

    #[test]
    fn of_an_error_no_more_is_read_than_is_quoted() {
        let request = |limit| UpstreamRequest {
            method: Method::Post,
            destination: Destination::WorkersAi("m".to_owned()),
            headers: Vec::new(),
            body: None,
            timeout_ms: 1,
            limit,
            is_stream: true,
        };
        for (status, large, small) in
            [(200, 1 << 24, 10), (299, 1 << 24, 10), (302, ERROR_LIMIT, 10), (500, ERROR_LIMIT, 10)]
        {
            assert_eq!(request(1 << 24).limit_of(status), large, "{status}");
            assert_eq!(request(10).limit_of(status), small, "{status}");
        }
    }
}
