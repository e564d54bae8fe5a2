//! What a member has set for its own calls, as the member reads and writes it: with any key that acts for it.

use serde_json::{Map, Value};

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::member::{Member, Profile, prompt_field};
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Directory, Members, World};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};
use super::members;

/// # Errors
/// [`Failure::NoMember`] when the key acts for none, and the others.
pub async fn get<W: World>(app: &App<W>, session: &Session) -> Result<Profile, Failure> {
    let id = session.key.member.ok_or(Failure::NoMember)?;
    let found = app.world.directory().tenant(session.account.id).member(id).await?;
    found.map(|member| member.profile).ok_or(Failure::Missing(Thing::Member))
}

/// Replaces it; it holds from the next call.
///
/// # Errors
/// [`Failure::NoMember`] when the key acts for none, and the others.
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    profile: Map<String, Value>,
) -> Result<Profile, Failure> {
    let id = session.key.member.ok_or(Failure::NoMember)?;
    let profile = Profile::parse(profile)?;
    check_agents(app, session, &profile).await??;
    let edit = |read: &Member| Member { profile: profile.clone(), ..read.clone() };
    Ok(members::change(app, session, &id.to_string(), edit).await?.profile)
}

/// Notes every prompt whose agent the account does not have.
pub(super) async fn check_agents<W: World>(
    app: &App<W>,
    session: &Session,
    profile: &Profile,
) -> Result<Result<(), Vec<FieldError>>, Failure> {
    let slugs: Vec<Slug> = profile.prompts().filter_map(|(slug, _)| Slug::parse(slug).ok()).collect();
    if slugs.is_empty() {
        return Ok(Ok(()));
    }
    let names: Vec<AgentRef> = slugs.iter().cloned().map(AgentRef::Slug).collect();
    let found = app.world.directory().tenant(session.account.id).agents_named(&names).await?;
    let mut errors = FieldErrors::default();
    for slug in slugs.iter().filter(|slug| !found.iter().any(|(_, known)| known == *slug)) {
        errors.add(&prompt_field(slug.as_str()), "is no agent of this account: write the slug of one");
    }
    Ok(errors.finish())
}
