//! Runs on threads: what clients ask of them, and what their objects do outside.
//!
//! | file | what it is |
//! |---|---|
//! | [`perform`] | an effect of a thread's object, performed: the one way out of a run |
//! | [`child`] | a run of another agent, begun |
//! | [`step`] | a step of the model: a governed call, relayed to the run's watchers |
//! | [`version`] | how runs of a version go at which a thread stays |
//! | [`tools`] | what the model may call, and how each call is carried out |

mod child;
pub mod perform;
mod step;
pub mod tools;
mod version;

pub use version::conduct;
