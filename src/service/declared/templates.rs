//! Templates: the platform's, which its operator writes, and each account's own, which win by slug. Without a session it
//! is the operator who asks.

use serde_json::{Map, Value, json};

use crate::domain::agent::{Fields, Known, Sealer, Secrets, Unknown, spelling};
use crate::domain::alias;
use crate::domain::change::Change;
use crate::domain::declared::{Facts, templates};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::model_line::ModelLine;
use crate::domain::slug::Slug;
use crate::domain::template::{self, Source, Template, Understood};
use crate::domain::time::Millis;
use crate::ports::{Aliases as _, Directory, PlatformTemplates as _, Templates as _, World, WriteError};
use crate::service::App;
use crate::service::agents;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::service::page::{Cut, Page};

use super::kind::{Context, Kind, Query, Write};

/// The most characters of a template's description.
const MAX_DESCRIPTION: usize = 2_000;

/// The kind.
#[derive(Debug)]
pub struct Templates;

impl Kind for Templates {
    type Name = Slug;
    type Row = (Template, Source);
    type Body = templates::Body;
    type Draft = templates::Body;
    type View = templates::View;

    fn facts() -> &'static Facts {
        &templates::FACTS
    }

    fn name(text: &str) -> Option<Slug> {
        Slug::parse(text).ok()
    }

    fn check(name: &str, body: templates::Body) -> Result<(Slug, templates::Body), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let slug = errors.take("template", Slug::parse(name));
        if body.agent.is_some() && body.definition.is_some() {
            errors.add("agent", "give either an agent or a definition");
        }
        Ok((errors.finish_with(slug)?, body))
    }

    fn view((template, source): &Self::Row) -> templates::View {
        templates::View::of(template, *source)
    }

    fn body((template, _): &Self::Row) -> Value {
        templates::body(template)
    }

    fn logged((template, _): &Self::Row) -> Value {
        templates::logged(template)
    }

    /// Of two secrets that are shown alike it says that they are not the same.
    fn annotate((read, _): &Self::Row, (row, _): &Self::Row) -> Option<(&'static str, Value)> {
        (read.secrets != row.secrets).then_some(("secrets_changed", Value::Bool(true)))
    }

    fn is_same(read: &Self::Row, row: &Self::Row) -> bool {
        Self::logged(read) == Self::logged(row) && read.0.secrets == row.0.secrets
    }

    fn is_own<W: World>(cx: &Context<'_, W>, (_, source): &Self::Row) -> bool {
        *source == owner(cx)
    }

    fn name_of((template, _): &Self::Row) -> String {
        template.slug.to_string()
    }

    fn updated_at((template, _): &Self::Row) -> Millis {
        template.updated_at
    }

    async fn find<W: World>(cx: &Context<'_, W>, slug: &Slug) -> Result<Option<Self::Row>, Failure> {
        let directory = cx.app.world.directory();
        Ok(match cx.session {
            None => directory.platform_template(slug).await?.map(|found| (found, Source::Platform)),
            Some(session) => directory.tenant(session.account.id).template(slug).await?,
        })
    }

    async fn list<W: World>(cx: &Context<'_, W>, query: &Query) -> Result<Page<Self::Row>, Failure> {
        let cut: Cut<Slug> = query.page.parse(|cursor| Slug::parse(cursor).ok())?;
        let after = cut.after.as_ref().map_or("", Slug::as_str);
        let directory = cx.app.world.directory();
        let rows = match cx.session {
            Some(session) => directory.tenant(session.account.id).templates(cut.fetch(), after).await?,
            None => {
                let rows = directory.platform_templates(cut.fetch(), after).await?;
                rows.into_iter().map(|template| (template, Source::Platform)).collect()
            }
        };
        Ok(cut.page(rows, Self::name_of))
    }

    async fn make<W: World>(
        cx: &Context<'_, W>,
        slug: &Slug,
        draft: &templates::Body,
        read: Option<&Self::Row>,
        at: Millis,
    ) -> Result<Self::Row, Failure> {
        let mut draft = draft.clone();
        let world = &cx.app.world;
        let master = world.settings().master();
        let sealer = Sealer {
            account: cx.session.map(|session| session.account.id),
            master: master.as_ref().map_err(|error| *error),
            nonce: &|| world.random(),
            loopback: world.settings().loopback(),
            unknown: Unknown::Awaited,
        };
        let mut stored = read.map(|(template, _)| template.secrets.clone()).unwrap_or_default();
        let Some(session) = cx.session else {
            if draft.agent.is_some() {
                let message = "is an account's: give the platform's template its definition";
                return Err(Failure::invalid("agent", message));
            }
            let nothing = Known {
                alias: &|_| None,
                variable: &|_| false,
                webhook: &|_| false,
                loopback: cx.app.world.settings().loopback(),
            };
            return Ok((understand(slug, draft, &nothing, (&sealer, &stored), at)?, Source::Platform));
        };
        if let Some(agent) = draft.agent.take() {
            stored = save_agent_as(cx.app, session, &agent, &mut draft).await?;
        }
        let faults = match &mut draft.definition {
            Some(definition) => in_our_words(cx, session, definition).await?,
            None => Vec::new(),
        };
        let tenant = cx.tenant()?;
        let line = draft.definition.as_ref().and_then(|fields| fields.get("model")?.as_str());
        let mut aliases = cx.coming.to_vec();
        aliases.extend(tenant.aliases_named(&ModelLine::aliases_in(line)).await?);
        let alias = |name: &str| alias::line_of(&aliases, name);
        let variable = |name: &str| session.account.variables.contains_key(name);
        // Whether the account has them is asked when an agent is made of it.
        let webhook = |_: &str| true;
        let loopback = cx.app.world.settings().loopback();
        let known = Known { alias: &alias, variable: &variable, webhook: &webhook, loopback };
        let mut errors = FieldErrors::default();
        errors.join(Err(faults));
        let template = match understand(slug, draft, &known, (&sealer, &stored), at) {
            Ok(template) => Some(template),
            Err(Failure::Invalid(faults)) => {
                errors.join_new(Err(faults));
                None
            }
            Err(failure) => return Err(failure),
        };
        Ok((errors.finish_with(template)?, Source::Account))
    }

    async fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Self::Row>,
        change: &Change,
    ) -> Result<(), WriteError> {
        if cx.session.is_none() {
            return write_platform(cx.app, write).await;
        }
        let tenant = cx.tenant_to_write()?;
        match write {
            Write::Put { row, read } => tenant.put_template(&row.0, read.map(Self::updated_at), change).await,
            Write::Delete { read } => tenant.delete_template(&read.0.slug, read.0.updated_at, change).await,
        }
    }
}

/// A definition as people write it, in our words, with its models found; what does not fit.
async fn in_our_words<W: World>(
    cx: &Context<'_, W>,
    session: &Session,
    definition: &mut Map<String, Value>,
) -> Result<Vec<FieldError>, Failure> {
    let mut faults = spelling::ours(definition).map_err(template::inside).err().unwrap_or_default();
    if let Some(Value::String(line)) = definition.get("model") {
        match agents::line_of(cx.app, session.account.id, "definition.model", line, cx.coming).await {
            Ok(found) => {
                definition.insert("model".to_owned(), found.into());
            }
            Err(Failure::Invalid(more)) => faults.extend(more),
            Err(failure) => return Err(failure),
        }
    }
    Ok(faults)
}

/// Whose templates are written.
const fn owner<W: World>(cx: &Context<'_, W>) -> Source {
    if cx.session.is_some() { Source::Account } else { Source::Platform }
}

async fn write_platform<W: World>(
    app: &App<W>,
    write: Write<'_, (Template, Source)>,
) -> Result<(), WriteError> {
    let directory = app.world.directory();
    match write {
        Write::Put { row, read } => {
            directory.put_platform_template(&row.0, read.map(Templates::updated_at)).await
        }
        Write::Delete { read } => directory.delete_platform_template(&read.0.slug, read.0.updated_at).await,
    }
}

/// Fills a draft with what an agent has, whose secrets these are.
async fn save_agent_as<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    draft: &mut templates::Body,
) -> Result<Secrets, Failure> {
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
    Ok(agent.definition.secrets)
}

/// Checks everything about a template but its slug.
fn understand(
    slug: &Slug,
    draft: templates::Body,
    known: &Known<'_>,
    (sealer, stored): (&Sealer<'_>, &Secrets),
    at: Millis,
) -> Result<Template, Failure> {
    let mut errors = FieldErrors::default();
    let definition = match &draft.definition {
        None => {
            errors.add(
                "definition",
                "is required: the fields of an agent; or name an agent to save as a template",
            );
            None
        }
        Some(definition) => match template::understand(definition, known, sealer, stored) {
            Ok(definition) => Some(definition),
            Err(faults) => {
                errors.join(Err(faults));
                None
            }
        },
    };
    let name =
        draft.name.or_else(|| definition.as_ref()?.definition.get("name")?.as_str().map(str::to_owned));
    let name = name.unwrap_or_else(|| slug.to_string());
    errors.name("name", &name);
    if let Some(description) = &draft.description {
        errors.length("description", description, 1, MAX_DESCRIPTION);
    }
    let Understood { definition, secrets } = errors.finish_with(definition)?;
    Ok(Template {
        slug: slug.clone(),
        name,
        description: draft.description,
        definition,
        secrets: secrets.map_err(Failure::Vault)?,
        is_deprecated: draft.deprecated.unwrap_or_default(),
        updated_at: at,
    })
}

/// The fields of an agent over those of the template that they name, if they name one, and the template's secrets.
///
/// # Errors
/// [`Failure::Invalid`] when `template` names none.
pub(in crate::service) async fn fill<W: World>(
    app: &App<W>,
    session: &Session,
    fields: &Map<String, Value>,
) -> Result<(Map<String, Value>, Secrets), Failure> {
    let Some(named) = fields.get("template").filter(|named| !named.is_null()) else {
        return Ok((fields.clone(), Secrets::default()));
    };
    let unknown = || Failure::invalid("template", "is no template here: GET …/templates lists them");
    let named =
        named.as_str().ok_or_else(|| Failure::invalid("template", "must be a string: a template's slug"))?;
    let slug = Slug::parse(named).map_err(|_| unknown())?;
    let tenant = app.world.directory().tenant(session.account.id);
    let (template, _) = tenant.template(&slug).await?.ok_or_else(unknown)?;
    let mut over = fields.clone();
    over.remove("template");
    let mut filled = template.definition;
    crate::domain::agent::merge(&mut filled, over);
    Ok((filled, template.secrets))
}
