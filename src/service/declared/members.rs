//! Members: the people of an account.
//!
//! What a member's keys may do follows the member in the same step: a lower role lowers them, the end of the member is
//! theirs.

use serde_json::{Map, Value, json};

use crate::domain::change::Change;
use crate::domain::declared::{Facts, members};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::ids::MemberId;
use crate::domain::member::{Email, Member, Profile, Role, prompt_field};
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{AgentRef, Agents, Members as _, World, WriteError};
use crate::service::App;
use crate::service::failure::{Failure, Thing};
use crate::service::page::Page;
use crate::service::precondition::Precondition;

use super::kind::{Context, Kind, Query, Write};
use super::tag_of_text;

/// The kind.
#[derive(Debug)]
pub struct Members;

/// A member whose fields fit.
#[derive(Debug)]
pub struct Draft {
    name: String,
    role: Role,
    email: Email,
    profile: Profile,
}

impl Kind for Members {
    type Name = MemberId;
    type Row = Member;
    type Body = members::Body;
    type Draft = Draft;
    type View = members::View;

    fn facts() -> &'static Facts {
        &members::FACTS
    }

    fn name(text: &str) -> Option<MemberId> {
        MemberId::parse(text)
    }

    fn new_name<W: World>(app: &App<W>) -> Option<MemberId> {
        Some(MemberId::new(app.world.now(), app.world.random()))
    }

    fn check(name: &str, body: members::Body) -> Result<(MemberId, Draft), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let id = errors.take("member", MemberId::parse(name).ok_or("is no member's id"));
        if let Some(name) = &body.name {
            errors.name("name", name);
        }
        let email = errors.take("email", Email::parse(&body.email));
        let name = body.name.or_else(|| email.as_ref().map(Email::name)).unwrap_or_default();
        let profile = match Profile::parse(body.profile.unwrap_or_default()) {
            Ok(profile) => Some(profile),
            Err(faults) => {
                errors.join(Err(of_member(faults)));
                None
            }
        };
        let ((id, email), profile) = errors.finish_with(id.zip(email).zip(profile))?;
        Ok((id, Draft { name, role: body.role, email, profile }))
    }

    fn view(row: &Member) -> members::View {
        row.into()
    }

    fn body(row: &Member) -> Value {
        json!({"name": row.name, "email": row.email, "role": row.role, "profile": row.profile})
    }

    /// Without the profile: what a member writes for itself is nobody else's to read.
    fn logged(row: &Member) -> Value {
        json!({"name": row.name, "email": row.email, "role": row.role, "inactive_at": row.inactive_at})
    }

    fn annotate(read: &Member, row: &Member) -> Option<(&'static str, Value)> {
        (read.profile != row.profile).then_some(("profile_changed", Value::Bool(true)))
    }

    fn is_same(read: &Member, row: &Member) -> bool {
        Self::logged(read) == Self::logged(row) && read.profile == row.profile
    }

    fn name_of(row: &Member) -> String {
        row.id.to_string()
    }

    fn updated_at(row: &Member) -> Millis {
        row.updated_at
    }

    async fn find<W: World>(cx: &Context<'_, W>, id: &MemberId) -> Result<Option<Member>, Failure> {
        Ok(cx.tenant()?.member(*id).await?)
    }

    async fn list<W: World>(cx: &Context<'_, W>, query: &Query) -> Result<Page<Member>, Failure> {
        let cut = query.page.parse(MemberId::parse)?;
        let rows = cx.tenant()?.members(cut.fetch(), cut.after).await?;
        Ok(cut.page(rows, Self::name_of))
    }

    async fn make<W: World>(
        cx: &Context<'_, W>,
        id: &MemberId,
        draft: &Draft,
        read: Option<&Member>,
        at: Millis,
    ) -> Result<Member, Failure> {
        if read.is_none_or(|read| read.profile != draft.profile) {
            check_agents(cx, &draft.profile).await?.map_err(of_member)?;
        }
        Ok(Member {
            id: *id,
            name: draft.name.clone(),
            email: draft.email.clone(),
            role: draft.role,
            profile: draft.profile.clone(),
            created_at: read.map_or(at, |read| read.created_at),
            updated_at: at,
            inactive_at: read.and_then(|read| read.inactive_at),
        })
    }

    async fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Member>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let tenant = cx.tenant_to_write()?;
        match write {
            Write::Put { row, read: None } => tenant.insert_member(row, change).await,
            Write::Put { row, read: Some(read) } => tenant.update_member(row, read, change).await,
            Write::Delete { read } => tenant.delete_member(read, change).await,
        }
    }
}

/// Faults of a profile, named as fields of the member.
fn of_member(faults: Vec<FieldError>) -> Vec<FieldError> {
    let named =
        |fault: FieldError| FieldError { field: format!("profile.{}", fault.field), message: fault.message };
    faults.into_iter().map(named).collect()
}

/// Notes every prompt whose agent the account does not have.
async fn check_agents<W: World>(
    cx: &Context<'_, W>,
    profile: &Profile,
) -> Result<Result<(), Vec<FieldError>>, Failure> {
    let slugs: Vec<Slug> = profile.prompts().filter_map(|(slug, _)| Slug::parse(slug).ok()).collect();
    if slugs.is_empty() {
        return Ok(Ok(()));
    }
    let names: Vec<AgentRef> = slugs.iter().cloned().map(AgentRef::Slug).collect();
    let found = cx.tenant()?.agents_named(&names).await?;
    let mut errors = FieldErrors::default();
    for slug in slugs.iter().filter(|slug| !found.iter().any(|(_, known)| known == *slug)) {
        errors.add(&prompt_field(slug.as_str()), "is no agent of this account: write the slug of one");
    }
    Ok(errors.finish())
}

/// The entity tag of a profile.
pub fn profile_tag(profile: &Profile) -> String {
    tag_of_text(&json!(profile.shown()).to_string())
}

/// Replaces what a member has set for its own calls; it holds from the next one.
///
/// # Errors
/// [`Failure`]; faults are named as fields of the profile.
pub async fn put_profile<W: World>(
    cx: &Context<'_, W>,
    id: MemberId,
    profile: Map<String, Value>,
    precondition: &Precondition,
) -> Result<Profile, Failure> {
    let profile = Profile::parse(profile)?;
    check_agents(cx, &profile).await??;
    let edited = |read: &Member, at: Millis| {
        precondition
            .check_tag(Thing::Declared(&members::FACTS), Some(|| profile_tag(&read.profile)))
            .map(|()| Member { profile: profile.clone(), updated_at: at, ..read.clone() })
    };
    Ok(super::edit::<Members, W>(cx, &id, edited).await?.profile)
}
