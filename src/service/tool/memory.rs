//! What an agent does with memories: `remember`, `recall`, `forget`. It has those that its `memory` allows; their calls reach
//! the memories of the run's user and of the account's work, and nobody else's.

use serde::Deserialize;
use serde_json::json;

use crate::domain::agent::Kinds;
use crate::domain::agent::Memory as Allowed;
use crate::domain::dispatch::command::Whose;
use crate::domain::ids::{AccountId, MemoryId};
use crate::domain::json;
use crate::domain::memory::command::{Answer, Command, Make};
use crate::domain::memory::draft::{Draft, MAX_TEXT};
use crate::domain::memory::notes::{block, chosen};
use crate::domain::memory::shelf::Reach;
use crate::domain::memory::{Kind, Source};
use crate::domain::run::tool::Effect;
use crate::domain::thread::id::EntryId;
use crate::ports::{Unavailable, World};
use crate::service::App;
use crate::service::memories::recall::recall;
use crate::service::memories::{Remembered, ask, remember};
use crate::service::unexpected::name_of;
use crate::service::users;

/// The most tokens of an answer to `recall`, about.
const RECALLED_TOKENS: u32 = 2_000;

/// A tool on memories, as far as an agent has it in a run.
#[derive(Clone, Copy, Debug)]
pub struct MemoryTool {
    what: What,
    /// The kinds that there are for it.
    kinds: Kinds,
    allowed: Allowed,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Remember,
    Recall,
    Forget,
}

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub account: AccountId,
    pub agent: crate::domain::ids::AgentId,
    pub call: EntryId,
    pub reach: &'a Reach,
}

/// What a call has done.
#[derive(Debug)]
pub struct Done {
    /// For the model.
    pub text: String,
    /// What was written or deleted.
    pub memory: Option<MemoryId>,
}

/// Why a call has done nothing.
#[derive(Debug)]
pub enum Error {
    /// Words for the model.
    Failed(String),
    /// It may be made later.
    NotMade(String),
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        Self::NotMade(error.to_string())
    }
}

#[derive(Deserialize)]
struct Remember {
    text: String,
    about: Kind,
    replaces: Option<String>,
}

#[derive(Deserialize)]
struct Query {
    query: String,
}

#[derive(Deserialize)]
struct Forget {
    id: String,
}

/// The names that an agent with these memories has for tools of ours.
pub fn names(allowed: Allowed) -> impl Iterator<Item = &'static str> {
    whats(allowed).map(What::name)
}

fn whats(allowed: Allowed) -> impl Iterator<Item = What> {
    let writes = !allowed.write.is_none();
    let all = [(What::Remember, writes), (What::Recall, !allowed.read.is_none()), (What::Forget, writes)];
    all.into_iter().filter_map(|(what, is_allowed)| is_allowed.then_some(what))
}

/// The tools of an agent in a run that has this reach.
pub fn offered(allowed: Allowed, reach: Option<&Reach>) -> impl Iterator<Item = MemoryTool> {
    let of = move |kinds: Kinds| -> Kinds {
        kinds.each().filter(|kind| reach.is_some_and(|reach| reach.shelf(*kind).is_some())).collect()
    };
    let tools = whats(allowed).map(move |what| {
        let kinds = if matches!(what, What::Recall) { allowed.read } else { allowed.write };
        MemoryTool { what, kinds: of(kinds), allowed }
    });
    tools.filter(|tool| !tool.kinds.is_none())
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Remember => "remember",
            Self::Recall => "recall",
            Self::Forget => "forget",
        }
    }
}

impl MemoryTool {
    pub const fn name(&self) -> &'static str {
        self.what.name()
    }

    pub const fn description(&self) -> &'static str {
        match self.what {
            What::Remember => {
                "Remembers a fact for later conversations: one short sentence that can be understood by itself. `about` says \
                 whether it is known of this user, or was learned about the work and holds for every user. `replaces` is the id \
                 of a memory that is not true any more. No passwords or keys."
            }
            What::Recall => "Looks for what is remembered from earlier conversations, by words.",
            What::Forget => "Deletes a memory for good, by its id.",
        }
    }

    /// The JSON Schema of its arguments.
    pub fn parameters(&self) -> String {
        let text = |about: &str| json!({ "type": "string", "description": about });
        let (properties, required) = match self.what {
            What::Remember => {
                let about: Vec<&str> = self.kinds.each().map(Kind::name).collect();
                let properties = json!({
                    "text": { "type": "string", "maxLength": MAX_TEXT }, "about": { "type": "string", "enum": about },
                    "replaces": text("The id of a memory."),
                });
                (properties, json!(["text", "about"]))
            }
            What::Recall => (json!({ "query": text("Words that stand in it.") }), json!(["query"])),
            What::Forget => (json!({ "id": text("The id of a memory.") }), json!(["id"])),
        };
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
            .to_string()
    }

    pub const fn effect(&self) -> Effect {
        match self.what {
            What::Recall => Effect::Pure,
            What::Remember | What::Forget => Effect::Idempotent,
        }
    }

    /// Does it. The same call again does nothing more.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn call<W: World>(&self, app: &App<W>, by: By<'_>, arguments: &str) -> Result<Done, Error> {
        match self.what {
            What::Remember => self.remember(app, by, read(arguments)?).await,
            What::Recall => self.recall(app, by, read(arguments)?).await,
            What::Forget => self.forget(app, by, read(arguments)?).await,
        }
    }

    async fn remember<W: World>(&self, app: &App<W>, by: By<'_>, said: Remember) -> Result<Done, Error> {
        let about = said.about;
        let shelf = by.reach.shelf(about).filter(|_| self.kinds.has(about));
        let shelf = shelf
            .ok_or_else(|| failed(&format!("Nothing can be remembered about `{}` here.", about.name())))?;
        let draft = Draft::of(said.text.trim());
        draft.check().map_err(|errors| {
            let words: Vec<String> =
                errors.iter().map(|error| format!("`{}` {}.", error.field, error.message)).collect();
            failed(&format!("Not remembered: {}", words.join(" ")))
        })?;
        let replaces = said.replaces.filter(|id| !id.trim().is_empty());
        let supersedes = replaces.as_deref().map(parse).transpose()?;
        let source = Source { run: Some(by.call.run), agent: Some(by.agent), key: None };
        let make =
            Make { id: Some(MemoryId::of_call(by.call)), draft, source, supersedes, is_again_only: false };
        let answer = match remember(app, by.account, &shelf, make).await? {
            Remembered::Answered(answer) => answer,
            Remembered::PlanFull(most) => {
                return Err(failed(&format!(
                    "Not remembered: the account's plan has room for {most} memories, and there are as many. Forget some first."
                )));
            }
        };
        match answer {
            Answer::Made { memory, is_new } => {
                let text = if is_new { "Remembered" } else { "This is remembered already" };
                Ok(Done { text: format!("{text}, as {}.", memory.id), memory: Some(memory.id) })
            }
            Answer::NotFound => Err(failed("Not remembered: there is no memory of the id in `replaces`.")),
            Answer::Superseded(by) => Err(failed(&format!(
                "Not remembered: that memory was replaced already, by {by}. Replace that one."
            ))),
            Answer::Full(most) => {
                Err(failed(&format!("Not remembered: there are {most} memories already. Forget some first.")))
            }
            Answer::Gone => Err(failed("It was deleted meanwhile, and is not remembered again.")),
            other => Err(Error::NotMade(format!("a knowledge object answered {}", name_of(&other)))),
        }
    }

    async fn recall<W: World>(&self, app: &App<W>, by: By<'_>, said: Query) -> Result<Done, Error> {
        let found = recall(app, by.account, (self.allowed, by.reach), &said.query).await;
        if found.fitting.is_empty() && !found.missing.is_empty() {
            return Err(Error::NotMade("the memories could not be reached".to_owned()));
        }
        let with_id = !self.allowed.write.is_none();
        let notes = chosen(found.fitting, RECALLED_TOKENS, with_id);
        let text = match block(&notes, with_id) {
            text if text.is_empty() => "Nothing is remembered of that.".to_owned(),
            text => text,
        };
        Ok(Done { text, memory: None })
    }

    async fn forget<W: World>(&self, app: &App<W>, by: By<'_>, said: Forget) -> Result<Done, Error> {
        let id = parse(&said.id)?;
        for shelf in self.kinds.each().filter_map(|kind| by.reach.shelf(kind)) {
            if let Some(user) = shelf.user()
                && !users::may_go(app, by.account, Whose::User(user.to_owned())).await?
            {
                return Err(failed("Not forgotten: there is a legal hold on this user."));
            }
            match ask(app, by.account, &shelf, Command::Delete(id, None)).await? {
                Answer::Deleted(_) => return Ok(Done { text: "Forgotten.".to_owned(), memory: Some(id) }),
                Answer::NotFound => {}
                other => {
                    return Err(Error::NotMade(format!("a knowledge object answered {}", name_of(&other))));
                }
            }
        }
        // So it is also where the call is made once more.
        Ok(Done { text: "There is no memory of this id any more.".to_owned(), memory: None })
    }
}

fn failed(words: &str) -> Error {
    Error::Failed(words.to_owned())
}

fn parse(id: &str) -> Result<MemoryId, Error> {
    MemoryId::parse(id.trim())
        .ok_or_else(|| failed("A memory's id looks like 01a1fdfa-4600-8202-8202-020202020202."))
}

fn read<T: serde::de::DeserializeOwned>(arguments: &str) -> Result<T, Error> {
    if let Ok(read) = serde_json::from_str(arguments) {
        return Ok(read);
    }
    let value = serde_json::from_str(arguments).map_err(|_| failed("The arguments are not JSON."))?;
    json::read(&value).map_err(|errors| {
        let words: Vec<String> =
            errors.iter().map(|error| format!("`{}` {}.", error.field, error.message)).collect();
        failed(&words.join(" "))
    })
}
