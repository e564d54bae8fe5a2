//! Backups of objects: what there is to be backed up, and what is asked of an object for it.
//!
//! | file | what it is |
//! |---|---|
//! | [`name`] | every kind of object there is, and how one is named |
//! | [`command`] | what every object can be asked besides its own commands, and what it answers |
//! | [`rows`] | rows of any table, as they travel |

pub mod command;
pub mod name;
pub mod rows;
