//! What clients send to threads and runs.

mod body;

pub use body::{
    AppendBody, ChangeBody, CreateBody, InputBody, InputsBody, PriorityBody, ReasonBody, StartBody, Threaded,
    ToolBody,
};
