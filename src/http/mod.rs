//! Routes, handlers and problem documents, generic over the ports. A handler reads its request, calls one service
//! and renders the answer.

pub mod access;
mod account;
mod account_change;
mod accounts;
mod advice;
mod agents;
pub mod body;
mod budgets;
mod calls;
mod changes;
pub mod credentials;
mod declared;
mod docs;
pub mod document;
pub mod documented;
mod exchange;
mod flags;
mod if_match;
mod import_report;
mod keys;
mod memories;
mod objects;
pub mod page;
pub mod path;
pub mod problem;
mod profile;
pub mod query;
pub mod rate_limit;
pub mod router;
mod scope;
pub mod streamed;
mod users;
mod webhooks;
