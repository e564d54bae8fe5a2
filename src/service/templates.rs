//! Templates: the platform's, which its operator writes, and each account's own, which win by slug. Without a session it
//! is the operator who asks.
//!
//! No call reads a template, so writing one does not advance the account's epoch.

use serde_json::{Map, Value, json};

use crate::domain::agent::{Fields, Known};
use crate::domain::alias;
use crate::domain::change::{Action, Subject};
use crate::domain::field_error::FieldErrors;
use crate::domain::model_line::ModelLine;
use crate::domain::plan::Feature;
use crate::domain::slug::Slug;
use crate::domain::template::{self, Source, Template};
use crate::ports::{Aliases, Directory, PlatformTemplates, Templates, World};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};
use super::page::{Cut, Page, Request};
use super::{account, agents};

/// The most characters of a template's description.
const MAX_DESCRIPTION: usize = 2_000;

/// A template as it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub name: Option<String>,
    pub description: Option<String>,
    pub is_deprecated: bool,
    /// Fields of an agent …
    pub definition: Option<Map<String, Value>>,
    /// … or the agent whose fields they are.
    pub agent: Option<String>,
}

/// By slug: for an account the platform's with its own over them, for the operator the platform's.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: Option<&Session>,
    page: &Request,
) -> Result<Page<(Template, Source)>, Failure> {
    let cut: Cut<Slug> = page.parse(|cursor| Slug::parse(cursor).ok())?;
    let after = cut.after.as_ref().map_or("", Slug::as_str);
    let directory = app.world.directory();
    let rows = match session {
        Some(session) => directory.tenant(session.account.id).templates(cut.fetch(), after).await?,
        None => {
            let rows = directory.platform_templates(cut.fetch(), after).await?;
            rows.into_iter().map(|template| (template, Source::Platform)).collect()
        }
    };
    Ok(cut.page(rows, |(template, _)| template.slug.to_string()))
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(
    app: &App<W>,
    session: Option<&Session>,
    slug: &str,
) -> Result<(Template, Source), Failure> {
    let missing = Failure::Missing(Thing::Template);
    let directory = app.world.directory();
    let Ok(slug) = Slug::parse(slug) else { return Err(missing) };
    match session {
        None => {
            let found = directory.platform_template(&slug).await?.ok_or(missing)?;
            Ok((found, Source::Platform))
        }
        Some(session) => directory.tenant(session.account.id).template(&slug).await?.ok_or(missing),
    }
}

/// Inserts or replaces the account's own, or for the operator the platform's.
///
/// # Errors
/// [`Failure`].
pub async fn put<W: World>(
    app: &App<W>,
    session: Option<&Session>,
    slug: &str,
    draft: Draft,
) -> Result<(Template, Source), Failure> {
    match session {
        None => put_platform(app, slug, draft).await,
        Some(session) => put_own(app, session, slug, draft).await,
    }
}

async fn put_platform<W: World>(
    app: &App<W>,
    slug: &str,
    draft: Draft,
) -> Result<(Template, Source), Failure> {
    if draft.agent.is_some() {
        return Err(Failure::invalid(
            "agent",
            "is an account's: give the platform's template its definition",
        ));
    }
    let template = understand(app, slug, draft, &Known { alias: &|_| None, variable: &|_| false })?;
    app.world.directory().put_platform_template(&template).await?;
    Ok((template, Source::Platform))
}

async fn put_own<W: World>(
    app: &App<W>,
    session: &Session,
    slug: &str,
    mut draft: Draft,
) -> Result<(Template, Source), Failure> {
    account::require(app, session, Feature::OwnTemplates).await?;
    if let Some(agent) = draft.agent.take() {
        if draft.definition.is_some() {
            return Err(Failure::invalid("agent", "give either an agent or a definition"));
        }
        save_agent_as(app, session, &agent, &mut draft).await?;
    }
    let tenant = app.world.directory().tenant(session.account.id);
    let line = draft.definition.as_ref().and_then(|fields| fields.get("model")?.as_str());
    let aliases = tenant.aliases_named(&ModelLine::aliases_in(line)).await?;
    let alias = |name: &str| alias::line_of(&aliases, name);
    let variable = |name: &str| session.account.variables.contains_key(name);
    let template = understand(app, slug, draft, &Known { alias: &alias, variable: &variable })?;
    let before = match tenant.template(&template.slug).await? {
        Some((before, Source::Account)) => Some(before),
        _ => None,
    };
    if let Some(before) = before.as_ref().filter(|before| is_same(before, &template)) {
        return Ok((before.clone(), Source::Account));
    }
    let action = if before.is_some() { Action::Update } else { Action::Create };
    let (before, after) = (before.as_ref().map(logged), Some(logged(&template)));
    let change = app.change(session.actor(), action, Subject::Template, &template.slug, before, after);
    tenant.put_template(&template, &change).await?;
    Ok((template, Source::Account))
}

/// Fills a draft with what an agent has.
async fn save_agent_as<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    draft: &mut Draft,
) -> Result<(), Failure> {
    let agent = match agents::get(app, session, agent).await {
        Err(Failure::Missing(Thing::Agent)) => {
            return Err(Failure::invalid("agent", "is no agent of this account"));
        }
        found => found?,
    };
    let targets = agents::slugs_of(app, session, std::slice::from_ref(&agent)).await?;
    let targets =
        agent.definition.handoff_targets.iter().filter_map(|id| targets.get(id)).map(Slug::to_string);
    let fields = Fields { slug: None, status: None, ..Fields::of(&agent, targets.collect()) };
    draft.name.get_or_insert_with(|| agent.definition.name.clone());
    draft.description = draft.description.take().or(agent.definition.description);
    draft.definition = match json!(fields) {
        Value::Object(fields) => Some(fields),
        _ => None,
    };
    Ok(())
}

/// Checks everything about a template.
fn understand<W: World>(
    app: &App<W>,
    slug: &str,
    draft: Draft,
    known: &Known<'_>,
) -> Result<Template, Failure> {
    let mut errors = FieldErrors::default();
    let slug = errors.take("template", Slug::parse(slug));
    let definition = match &draft.definition {
        None => {
            errors.add(
                "definition",
                "is required: the fields of an agent; or name an agent to save as a template",
            );
            None
        }
        Some(definition) => match template::understand(definition, known) {
            Ok(definition) => Some(definition),
            Err(faults) => {
                errors.join(Err(faults));
                None
            }
        },
    };
    let name = draft.name.or_else(|| definition.as_ref()?.get("name")?.as_str().map(str::to_owned));
    let name = name.or_else(|| slug.as_ref().map(Slug::to_string));
    if let Some(name) = &name {
        errors.name("name", name);
    }
    if let Some(description) = &draft.description {
        errors.length("description", description, 1, MAX_DESCRIPTION);
    }
    let ((slug, definition), name) = errors.finish_with(slug.zip(definition).zip(name))?;
    Ok(Template {
        slug,
        name,
        description: draft.description,
        definition,
        is_deprecated: draft.is_deprecated,
        updated_at: app.world.now(),
    })
}

fn is_same(one: &Template, other: &Template) -> bool {
    *one == Template { updated_at: one.updated_at, ..other.clone() }
}

fn logged(template: &Template) -> Value {
    json!({
        "name": template.name, "description": template.description, "definition": template.definition,
        "deprecated": template.is_deprecated,
    })
}

/// Deletes the account's own, or for the operator the platform's. Agents made from it go on.
///
/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(app: &App<W>, session: Option<&Session>, slug: &str) -> Result<(), Failure> {
    let missing = Failure::Missing(Thing::Template);
    let directory = app.world.directory();
    let Ok(slug) = Slug::parse(slug) else { return Err(missing) };
    let Some(session) = session else {
        return if directory.delete_platform_template(&slug).await? { Ok(()) } else { Err(missing) };
    };
    let tenant = directory.tenant(session.account.id);
    let before = match tenant.template(&slug).await? {
        None => return Err(missing),
        Some((_, Source::Platform)) => return Err(Failure::PlatformsOwn(Thing::Template)),
        Some((before, Source::Account)) => logged(&before),
    };
    let change = app.change(session.actor(), Action::Delete, Subject::Template, &slug, Some(before), None);
    if tenant.delete_template(&slug, &change).await? { Ok(()) } else { Err(missing) }
}

/// The fields of an agent over those of the template that they name, if they name one.
///
/// # Errors
/// [`Failure::UnknownTemplate`]; [`Failure::Invalid`] when `template` is no string.
pub(super) async fn fill<W: World>(
    app: &App<W>,
    session: &Session,
    fields: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let Some(named) = fields.get("template") else { return Ok(fields.clone()) };
    let unknown = || Failure::UnknownTemplate;
    let named =
        named.as_str().ok_or_else(|| Failure::invalid("template", "must be a string: a template's slug"))?;
    let slug = Slug::parse(named).map_err(|_| unknown())?;
    let tenant = app.world.directory().tenant(session.account.id);
    let (template, _) = tenant.template(&slug).await?.ok_or_else(unknown)?;
    let mut over = fields.clone();
    over.remove("template");
    let mut filled = template.definition;
    crate::domain::agent::merge(&mut filled, over);
    Ok(filled)
}
