//! OpenAI's chat completions, as its clients speak them.
//!
//! Source: the API reference and the types of the official Python client 3.52 (2026-11). Fields that are not known
//! are left out with a warning, as OpenAI adds some every month; those whose silence would change the answer are refused
//! (`functions`, audio as an answer, tools that are no functions). What other providers' clients send back over tool
//! turns (`reasoning_content`, `reasoning_details`, `extra_content`) is read and written as well.

pub(super) mod annotation;
mod body;
pub(in crate::wire::client) mod content;
pub mod embeddings;
mod error;
mod messages;
mod reply;
mod request;
mod stream;
pub(in crate::wire::client) mod tools;

pub use body::Body as ChatCompletionRequest;
pub use error::{Enclosed, ErrorBody, ErrorKind};
pub use messages::pair;
pub use reply::{
    Body as ChatCompletion, Envelope, ListBody as ModelList, Model, ModelBody as ListedModel, model,
    models_list, reply,
};
pub use request::{Parsed, parse, read};
pub use stream::StreamEncoder;
