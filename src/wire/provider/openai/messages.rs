//! Writes a conversation as this server takes it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::calls::NO_ARGUMENTS;
use super::content::{Content, PartBody};
use crate::domain::dialect::{Back, Dialect, Prefill, System, Turns};
use crate::domain::message::{AssistantPart, Message, Part, Proof, ProofKind, ToolCall};
use crate::domain::provider::Wire;
use crate::wire::provider::fit::{ACKNOWLEDGED, NO_SIGNATURE, OPENING};
use crate::wire::reasoning_details;

/// One message.
#[derive(Serialize)]
pub struct MessageBody<'a> {
    role: Role,
    /// Written as `null` when an assistant only called tools: some servers want the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    pub content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    prefix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Serialize)]
struct CallBody<'a> {
    id: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CallFunction<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(Serialize)]
struct CallFunction<'a> {
    name: Cow<'a, str>,
    /// JSON: templates parse it.
    arguments: &'a str,
}

/// Where Gemini's signature stands in OpenAI's protocol.
#[derive(Serialize)]
pub struct ExtraContent<'a> {
    google: Google<'a>,
}

#[derive(Serialize)]
struct Google<'a> {
    thought_signature: &'a str,
}

impl<'a> ExtraContent<'a> {
    pub const fn of(thought_signature: &'a str) -> Self {
        Self { google: Google { thought_signature } }
    }
}

/// Writes a conversation; `asked` is said at the end of the instructions.
pub fn messages<'a>(dialect: &Dialect, all: &'a [Message], asked: Option<String>) -> Vec<MessageBody<'a>> {
    let mut written = Written { dialect, bodies: Vec::with_capacity(all.len() + 1), pending: Vec::new() };
    for message in all {
        written.push(message);
    }
    written.flush();
    if let Some(asked) = asked {
        // Behind the instructions at the beginning, whatever follows them.
        let is_said = |body: &MessageBody<'_>| !body.role.is_instruction();
        let first = written.bodies.iter().position(is_said).unwrap_or(written.bodies.len());
        let said = written.bodies.split_off(first);
        written.instruct(Content::Text(asked.into()));
        written.bodies.extend(said);
    }
    let mut bodies = written.bodies;
    let first = bodies.iter().position(|body| !body.role.is_instruction());
    if let Some(first) = first.filter(|first| dialect.user_first && bodies[*first].role != Role::User) {
        bodies.insert(first, MessageBody::new(Role::User, Some(Content::text(OPENING))));
    }
    if let Some(last) = bodies.last_mut().filter(|body| body.role == Role::Assistant) {
        last.prefix = dialect.prefill == Prefill::Prefix;
    }
    bodies
}

/// Whether a user's message has a place for who of several it is: not where turns of one role become one message.
pub fn names_users(dialect: &Dialect) -> bool {
    dialect.wire == Wire::OpenAi && dialect.turns == Turns::Any
}

impl Role {
    const fn is_instruction(self) -> bool {
        matches!(self, Self::System | Self::Developer)
    }
}

struct Written<'d, 'a> {
    dialect: &'d Dialect,
    bodies: Vec<MessageBody<'a>>,
    /// What tools have shown and their messages cannot hold.
    pending: Vec<PartBody<'a>>,
}

impl<'a> Written<'_, 'a> {
    fn push(&mut self, message: &'a Message) {
        if !matches!(message, Message::Tool { .. }) {
            self.flush();
        }
        match message {
            Message::System { text, cache } => {
                let cached = cache.filter(|_| self.dialect.cache_points);
                self.instruct(Content::cached(text, cached));
            }
            Message::User { name, parts } => {
                let content = Content::of(self.dialect, parts);
                let name = name.as_deref().filter(|_| names_users(self.dialect));
                self.say(MessageBody { name, ..MessageBody::new(Role::User, Some(content)) });
            }
            Message::Assistant { parts } => {
                let body = self.assistant(parts);
                self.say(body);
            }
            Message::Tool { call_id, parts, .. } => self.result(call_id, parts),
        }
    }

    /// After the instructions that there are, or joined to them.
    fn instruct(&mut self, content: Content<'a>) {
        let role = if self.dialect.system == System::Developer { Role::Developer } else { Role::System };
        match self.bodies.first_mut().filter(|first| first.role == role) {
            Some(first) if self.dialect.system == System::One => first.join(content),
            _ if self.dialect.system == System::One => {
                self.bodies.insert(0, MessageBody::new(role, Some(content)));
            }
            _ => self.bodies.push(MessageBody::new(role, Some(content))),
        }
    }

    fn say(&mut self, body: MessageBody<'a>) {
        if body.role == Role::User {
            self.acknowledge();
        }
        let joins = |last: &MessageBody<'_>| {
            last.role == body.role && last.tool_calls.is_empty() && last.reasoning_details.is_none()
        };
        match self.bodies.last_mut().filter(|last| self.dialect.turns == Turns::Alternating && joins(last)) {
            Some(last) => last.join_turn(body),
            None => self.bodies.push(body),
        }
    }

    /// What a tool has shown follows the results of its turn, where it cannot stand in them.
    fn result(&mut self, call_id: &'a str, parts: &'a [Part]) {
        let id = self.dialect.call_ids.fit(call_id);
        let content = if self.dialect.images_in_results {
            Content::of(self.dialect, parts)
        } else {
            let shown = parts.iter().filter(|part| !matches!(part, Part::Text(_) | Part::Json(_)));
            self.pending.extend(shown.filter_map(|part| PartBody::of(self.dialect, part)));
            Content::text_of(parts)
        };
        let body = MessageBody::new(Role::Tool, Some(content));
        self.bodies.push(MessageBody { tool_call_id: Some(id), ..body });
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.acknowledge();
            let shown = Content::Parts(std::mem::take(&mut self.pending));
            self.bodies.push(MessageBody::new(Role::User, Some(shown)));
        }
    }

    /// A word of the assistant's after a tool's result, where a server lets nobody else speak there.
    fn acknowledge(&mut self) {
        let is_after_result = self.bodies.last().is_some_and(|last| last.role == Role::Tool);
        if is_after_result && !self.dialect.user_after_results {
            self.bodies.push(MessageBody::new(Role::Assistant, Some(Content::text(ACKNOWLEDGED))));
        }
    }

    fn assistant(&self, parts: &'a [AssistantPart]) -> MessageBody<'a> {
        let dialect = self.dialect;
        let said = || AssistantPart::text_of(parts).or_else(|| AssistantPart::refusal_of(parts));
        let reasoning = AssistantPart::reasoning_of(parts);
        let mut body = MessageBody::new(Role::Assistant, said().map(Content::Text));
        let calls = AssistantPart::calls_of(parts).enumerate();
        body.tool_calls = calls.map(|(at, call)| CallBody::of(dialect, at, call)).collect();
        if body.content.is_none() && body.tool_calls.is_empty() {
            // A turn of nothing: templates fail on null.
            body.content = Some(Content::text(""));
        }
        match dialect.reasoning_back {
            Back::Nowhere | Back::Proof => {}
            Back::ReasoningContent => body.reasoning_content = reasoning,
            Back::ReasoningContentAlways => {
                let blank = (!body.tool_calls.is_empty()).then_some(Cow::Borrowed(""));
                body.reasoning_content = reasoning.or(blank);
            }
            Back::Reasoning => body.reasoning = reasoning,
            Back::ReasoningDetails => {
                body.reasoning_details = reasoning_details::write(parts);
                body.reasoning = reasoning.filter(|_| body.reasoning_details.is_none());
            }
            Back::ThinkingPart => {
                if let Some(reasoning) = reasoning {
                    let said = said().map(|text| PartBody::Text { text, cache_control: None });
                    let thinking = PartBody::thinking(reasoning);
                    body.content = Some(Content::Parts(std::iter::once(thinking).chain(said).collect()));
                }
            }
        }
        body
    }
}

impl<'a> MessageBody<'a> {
    const fn new(role: Role, content: Option<Content<'a>>) -> Self {
        Self {
            role,
            name: None,
            content,
            reasoning_content: None,
            reasoning: None,
            reasoning_details: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
            prefix: false,
        }
    }

    fn join(&mut self, more: Content<'a>) {
        self.content = Some(match self.content.take() {
            Some(content) => content.join(more),
            None => more,
        });
    }

    /// The rest of the same turn.
    fn join_turn(&mut self, more: Self) {
        if let Some(content) = more.content {
            self.join(content);
        }
        self.reasoning_content = self.reasoning_content.take().or(more.reasoning_content);
        self.reasoning = self.reasoning.take().or(more.reasoning);
        self.reasoning_details = more.reasoning_details;
        self.tool_calls = more.tool_calls;
    }
}

/// Arguments as templates parse them: those that are not there are an empty object.
fn given(arguments: &str) -> &str {
    if arguments.trim_ascii().is_empty() { NO_ARGUMENTS } else { arguments }
}

impl<'a> CallBody<'a> {
    fn of(dialect: &Dialect, at: usize, call: &'a ToolCall) -> Self {
        let function =
            CallFunction { name: dialect.tool_names.fit(&call.name), arguments: given(&call.arguments) };
        let signature =
            call.proof.as_ref().and_then(|proof: &Proof| proof.of_kind(ProofKind::GeminiSignature));
        let signature =
            signature.or_else(|| (at == 0).then_some(NO_SIGNATURE)).filter(|_| dialect.signed_calls);
        Self {
            id: dialect.call_ids.fit(&call.id),
            kind: "function",
            function,
            extra_content: signature.map(ExtraContent::of),
        }
    }
}
