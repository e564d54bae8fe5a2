//! An agent's versions: reading, comparing, going back.

use super::ground::Ground;
use super::{Change, IfMatch, change, get};
use crate::domain::agent::{Agent, Definition, Draft, FieldChange, difference};
use crate::domain::change::Action;
use crate::domain::ids::AgentId;
use crate::ports::{AgentRef, AgentVersions, Agents, Directory, Version, VersionLine, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::service::page::{Page, Request};

/// What a path can ask for of an agent's versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// `3`.
    One(u32),
    /// `1..3`: what is different in the second.
    Between(u32, u32),
}

impl Span {
    /// `None` when the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once("..") {
            None => number(text).map(Self::One),
            Some((from, to)) => Some(Self::Between(number(from)?, number(to)?)),
        }
    }
}

/// Digits alone; a number that no version can have is one that there is not.
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(0))
}

/// What is different between two versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub from: u32,
    pub to: u32,
    pub changes: Vec<FieldChange>,
}

/// The agent's id with them, newest first; by id also those of an archived agent.
///
/// # Errors
/// [`Failure`].
pub async fn versions<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    page: &Request,
) -> Result<(AgentId, Page<VersionLine>), Failure> {
    let cut = page.parse(number)?;
    let id = id_ever(app, session, agent).await?;
    let tenant = app.world.directory().tenant(session.account.id);
    let rows = tenant.versions(id, cut.fetch(), cut.after).await?;
    Ok((id, cut.page(rows, |line| line.version.to_string())))
}

/// # Errors
/// [`Failure`].
pub async fn version<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    version: u32,
) -> Result<(AgentId, Version), Failure> {
    let id = id_ever(app, session, agent).await?;
    snapshots(app, session, id, [version; 2]).await.map(|(version, _)| (id, version))
}

/// # Errors
/// [`Failure`].
pub async fn compare<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    [from, to]: [u32; 2],
) -> Result<Difference, Failure> {
    let id = id_ever(app, session, agent).await?;
    let (before, after) = snapshots(app, session, id, [from, to]).await?;
    Ok(Difference { from, to, changes: difference(&before.definition, &after.definition) })
}

/// Makes the agent's definition what it was in `version`, as its next version, if it could be saved so today; with the newest
/// values of its secrets. One that is so already stays.
///
/// # Errors
/// [`Failure::Invalid`] when that version names what the account has no more; and the others.
pub async fn rollback<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    version: u32,
    if_match: &IfMatch,
) -> Result<Agent, Failure> {
    let id = get(app, session, agent).await?.id;
    let (then, _) = snapshots(app, session, id, [version; 2]).await?;
    let then = then.definition;
    let targets: Vec<String> = then.handoff_targets.iter().map(AgentId::to_string).collect();
    let edit = |read: &Agent, ground: &Ground| {
        let mut then = then.clone();
        then.renew_secrets(&read.definition.secrets);
        if read.definition == then {
            return Ok(read.clone());
        }
        let draft = Draft {
            faults: Vec::new(),
            slug: None,
            definition: Definition { handoff_targets: Vec::new(), ..then },
            handoff_targets: targets.clone(),
            labels: Vec::new(),
            budget: read.budget,
            status: read.status,
        };
        let definition = ground.check(&app.world, draft, Some(read.id))?.definition;
        Ok(Agent { definition, ..read.clone() })
    };
    let needs = |_: &Agent| Ok((targets.clone(), then.model.clone()));
    change(app, session, &id.to_string(), Change { action: Action::Rollback, if_match, needs, edit }).await
}

async fn id_ever<W: World>(app: &App<W>, session: &Session, agent: &str) -> Result<AgentId, Failure> {
    let named = AgentRef::parse(agent).ok_or(Failure::Missing(Thing::Agent))?;
    let id = app.world.directory().tenant(session.account.id).agent_ever(&named).await?;
    id.ok_or(Failure::Missing(Thing::Agent))
}

/// Two versions in the order they are asked for.
async fn snapshots<W: World>(
    app: &App<W>,
    session: &Session,
    agent: AgentId,
    wanted: [u32; 2],
) -> Result<(Version, Version), Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let found = tenant.snapshots(agent, wanted).await?;
    let [from, to] = wanted.map(|number| found.iter().find(|version| version.version == number).cloned());
    from.zip(to).ok_or(Failure::Missing(Thing::Version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_version_or_two() {
        assert_eq!(Span::parse("3"), Some(Span::One(3)));
        assert_eq!(Span::parse("1..3"), Some(Span::Between(1, 3)));
        assert_eq!(Span::parse("99999999999"), Some(Span::One(0)));
        for text in ["", "..", "1..", "..2", "1...2", "1..2..3", "x", "+1", "-1", "1.5"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
