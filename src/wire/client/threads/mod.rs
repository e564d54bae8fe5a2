//! What clients send to threads and runs.

mod body;
mod inputs;
mod said;
mod tools;

pub use body::{
    AppendBody, ChangeBody, CreateBody, ForkBody, PriorityBody, ReasonBody, SaidBody, StartBody, Threaded,
    TokenBody,
};
pub use inputs::{InputBody, InputsBody};
pub use said::Said;
pub use tools::ToolBody;
