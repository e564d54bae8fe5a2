//! The providers' APIs, by `fetch` or by binding.

use std::future::Future;

use bytes::Bytes;

use crate::domain::outbound::CheckedUrl;
use crate::domain::provider::ProviderName;
use crate::domain::secret::Secret;

/// Where a request to a provider goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Url(CheckedUrl),
    /// The platform's Workers AI binding, by model code.
    WorkersAi(String),
}

/// One request to a provider; redirects are never followed.
#[derive(Debug)]
pub struct UpstreamRequest {
    pub destination: Destination,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Whether the reply's body is to be read piece by piece, as it arrives.
    pub is_stream: bool,
    /// Ends the attempt, its body included.
    pub timeout_ms: u64,
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
    #[error("the reply is larger than {0} bytes")]
    TooLarge(usize),
}

/// The providers, by `fetch` or by binding.
pub trait Upstream: Send + Sync {
    type Body: Body;

    fn send(
        &self,
        request: UpstreamRequest,
    ) -> impl Future<Output = Result<UpstreamReply<Self::Body>, SendError>> + Send;

    /// Gets a file that a tenant named; redirects are never followed, and `timeout_ms` ends it, its body
    /// included.
    fn get(
        &self,
        url: &CheckedUrl,
        timeout_ms: u64,
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
    /// All that is left, at most `limit` bytes.
    fn all(self, limit: usize) -> impl Future<Output = Result<Bytes, ReadError>> + Send;
}
