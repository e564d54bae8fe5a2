//! Providers that follow a script: each request takes the next turn.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use retinue::domain::provider::ProviderName;
use retinue::domain::secret::Secret;
use retinue::ports::{
    Body, Destination, PlatformProvider, ReadError, SendError, Upstream, UpstreamReply, UpstreamRequest,
};
use tokio::sync::Notify;

/// A request as a provider sees it, over either transport.
#[derive(Debug)]
pub struct Asked {
    pub method: String,
    /// The URL, or `workers-ai:` and the model's code.
    pub to: String,
    pub headers: Vec<(&'static str, String)>,
    /// Empty where there is none.
    pub body: Bytes,
    pub timeout_ms: u64,
}

/// What happens to one request.
#[derive(Debug)]
pub enum Turn {
    Fails(SendError),
    Replies(Script),
    /// Never answers; the test cancels the call, or hangs up.
    Hangs,
    /// Answers with this status at once, and with a body that never ends.
    Drips(u16),
}

/// A reply, piece by piece.
#[derive(Debug)]
pub struct Script {
    pub status: u16,
    pub retry_after_ms: Option<u64>,
    pub chunks: Vec<Result<Bytes, ReadError>>,
}

impl Script {
    pub fn ok(body: impl Into<Bytes>) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, retry_after_ms: None, chunks: vec![Ok(body.into())] }
    }
}

#[derive(Clone, Default)]
pub struct FakeUpstream {
    inner: Arc<Mutex<Inner>>,
}

/// What a provider does with whatever it is asked.
type Emulated = Arc<dyn Fn(&Asked) -> Turn + Send + Sync>;

#[derive(Default)]
struct Inner {
    turns: VecDeque<Turn>,
    /// Of servers that have a script of their own, by a part of their URL.
    servers: Vec<(String, VecDeque<Turn>)>,
    /// Servers that always answer with this status.
    always: Vec<(String, u16)>,
    /// Beyond the script; those requests are not kept.
    emulated: Option<Emulated>,
    asked: Vec<Asked>,
    platform: Vec<(String, Option<String>, Option<String>)>,
    hung_up: Arc<Notify>,
    left: Arc<AtomicUsize>,
}

impl FakeUpstream {
    pub fn then(&self, turn: Turn) -> &Self {
        self.inner.lock().unwrap().turns.push_back(turn);
        self
    }

    /// The next turn of a server that has a script of its own: requests whose URL has this in it.
    pub fn then_at(&self, server: &str, turn: Turn) -> &Self {
        let mut inner = self.inner.lock().unwrap();
        let at = inner.servers.iter().position(|(other, _)| other == server).unwrap_or_else(|| {
            inner.servers.push((server.to_owned(), VecDeque::new()));
            inner.servers.len() - 1
        });
        inner.servers[at].1.push_back(turn);
        drop(inner);
        self
    }

    /// Requests whose URL has this in it are always answered with this status.
    pub fn always(&self, server: &str, status: u16) {
        self.inner.lock().unwrap().always.push((server.to_owned(), status));
    }

    /// Answers whatever is asked beyond the script.
    pub fn emulate(&self, emulated: impl Fn(&Asked) -> Turn + Send + Sync + 'static) {
        self.inner.lock().unwrap().emulated = Some(Arc::new(emulated));
    }

    /// The requests so far.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inner.lock().unwrap().asked)
    }

    /// Ends the request that hangs. Over HTTP the product does not notice by itself that its client has left.
    pub fn hang_up(&self) {
        self.inner.lock().unwrap().hung_up.notify_one();
    }

    /// How many of the requests that hang have lost their client.
    pub fn left(&self) -> usize {
        self.inner.lock().unwrap().left.load(Ordering::SeqCst)
    }

    /// A provider that the operator offers.
    pub fn offer(&self, name: &str, base_url: Option<&str>, key: Option<&str>) {
        let row = (name.to_owned(), base_url.map(str::to_owned), key.map(str::to_owned));
        self.inner.lock().unwrap().platform.push(row);
    }

    /// Takes the script's next turn.
    pub async fn answer(&self, asked: Asked) -> Result<UpstreamReply<FakeBody>, SendError> {
        let to = asked.to.clone();
        let turn = {
            let mut inner = self.inner.lock().unwrap();
            let at = inner.servers.iter().position(|(server, _)| asked.to.contains(server.as_str()));
            let always = inner.always.iter().find(|(server, _)| asked.to.contains(server.as_str()));
            let always = always.map(|(_, status)| Turn::Replies(Script::status(*status, "")));
            let turn = match at {
                _ if always.is_some() => always,
                Some(at) => inner.servers[at].1.pop_front(),
                None => inner.turns.pop_front(),
            };
            match (turn, inner.emulated.clone()) {
                (None, Some(emulated)) => Some(emulated(&asked)),
                (turn, _) => {
                    inner.asked.push(asked);
                    turn
                }
            }
        };
        let (hung_up, left) = {
            let inner = self.inner.lock().unwrap();
            (inner.hung_up.clone(), inner.left.clone())
        };
        match turn {
            Some(Turn::Replies(script)) => Ok(UpstreamReply {
                status: script.status,
                retry_after_ms: script.retry_after_ms,
                body: FakeBody { pieces: script.chunks.into(), limit: usize::MAX, is_endless: false },
            }),
            Some(Turn::Drips(status)) => Ok(UpstreamReply {
                status,
                retry_after_ms: None,
                body: FakeBody { pieces: VecDeque::new(), limit: usize::MAX, is_endless: true },
            }),
            Some(Turn::Fails(error)) => Err(error),
            Some(Turn::Hangs) => {
                let waits = Waits(left);
                hung_up.notified().await;
                std::mem::forget(waits);
                Err(SendError::Lost("hung up".to_owned()))
            }
            None => panic!("a request that the script does not know: {to}"),
        }
    }
}

impl Upstream for FakeUpstream {
    type Body = FakeBody;

    async fn send(&self, request: UpstreamRequest) -> Result<UpstreamReply<FakeBody>, SendError> {
        let to = match &request.destination {
            Destination::Url(url) => url.as_str().to_owned(),
            Destination::WorkersAi(code) => format!("workers-ai:{code}"),
        };
        let mut reply = self
            .answer(Asked {
                method: request.method.as_str().to_owned(),
                to,
                headers: request.headers.iter().map(|(name, value)| (known(name), value.clone())).collect(),
                body: request.body.clone().unwrap_or_default(),
                timeout_ms: request.timeout_ms,
            })
            .await?;
        reply.body.limit = request.limit_of(reply.status);
        Ok(reply)
    }

    fn platform_provider(&self, name: &ProviderName) -> Option<PlatformProvider> {
        let inner = self.inner.lock().unwrap();
        let (_, base_url, key) = inner.platform.iter().find(|(offered, ..)| offered == name.as_str())?;
        Some(PlatformProvider { base_url: base_url.clone(), key: key.clone().map(Secret::new) })
    }
}

/// A client that waits for the end of a request that hangs.
struct Waits(Arc<AtomicUsize>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub struct FakeBody {
    pieces: VecDeque<Result<Bytes, ReadError>>,
    limit: usize,
    is_endless: bool,
}

impl FakeBody {
    /// Whether it takes too long.
    pub fn times_out(&self) -> bool {
        self.pieces.contains(&Err(ReadError::Timeout))
    }

    /// The one piece that is all of it, or the pieces as they are.
    pub fn whole(mut self) -> Result<Bytes, Self> {
        match self.pieces.make_contiguous() {
            [Ok(only)] => Ok(std::mem::take(only)),
            _ => Err(self),
        }
    }
}

impl Body for FakeBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        tokio::task::yield_now().await;
        if self.is_endless {
            std::future::pending::<()>().await;
        }
        self.pieces.pop_front().transpose()
    }

    async fn all(mut self) -> Result<Bytes, ReadError> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
            if whole.len() > self.limit {
                return Err(ReadError::TooLarge(self.limit));
            }
        }
        Ok(whole.into())
    }
}

/// A test's requests have few names.
fn known(name: &str) -> &'static str {
    name.to_owned().leak()
}
