//! Over which state of a thing a request may be served (RFC 9110, 13.1).

use super::failure::{Failure, Thing};

/// Which state of a thing a request may be served over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Whatever there is or is not.
    #[default]
    None,
    /// `If-Match: *`: there is one.
    Exists,
    /// `If-None-Match: *`: there is none.
    Absent,
    /// `If-Match`: one with one of these tags.
    Tags(Vec<String>),
}

impl Precondition {
    /// Where the request names no state: this one.
    pub fn or_tag(&mut self, tag: String) {
        if *self == Self::None {
            *self = Self::Tags(vec![tag]);
        }
    }

    /// Over a thing that has this tag, or over none.
    ///
    /// # Errors
    /// [`Failure::Precondition`].
    pub fn check_tag(&self, thing: Thing, tag: Option<impl Fn() -> String>) -> Result<(), Failure> {
        let holds = match (self, tag) {
            (Self::None, _) | (Self::Exists, Some(_)) | (Self::Absent, None) => true,
            (Self::Exists | Self::Tags(_), None) | (Self::Absent, Some(_)) => false,
            (Self::Tags(tags), Some(tag)) => tags.contains(&tag()),
        };
        if holds { Ok(()) } else { Err(Failure::Precondition(thing)) }
    }
}
