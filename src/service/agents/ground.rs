//! What an agent's definition is checked against: the account's aliases, variables and other agents.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::account::Account;
use crate::domain::agent::{Agent, Definition, Draft, Known, MAX_HANDOFFS, Sealer, Unknown};
use crate::domain::alias::{self, Alias};
use crate::domain::declared::webhooks;
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::model::Capabilities;
use crate::domain::model_line::ModelLine;
use crate::domain::model_name::Catalogue;
use crate::domain::outbound::Loopback;
use crate::domain::slug::Slug;
use crate::domain::vault::{self, MasterKey};
use crate::ports::{AgentRef, Agents, Aliases, Declarations, Directory, Models, Unavailable, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

/// The most models that a name is looked up among: the catalogue has a few hundred.
const MAX_MODELS: u32 = 5_000;

pub struct Ground {
    account: Account,
    loopback: Loopback,
    master: Result<MasterKey, vault::Error>,
    /// What masks are that stand for nothing.
    unknown: Unknown,
    aliases: Vec<Alias>,
    /// Empty where every line is written as `provider:code` and aliases.
    catalogue: Catalogue,
    webhooks: BTreeSet<String>,
    /// Those of the names asked for that are agents in use.
    ids: BTreeSet<AgentId>,
    slugs: BTreeMap<Slug, AgentId>,
}

impl Ground {
    /// What these names of agents and the aliases in these model lines stand for.
    pub async fn read<W: World>(
        app: &App<W>,
        session: &Session,
        names: &[String],
        lines: &[&str],
    ) -> Result<Self, Failure> {
        let tenant = app.world.directory().tenant(session.account.id);
        let names: Vec<AgentRef> = names.iter().filter_map(|name| AgentRef::parse(name)).collect();
        let agents = if names.is_empty() { Vec::new() } else { tenant.agents_named(&names).await? };
        let aliases = tenant.aliases_named(&ModelLine::names_in(lines.iter().copied())).await?;
        let catalogue = match lines.iter().all(|line| line.is_empty() || is_written(line, &aliases)) {
            true => Catalogue::default(),
            false => catalogue(&tenant).await?,
        };
        let webhooks = tenant.declared_names(&webhooks::FACTS).await?;
        Ok(Self {
            account: session.account.clone(),
            loopback: app.world.settings().loopback(),
            master: app.world.settings().master(),
            unknown: Unknown::Refused,
            aliases,
            catalogue,
            webhooks,
            ids: agents.iter().map(|(id, _)| *id).collect(),
            slugs: agents.into_iter().map(|(id, slug)| (slug, id)).collect(),
        })
    }

    /// With these agents besides, which come before others of their slugs.
    pub fn with(mut self, agents: impl IntoIterator<Item = (Slug, AgentId)>) -> Self {
        self.slugs.extend(agents);
        self
    }

    /// For files: a mask that stands for nothing is a secret that is yet to be given.
    pub fn awaiting_secrets(self) -> Self {
        Self { unknown: Unknown::Awaited, ..self }
    }

    /// The draft with its models and hand-off targets found and its secrets sealed; `own` is the agent's id when it has one.
    /// The secrets that it has stand for the masks in it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with every field that does not fit, [`Failure::Vault`].
    pub fn check<W: World>(&self, world: &W, draft: Draft, own: Option<AgentId>) -> Result<Draft, Failure> {
        self.check_beside(world, draft, own, None)
    }

    /// The same of an agent that there is, whose secrets stand for the masks. The line and the webhooks that it has stay as they
    /// are, though what they name may be gone since.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with every field that does not fit, [`Failure::Vault`].
    pub fn check_over<W: World>(&self, world: &W, mut draft: Draft, read: &Agent) -> Result<Draft, Failure> {
        draft.definition.secrets.clone_from(&read.definition.secrets);
        self.check_beside(world, draft, Some(read.id), Some(&read.definition))
    }

    fn check_beside<W: World>(
        &self,
        world: &W,
        mut draft: Draft,
        own: Option<AgentId>,
        kept: Option<&Definition>,
    ) -> Result<Draft, Failure> {
        let mut errors = FieldErrors::default();
        let alias = |name: &str| alias::line_of(&self.aliases, name);
        let variable = |name: &str| self.account.variables.contains_key(name);
        let kept_webhooks = kept.map_or(&[][..], |kept| &kept.webhooks);
        let webhook =
            |name: &str| self.webhooks.contains(name) || kept_webhooks.iter().any(|kept| kept == name);
        let loopback = self.loopback;
        let known = Known { alias: &alias, variable: &variable, webhook: &webhook, loopback };
        errors.join(Err(std::mem::take(&mut draft.faults)));
        let kept_lines = [
            kept.is_some_and(|kept| kept.model == draft.definition.model).then_some("model"),
            kept.is_some_and(|kept| kept.embeddings == draft.definition.embeddings).then_some("embeddings"),
        ];
        let is_kept = |field: &str| kept_lines.contains(&Some(field));
        let Definition { model, embeddings, .. } = &mut draft.definition;
        for (field, line) in [("model", Some(model)), ("embeddings", embeddings.as_mut())] {
            let Some(line) = line.filter(|line| !line.is_empty() && !is_kept(field)) else { continue };
            if !is_written(line, &self.aliases) {
                let found = self.catalogue.line(line, |name| alias(name).is_some());
                *line = errors.take(field, found).unwrap_or_else(|| std::mem::take(line));
            }
        }
        let mut faults = draft.definition.check(draft.budget.as_ref(), &known).err().unwrap_or_default();
        faults.retain(|fault| !is_kept(&fault.field));
        errors.join_new(Err(faults));
        draft.definition.handoff_targets = self.targets(&draft.handoff_targets, own, &mut errors);
        let stored = std::mem::take(&mut draft.definition.secrets);
        let sealer = Sealer {
            account: Some(self.account.id),
            master: self.master.as_ref().map_err(|error| *error),
            nonce: &|| world.random(),
            loopback: self.loopback,
            unknown: self.unknown,
        };
        let sealed = sealer.seal(&mut draft.definition.tools, &stored, &mut errors);
        errors.finish()?;
        draft.definition.secrets = sealed.map_err(Failure::Vault)?;
        Ok(draft)
    }

    fn targets(&self, names: &[String], own: Option<AgentId>, errors: &mut FieldErrors) -> Vec<AgentId> {
        if names.len() > MAX_HANDOFFS {
            errors.add("handoff_targets", format!("has at most {MAX_HANDOFFS} entries, has {}", names.len()));
        }
        let mut ids = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            let field = format!("handoff_targets[{i}]");
            match self.find(name) {
                None => errors.add(&field, format!("`{name:.64}` is no agent of this account")),
                Some(id) if own == Some(id) => {
                    errors.add(&field, format!("`{name:.64}` is the agent itself"))
                }
                Some(id) if ids.contains(&id) => errors.add(&field, "stands twice"),
                Some(id) => ids.push(id),
            }
        }
        ids
    }

    pub fn find(&self, name: &str) -> Option<AgentId> {
        match AgentRef::parse(name)? {
            AgentRef::Id(id) => self.ids.get(&id).copied(),
            AgentRef::Slug(slug) => self.slugs.get(&slug).copied(),
        }
    }
}

/// Whether a line can be taken as it is written.
fn is_written(line: &str, aliases: &[Alias]) -> bool {
    ModelLine::parse(line).and_then(|line| line.expand(|name| alias::line_of(aliases, name))).is_ok()
}

/// A model line as it is kept, of one as people write it; `coming` are aliases before the account's own.
///
/// # Errors
/// [`Failure::Invalid`] on this field, when it names no models and no aliases of the account.
pub async fn line_of<W: World>(
    app: &App<W>,
    account: AccountId,
    field: &str,
    line: &str,
    coming: &[Alias],
) -> Result<String, Failure> {
    let tenant = app.world.directory().tenant(account);
    let mut aliases = coming.to_vec();
    aliases.extend(tenant.aliases_named(&ModelLine::names_in([line])).await?);
    if is_written(line, &aliases) {
        return Ok(line.to_owned());
    }
    let is_alias = |name: &str| alias::line_of(&aliases, name).is_some();
    let found = catalogue(&tenant).await?.line(line, is_alias);
    let found = found.map_err(|unknown| Failure::invalid(field, &unknown.to_string()))?;
    match ModelLine::parse(&found).and_then(|line| line.expand(|name| alias::line_of(&aliases, name))) {
        Ok(_) => Ok(found),
        Err(error) => Err(Failure::invalid(field, &error.to_string())),
    }
}

/// What models are named by.
pub(super) async fn catalogue(tenant: &impl Models) -> Result<Catalogue, Unavailable> {
    let models = tenant.models(MAX_MODELS, None, Capabilities::default()).await?;
    let offered = models.into_iter().filter(|(model, _)| !model.is_retired);
    Ok(Catalogue::new(offered.map(|(model, _)| (model.provider, model.code))))
}
