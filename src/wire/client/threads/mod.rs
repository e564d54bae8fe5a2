//! What clients send to threads and runs.

mod body;
mod inputs;
mod said;
mod threaded;
mod tools;

pub use body::{
    AppendBody, ChangeBody, CreateBody, ForkBody, PriorityBody, ReasonBody, SaidBody, StartBody, TokenBody,
};
pub use inputs::{InputBody, InputsBody};
pub use said::Said;
pub use threaded::{Apart, Threaded};
pub use tools::ToolBody;
