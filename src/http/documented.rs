//! What `#[utoipa::path]` writes beside a handler.

use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::Path;

/// An operation's path, methods and description, as one type: `__path_handler`.
pub trait Documented: Path + SchemaReferences + Tags<'static> {}

impl<P: Path + SchemaReferences + Tags<'static>> Documented for P {}
