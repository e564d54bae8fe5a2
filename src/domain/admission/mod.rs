//! Admission: what an account's object decides. See [`state::State`].

pub mod command;
