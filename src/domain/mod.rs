//! Pure rules: no worker, axum, async, clock or randomness; time and ids arrive as arguments.

pub mod api_key;
pub mod ids;
pub mod message;
pub mod money;
pub mod outbound;
pub mod provider;
pub mod secret;
pub mod slug;
pub mod time;
pub mod vault;
