//! What clients send to threads and runs.

mod body;
mod tools;

pub use body::{
    AppendBody, ChangeBody, CreateBody, InputBody, InputsBody, PriorityBody, ReasonBody, StartBody, Threaded,
    TokenBody,
};
pub use tools::ToolBody;
