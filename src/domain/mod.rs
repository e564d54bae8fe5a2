//! Pure rules: no worker, axum, async, clock or randomness; time and ids arrive as arguments.

pub mod account;
pub mod admission;
pub mod agent;
pub mod api_key;
pub mod bound;
pub mod budget;
pub mod change;
pub mod field_error;
pub mod ids;
pub mod instructions;
pub mod json_fault;
pub mod message;
pub mod model;
pub mod model_line;
pub mod money;
pub mod outbound;
pub mod plan;
pub mod price;
pub mod provider;
pub mod routing;
pub mod secret;
pub mod slug;
pub mod time;
pub mod vault;
