//! The bodies of requests to threads and runs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::said::Said;
use super::tools::{self, ToolBody};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::message::Message;
use crate::domain::money::Nanos;
use crate::domain::run::terms::Priority;
use crate::domain::run::tool::ClientTool;
use crate::domain::thread::about::About;
use crate::domain::thread::command::OnBusy;
use crate::domain::thread::id::{EntryId, ThreadName};
use crate::domain::thread::token;
use crate::domain::webhook;
use crate::wire::client::openai;

/// The most bytes of all variables of a run.
const MAX_VARIABLES: usize = 64 * 1_024;
const MAX_REASON: usize = 500;

pub(super) type Faults = Vec<FieldError>;

/// A thread to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewThread, example = json!({"id": "customer-42", "user": "ada"}))]
pub struct CreateBody {
    /// Your own name for it: 1 to 128 of A-Z, a-z, 0-9 and `. _ : -`. The same name is the same thread.
    id: Option<String>,
    /// The end user it belongs to, in your word.
    user: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    labels: Option<Vec<String>>,
    /// Made of the first message when left out.
    title: Option<String>,
    /// What was said before, as messages of OpenAI's chat.
    #[schema(value_type = Option<Vec<Object>>)]
    items: Option<Vec<Value>>,
}

impl CreateBody {
    /// # Errors
    /// All that does not fit.
    pub fn read(self) -> Result<(Option<ThreadName>, About, Vec<Message>), Faults> {
        let mut errors = FieldErrors::default();
        let parsed = self.id.as_deref().map(ThreadName::parse).transpose();
        let name = errors.take("id", parsed).flatten();
        let about = About {
            user: self.user,
            metadata: self.metadata.unwrap_or_default(),
            labels: self.labels.unwrap_or_default(),
            title: self.title,
            anonymous: false,
        };
        errors.join(about.check());
        let items = said(&mut errors, "items", self.items);
        errors.finish()?;
        Ok((name, about, items))
    }
}

/// A token to be issued.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewThreadToken, example = json!({"expires_in": 900, "user": "ada"}))]
pub struct TokenBody {
    /// For how many seconds it is good: 1 to 86,400; 3,600 when left out.
    expires_in: Option<u64>,
    /// Whoever it is for, in your word.
    user: Option<String>,
}

impl TokenBody {
    /// Seconds, and the user.
    ///
    /// # Errors
    /// All that does not fit.
    pub fn read(self) -> Result<(u32, Option<String>), Faults> {
        let mut errors = FieldErrors::default();
        let given = self.expires_in.map_or(Ok(token::DEFAULT_S), u32::try_from);
        let seconds = given.ok().filter(|seconds| (token::MIN_S..=token::MAX_S).contains(seconds));
        if seconds.is_none() {
            errors.add("expires_in", format!("must be from {} to {} seconds", token::MIN_S, token::MAX_S));
        }
        let about = About { user: self.user, ..About::default() };
        errors.join(about.check());
        errors.finish()?;
        Ok((seconds.unwrap_or(token::DEFAULT_S), about.user))
    }
}

/// What of a thread is to be otherwise, as a JSON Merge Patch.
#[derive(Debug, ToSchema)]
#[schema(as = ThreadChange)]
#[expect(dead_code, reason = "it describes what the thread's object reads")]
pub struct ChangeBody {
    /// null takes it away, here and below.
    user: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    labels: Option<Vec<String>>,
    title: Option<String>,
    /// `latest`, or the number of a version: the agent's version that its runs have from now on. A number stays; `latest` is
    /// what a new thread would have.
    #[schema(value_type = Option<VersionBody>)]
    version: Option<Value>,
}

/// A version of an agent.
#[derive(Debug, ToSchema)]
#[schema(as = VersionOrLatest, example = "latest")]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only described here")]
enum VersionBody {
    Number(u32),
    Word(Latest),
}

#[derive(Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is only described here")]
enum Latest {
    Latest,
}

/// A thread to be copied.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFork, example = json!({"id": "customer-42-again"}))]
pub struct ForkBody {
    /// The id of the last item to be copied; all are when left out.
    after: Option<String>,
    /// Your own name for the copy, as `id` of a new thread.
    id: Option<String>,
}

impl ForkBody {
    /// # Errors
    /// All that does not fit.
    pub fn read(self) -> Result<(Option<EntryId>, Option<ThreadName>), Faults> {
        let mut errors = FieldErrors::default();
        let after = self.after.as_deref().map(EntryId::parse);
        if after == Some(None) {
            errors.add("after", "is not the id of an item");
        }
        let parsed = self.id.as_deref().map(ThreadName::parse).transpose();
        let name = errors.take("id", parsed).flatten();
        errors.finish().map(|()| (after.flatten(), name))
    }
}

/// Items to be appended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewItems, example = json!({"items": [{"role": "user", "content": "By the way, my name is Ada."}]}))]
pub struct AppendBody {
    /// Messages as OpenAI's chat has them.
    #[schema(value_type = Vec<Object>, min_items = 1)]
    items: Vec<Value>,
}

impl AppendBody {
    /// # Errors
    /// All that does not fit.
    pub fn read(self) -> Result<Vec<Message>, Faults> {
        let mut errors = FieldErrors::default();
        if self.items.is_empty() {
            errors.add("items", "must not be empty");
        }
        let items = said(&mut errors, "items", Some(self.items));
        errors.finish().map(|()| items)
    }
}

/// A run to be started.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRun, example = json!({"message": "Where is my parcel?"}))]
pub struct StartBody {
    /// What the user says: a text, or an object, which is its JSON.
    #[schema(value_type = Option<SaidBody>)]
    message: Option<Said>,
    /// Instead of it, messages as OpenAI's chat has them.
    #[schema(value_type = Option<Vec<Object>>)]
    input: Option<Vec<Value>>,
    /// Whether the answer is a stream of events.
    pub stream: Option<bool>,
    /// Whether the answer comes at once (202), while the run goes on.
    pub background: Option<bool>,
    /// What becomes of this run while another is at work; as the agent says when left out.
    on_busy: Option<OnBusy>,
    /// Tools that the client runs: the run waits for their output.
    tools: Option<Vec<ToolBody>>,
    variables: Option<BTreeMap<String, String>>,
    /// `critical`, `high`, `normal` (the default) or `low`: which of the runs that wait begins first.
    #[schema(value_type = Option<String>, example = "normal")]
    priority: Option<Priority>,
    /// The most that the run may cost, with its children; the agent's own limit holds besides.
    #[schema(value_type = Option<String>, example = "0.50")]
    max_usd: Option<Nanos>,
    /// Of a thread that this makes: the end user it belongs to.
    user: Option<String>,
    /// Names of webhooks that hear of the run, besides those of the agent. For keys of the account alone.
    webhooks: Option<Vec<String>>,
}

/// What a user says.
#[derive(Debug, ToSchema)]
#[schema(as = TextOrObject, example = "Where is my parcel?")]
#[serde(untagged)]
pub enum SaidBody {
    Text(String),
    Object(Map<String, Value>),
}

/// What a run is started with.
#[derive(Debug)]
pub struct Started {
    pub input: Vec<Message>,
    /// Which field that is.
    pub field: &'static str,
    pub about: About,
    pub on_busy: Option<OnBusy>,
    pub tools: Vec<ClientTool>,
    pub variables: BTreeMap<String, String>,
    pub priority: Priority,
    pub max_usd: Option<Nanos>,
    pub webhooks: Vec<String>,
}

impl StartBody {
    /// # Errors
    /// All that does not fit.
    pub fn read(self) -> Result<Started, Faults> {
        let mut errors = FieldErrors::default();
        if self.stream == Some(true) && self.background == Some(true) {
            errors.add("background", "write `stream` or `background`, not both");
        }
        let field = if self.input.is_some() { "input" } else { "message" };
        let input = match (self.message, self.input) {
            (Some(_), Some(_)) => {
                errors.add("input", "write `message` or `input`, not both");
                Vec::new()
            }
            (Some(Said(text)), None) if text.is_empty() => {
                errors.add("message", "must not be empty");
                Vec::new()
            }
            (Some(Said(text)), None) => vec![Message::user(text)],
            (None, input) => said(&mut errors, "input", input),
        };
        let about = About { user: self.user, ..About::default() };
        errors.join(about.check());
        let tools = tools::read(&mut errors, self.tools.unwrap_or_default());
        let pairs = self.variables.iter().flatten();
        if pairs.map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_VARIABLES {
            errors.add("variables", format!("have at most {MAX_VARIABLES} bytes"));
        }
        if self.max_usd == Some(Nanos::ZERO) {
            errors.add("max_usd", "must be more than 0: no run could ask the model");
        }
        let webhooks = self.webhooks.unwrap_or_default();
        if webhooks.len() > webhook::MAX_NAMED {
            errors.add("webhooks", format!("has at most {} entries", webhook::MAX_NAMED));
        }
        errors.finish()?;
        Ok(Started {
            input,
            field,
            about,
            on_busy: self.on_busy,
            tools,
            variables: self.variables.unwrap_or_default(),
            priority: self.priority.unwrap_or_default(),
            max_usd: self.max_usd,
            webhooks,
        })
    }
}

/// The most messages of one request to a thread: each becomes an item, with an id and a row of its own.
const MAX_MESSAGES: usize = 1_000;

/// Messages as OpenAI's chat has them.
fn said(errors: &mut FieldErrors, field: &str, messages: Option<Vec<Value>>) -> Vec<Message> {
    let Some(messages) = messages.filter(|messages| !messages.is_empty()) else { return Vec::new() };
    if messages.len() > MAX_MESSAGES {
        errors.add(
            field,
            format!("has at most {MAX_MESSAGES} entries: send more of them with further requests"),
        );
        return Vec::new();
    }
    let body = json!({ "model": "-", "messages": messages }).to_string();
    match openai::parse(body.as_bytes()) {
        Ok(parsed) => parsed.request.messages,
        Err(invalid) => {
            let at = invalid.param.unwrap_or_default();
            errors.add(
                &at.replacen("messages", field, 1),
                invalid.message.replacen("`messages`", &format!("`{field}`"), 1),
            );
            Vec::new()
        }
    }
}

/// Why something is done.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub struct ReasonBody {
    /// At most 500 characters.
    reason: Option<String>,
}

impl ReasonBody {
    /// # Errors
    /// That it is too long.
    pub fn read(self) -> Result<Option<String>, Faults> {
        let mut errors = FieldErrors::default();
        if let Some(reason) = &self.reason {
            errors.length("reason", reason, 1, MAX_REASON);
        }
        errors.finish().map(|()| self.reason)
    }
}

/// Which run of a thread comes first.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPriority)]
pub struct PriorityBody {
    #[schema(value_type = String, example = "high")]
    pub priority: Priority,
}
