//! Documents that are sent as they are made, whatever their size.

use std::fmt::Display;
use std::future::Future;

use axum::BoxError;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream as streams;

use crate::ports::World;
use crate::service::App;

/// A document that comes in pieces.
pub trait Pieces<W: World>: Send + 'static {
    type Error: Display + Into<BoxError> + Send;

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The rest cannot be made.
    fn next(&mut self, app: &App<W>) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send;
}

/// A JSON document. It breaks off where a piece cannot be made.
pub fn json<W: World>(app: App<W>, document: impl Pieces<W>) -> Response {
    let pieces = streams::unfold((app, document), async |(app, mut document)| {
        let piece = document.next(&app).await.transpose()?;
        if let Err(error) = &piece {
            app.world.log(&format!("an export breaks off: {error}"));
        }
        Some((piece, (app, document)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    response
}
