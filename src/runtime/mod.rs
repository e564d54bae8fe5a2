//! The outermost layer: entry points, bindings, objects, `fetch`. The only home of `Env`.

mod account_client;
mod account_object;
mod fetch;
mod hop;
mod upstream;
mod world;
