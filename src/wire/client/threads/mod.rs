//! What clients send to threads and runs.

mod body;
mod inputs;
mod tools;

pub use body::{
    AppendBody, ChangeBody, CreateBody, ForkBody, PriorityBody, ReasonBody, StartBody, Threaded, TokenBody,
};
pub use inputs::{InputBody, InputsBody};
pub use tools::ToolBody;
