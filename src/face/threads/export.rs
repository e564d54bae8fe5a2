//! All of a thread as one document.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Head, serve};
use crate::domain::thread::view::{ItemView, RunView, ThreadView};
use crate::domain::time::Millis;
use crate::face::Operations;
use crate::http::problem::Problem;
use crate::http::streamed::{self, Pieces};
use crate::ports::World;
use crate::service::App;
use crate::service::threads::{Error, Export};

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.members_operation(__path_export, export::<W>);
}

/// All of a thread.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ThreadExport)]
pub struct Document {
    #[schema(value_type = String, format = DateTime)]
    exported_at: Millis,
    thread: ThreadView,
    #[schema(value_type = Vec<Object>)]
    items: Vec<ItemView>,
    runs: Vec<RunView>,
    /// Entries of the runs' journals, each with its `run_id`.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<serde_json::Value>,
    /// Events of the runs, as far as they are kept.
    #[schema(value_type = Vec<Object>)]
    events: Vec<serde_json::Value>,
    /// The last field: true. A document that was cut off has none.
    is_whole: bool,
}

/// Export a thread
///
/// All of it in one JSON document: the transcript, its runs, their journals, and their events as far as they are kept. It is sent
/// as it is read; what is added to the thread meanwhile may be in it or not.
#[utoipa::path(
    get, operation_id = "export_thread", path = "/threads/{thread}/export", tag = "threads",
    params(("thread" = String, Path, description = "Your name for it, or its id")),
    responses((status = 200, description = "The document", body = Document))
)]
async fn export<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let export = visitor.export(&app, &at.thread()?).await.map_err(Problem::report(&app))?;
        Ok(streamed::json(app.clone(), export))
    })
    .await
}

impl<W: World> Pieces<W> for Export {
    type Error = Error;

    async fn next(&mut self, app: &App<W>) -> Result<Option<Vec<u8>>, Error> {
        self.next(app).await
    }
}
