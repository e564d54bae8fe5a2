//! An account's members: adding, reading, changing, removing.
//!
//! A change replaces the row as it was read, and is retried when another writer was faster. What a member's keys may do
//! follows the member in the same step: a lower role lowers them, the end of the member is theirs.

use serde_json::{Map, Value, json};

use crate::domain::change::{Action, Subject};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::ids::MemberId;
use crate::domain::member::{Email, Member, Profile, Role, prompt_field};
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Directory, Members, World};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};
use super::page::{Page, Request};
use super::retry::{retry, written_at};

/// A member as it is asked for.
#[derive(Clone, Debug)]
pub struct NewMember {
    pub name: String,
    pub email: String,
    pub role: Role,
}

/// What is to be changed of a member; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    pub name: Option<String>,
    pub email: Option<String>,
    pub role: Option<Role>,
    /// The whole of it.
    pub profile: Option<Map<String, Value>>,
}

/// Newest first.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: &Session,
    page: &Request,
) -> Result<Page<Member>, Failure> {
    let cut = page.parse(MemberId::parse)?;
    let members = app.world.directory().tenant(session.account.id).members(cut.fetch(), cut.after).await?;
    Ok(cut.page(members, |member| member.id.to_string()))
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, session: &Session, id: &str) -> Result<Member, Failure> {
    let id = MemberId::parse(id).ok_or(Failure::Missing(Thing::Member))?;
    let found = app.world.directory().tenant(session.account.id).member(id).await?;
    found.ok_or(Failure::Missing(Thing::Member))
}

/// With an empty profile.
///
/// # Errors
/// [`Failure`]; without a member having been made, unless the directory lost its answer.
pub async fn create<W: World>(app: &App<W>, session: &Session, new: NewMember) -> Result<Member, Failure> {
    let mut errors = FieldErrors::default();
    errors.name("name", &new.name);
    let email = errors.take("email", Email::parse(&new.email));
    let email = errors.finish_with(email)?;
    let now = app.world.now();
    let member = Member {
        id: MemberId::new(now, app.world.random()),
        name: new.name,
        email,
        role: new.role,
        profile: Profile::default(),
        created_at: now,
        updated_at: now,
        inactive_at: None,
    };
    let after = Some(logged(&member));
    let change = app.change(session.actor(), Action::Create, Subject::Member, member.id, None, after);
    let tenant = app.world.directory().tenant(session.account.id);
    let inserted = app.write_through(session.account.id, tenant.insert_member(&member, &change)).await;
    inserted.map_err(|error| Failure::of_write(error, Thing::Member))?;
    Ok(member)
}

/// # Errors
/// [`Failure`].
pub async fn patch<W: World>(
    app: &App<W>,
    session: &Session,
    id: &str,
    patch: Patch,
) -> Result<Member, Failure> {
    let mut errors = FieldErrors::default();
    if let Some(name) = &patch.name {
        errors.name("name", name);
    }
    let email = patch.email.as_deref().and_then(|email| errors.take("email", Email::parse(email)));
    let profile = match patch.profile {
        None => None,
        Some(profile) => match check_profile(app, session, profile).await? {
            Ok(profile) => Some(profile),
            Err(faults) => {
                errors.join(Err(faults));
                None
            }
        },
    };
    errors.finish()?;
    change(app, session, id, |read| Member {
        name: patch.name.clone().unwrap_or_else(|| read.name.clone()),
        email: email.clone().unwrap_or_else(|| read.email.clone()),
        role: patch.role.unwrap_or(read.role),
        profile: profile.clone().unwrap_or_else(|| read.profile.clone()),
        ..read.clone()
    })
    .await
}

/// A profile that an admin has written, its faults named as fields of the member.
async fn check_profile<W: World>(
    app: &App<W>,
    session: &Session,
    profile: Map<String, Value>,
) -> Result<Result<Profile, Vec<FieldError>>, Failure> {
    let checked = match Profile::parse(profile) {
        Ok(profile) => check_agents(app, session, &profile).await?.map(|()| profile),
        Err(faults) => Err(faults),
    };
    let of_member =
        |fault: FieldError| FieldError { field: format!("profile.{}", fault.field), message: fault.message };
    Ok(checked.map_err(|faults| faults.into_iter().map(of_member).collect()))
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

/// Replaces a member by what `edit` makes of it; retried when another writer was faster. It holds from the next call.
///
/// # Errors
/// [`Failure`].
pub(super) async fn change<W: World>(
    app: &App<W>,
    session: &Session,
    id: &str,
    edit: impl Fn(&Member) -> Member + Send + Sync,
) -> Result<Member, Failure> {
    retry(app, || change_once(app, session, id, &edit)).await
}

async fn change_once<W: World>(
    app: &App<W>,
    session: &Session,
    id: &str,
    edit: &(impl Fn(&Member) -> Member + Send + Sync),
) -> Result<Member, Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let read = get(app, session, id).await?;
    let mut next = edit(&read);
    if next == read {
        return Ok(read);
    }
    next.updated_at = written_at(app.world.now(), Some(read.updated_at));
    let (before, after) = (Some(logged(&read)), Some(logged(&next)));
    let change = app.change(session.actor(), Action::Update, Subject::Member, next.id, before, after);
    let write = tenant.update_member(&next, &read, &change);
    let written = app.write_through(session.account.id, write).await;
    written.map_err(|error| Failure::of_write(error, Thing::Member))?;
    Ok(next)
}

/// Removes the member; its keys fail from the next call.
///
/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(app: &App<W>, session: &Session, id: &str) -> Result<(), Failure> {
    retry(app, || delete_once(app, session, id)).await
}

async fn delete_once<W: World>(app: &App<W>, session: &Session, id: &str) -> Result<(), Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let read = get(app, session, id).await?;
    let before = Some(logged(&read));
    let change = app.change(session.actor(), Action::Delete, Subject::Member, read.id, before, None);
    let deleted = app.write_through(session.account.id, tenant.delete_member(&read, &change)).await;
    deleted.map_err(|error| Failure::of_write(error, Thing::Member))
}

/// A state of a member for the change log.
fn logged(member: &Member) -> Value {
    json!({
        "name": member.name, "email": member.email, "role": member.role, "profile": member.profile,
        "inactive_at": member.inactive_at,
    })
}
