//! The account's change log, as it is read.

use crate::domain::account::Role;
use crate::domain::change::{Change, Subject};
use crate::domain::declared::Facts;
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::ChangeId;
use crate::domain::scope::Scope;
use crate::ports::{AgentRef, Agents, Changes, ChangesOf, Directory, Sight, World};

use super::App;
use super::authenticate::Session;
use super::failure::Failure;
use super::page::{Page, Request};

/// Which lines are asked for, as it was written.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub subject: Option<String>,
    pub id: Option<String>,
}

impl Filter {
    fn parse(self, known: &[Subject]) -> Result<ChangesOf, Failure> {
        let mut errors = FieldErrors::default();
        let subject = self.subject.as_deref().map(|word| {
            let words = || known.iter().map(Subject::as_str).collect::<Vec<_>>().join(", ");
            let asked = word.trim().to_lowercase().replace('_', "-");
            let is_asked = |known: &&Subject| known.as_str().replace('_', "-") == asked;
            let found = known.iter().find(is_asked).cloned();
            errors.take("subject", found.ok_or_else(|| format!("must be one of {}", words())))
        });
        if self.id.is_some() && subject.is_none() {
            errors.add("id", "needs subject: say of what kind the thing is");
        }
        errors.finish()?;
        Ok(match (subject.flatten(), self.id) {
            (None, _) => ChangesOf::Everything,
            (Some(subject), None) => ChangesOf::Every(subject),
            (Some(subject), Some(id)) => ChangesOf::One(subject, id),
        })
    }
}

/// With an agent's id in place of its slug: lines have ids.
async fn by_id(tenant: &impl Agents, of: ChangesOf) -> Result<ChangesOf, Failure> {
    let ChangesOf::One(subject, name) = &of else { return Ok(of) };
    match AgentRef::parse(name) {
        Some(slug @ AgentRef::Slug(_)) if *subject == Subject::AGENT => {
            let found = tenant.agent(&slug).await?;
            let found = match found {
                None => tenant.archived_agent(&slug).await?,
                in_use => in_use,
            };
            Ok(found.map_or(of, |agent| ChangesOf::One(Subject::AGENT, agent.id.to_string())))
        }
        _ => Ok(of),
    }
}

/// What a line can be of.
fn subjects<W: World>(app: &App<W>) -> Vec<Subject> {
    let kinds = app.kinds().into_iter().map(|kind| Subject::of(kind.facts()));
    Subject::OTHERS.into_iter().chain(kinds).collect()
}

/// What this key sees: of people and keys, as far as it may not read them, only its own.
fn sight<W: World>(app: &App<W>, session: &Session) -> Sight {
    let key = &session.key;
    let is_open = |facts: &Facts| match facts.readers {
        Role::Caller | Role::Member => true,
        Role::Admin => {
            key.may(Scope::of_collection(facts.plural, false).unwrap_or(Scope::ConfigurationWrite))
        }
    };
    let kinds = app.kinds();
    let closed = kinds.iter().map(|kind| kind.facts()).filter(|facts| !is_open(facts)).map(Subject::of);
    let keys = (!key.may(Scope::KeysRead)).then_some(Subject::KEY);
    Sight { hidden: closed.chain(keys).collect(), member: key.member, key: key.id }
}

/// Newest first.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: &Session,
    filter: Filter,
    page: &Request,
) -> Result<Page<Change>, Failure> {
    let cut = page.parse(ChangeId::parse)?;
    let tenant = app.world.directory().tenant(session.account.id);
    let of = by_id(&tenant, filter.parse(&subjects(app))?).await?;
    let (rows, more) = tenant.changes(cut.limit(), cut.after, &of, &sight(app, session)).await?;
    let next_cursor = rows.last().filter(|_| more).map(|change| change.id.to_string());
    Ok(Page { rows, next_cursor })
}
