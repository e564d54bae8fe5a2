//! How requests reach the product: as calls of the router, or over HTTP.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use retinue::face;
use retinue::http::router::{router_of, serve};
use retinue::ports::World;
use retinue::service::App;
use retinue::service::declared::{KindList, Kinds};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::workerd::{ISOLATES, Workerd};
use super::world::FakeWorld;

/// Whether the tests of this process run against workerd.
pub fn is_workerd() -> bool {
    match std::env::var("RETINUE_TRANSPORT").as_deref() {
        Ok("workerd") => true,
        Ok("router" | "") | Err(_) => false,
        Ok(other) => panic!("RETINUE_TRANSPORT={other}: workerd or router"),
    }
}

/// The way to one isolate.
#[derive(Clone)]
pub enum Transport {
    Router(Router),
    /// The process is kept alive by whoever talks to it.
    Http(SocketAddr, Arc<Workerd>),
}

impl Transport {
    /// To the isolate of this number. The router's is a new one, which remembers nothing.
    pub fn to(world: &FakeWorld, isolate: usize) -> Self {
        match world.workerd() {
            Some(workerd) => Self::Http(workerd.address(ISOLATES[isolate]), workerd.clone()),
            None => Self::router(world.clone()),
        }
    }

    /// To a new isolate of this world, in this process.
    pub fn router<W: World>(world: W) -> Self {
        Self::router_of::<W, Kinds>(world)
    }

    /// The same, with these declared kinds.
    pub fn router_of<W: World, L: KindList>(world: W) -> Self {
        let app = App::with_kinds::<L>(world, Arc::default());
        Self::Router(router_of::<W, L>(face::All).with_state(app))
    }

    /// Sends it; the reply's body comes as it is read.
    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        match self {
            Self::Router(router) => serve(&mut router.clone(), request).await,
            Self::Http(address, _) => exchange(*address, request).await,
        }
    }
}

/// Over a connection of its own, so that it ends with whoever drops the reply.
async fn exchange(address: SocketAddr, mut request: Request<Body>) -> Response<Body> {
    request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("retinue.test"));
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(Patient(stream))).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request).await;
    response.unwrap_or_else(|error| panic!("no reply: {error:?}")).map(Body::new)
}

/// A connection on which a server may answer before it has read everything, and close: what cannot be written
/// any more is not an error, because the answer is still to be read.
struct Patient(TcpStream);

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes).map(|written| written.or(Ok(bytes.len())))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx).map(|flushed| flushed.or(Ok(())))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
