//! The outermost layer: entry points, bindings, objects, `fetch`. The only home of `Env`.

mod account_object;
mod crossing;
mod dispatch_object;
mod fetch;
mod head;
mod incoming;
mod knowledge_object;
mod memory;
mod object;
mod object_sql;
mod objects;
mod replies;
mod scheduled;
mod socket;
mod thread_client;
mod thread_object;
mod upstream;
mod world;
