//! Retinue: virtual AI agents at the edge.
//!
//! An agent is a row; a call through it is authenticated, resolved, admitted against a hard budget, sent to a
//! model provider, relayed and settled. This file is the map of the house:
//!
//! | module | what it is |
//! |---|---|
//! | [`domain`] | pure rules: money, budgets, the account's state machine, the model line, the neutral message |
//! | [`ports`] | what the services need of the world, as traits: one for each aggregate of the directory |
//! | [`service`] | one use case per file, async over the ports |
//! | [`wire`] | codecs: `client` as clients speak, `provider` as providers speak |
//! | [`object`] | the Durable Objects without the platform: one host, the machines over their SQLite |
//! | [`sql`] | named statements, which the directory's files and the objects' stores declare |
//! | [`storage`] | D1: one file an aggregate, with its SQL and its port |
//! | [`face`] | the protocols that clients speak to an agent: one file a face, one list, one driver |
//! | [`http`] | routes, handlers of the control plane, problem documents |
//! | [`runtime`] | the entry points, bindings, objects, `fetch`: the only home of the platform |

pub mod domain;
pub mod face;
pub mod http;
pub mod object;
pub mod ports;
mod runtime;
pub mod service;
pub mod sql;
pub mod storage;
pub mod wire;
