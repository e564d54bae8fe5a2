//! What a member has set for its own calls, as the member reads and writes it: with any key that acts for it.

use serde_json::{Map, Value};

use crate::domain::declared::members::FACTS;
use crate::domain::member::Profile;
use crate::ports::{Directory, Members, World};

use super::App;
use super::authenticate::Session;
use super::declared::{Context, members};
use super::failure::{Failure, Thing};
use super::precondition::Precondition;

pub use super::declared::members::profile_tag as tag;

/// # Errors
/// [`Failure::NoMember`] when the key acts for none, and the others.
pub async fn get<W: World>(app: &App<W>, session: &Session) -> Result<Profile, Failure> {
    let id = session.key.member.ok_or(Failure::NoMember)?;
    let found = app.world.directory().tenant(session.account.id).member(id).await?;
    found.map(|member| member.profile).ok_or(Failure::Missing(Thing::Declared(&FACTS)))
}

/// Replaces it; it holds from the next call.
///
/// # Errors
/// [`Failure::NoMember`] when the key acts for none, and the others.
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    profile: Map<String, Value>,
    precondition: &Precondition,
) -> Result<Profile, Failure> {
    let id = session.key.member.ok_or(Failure::NoMember)?;
    members::put_profile(&Context::new(app, Some(session)), id, profile, precondition).await
}
