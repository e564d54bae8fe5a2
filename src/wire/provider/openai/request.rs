//! Writes requests.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::message::{
    ChatRequest, Image, ImageSource, Message, Part, ReasoningEffort, ResponseFormat, Tool, ToolCall,
    ToolChoice,
};
use crate::wire::provider::call_id::bare;
use crate::wire::provider::{Outgoing, Target};
use crate::wire::to_json;

/// How a server departs from what most agree on. Source: each provider's API reference.
#[derive(Clone, Copy, Default)]
struct Dialect {
    /// The limit is `max_completion_tokens`, which bounds reasoning as well; elsewhere it is `max_tokens`.
    completion_limit: bool,
    /// Fields that the server does not know are refused: `stream_options` (usage comes anyway) and `user`.
    strict: bool,
    /// `seed` is called `random_seed`.
    random_seed: bool,
}

impl Dialect {
    fn of(provider: &str) -> Self {
        match provider {
            "openai" | "xai" | "groq" | "cerebras" => Self { completion_limit: true, ..Self::default() },
            "mistral" => Self { strict: true, random_seed: true, ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// Writes a request. A stream is asked to end with usage.
///
/// `metadata` is not passed on: OpenAI refuses it unless it may store the answer, and no imitator reads it.
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Outgoing {
    let dialect = Dialect::of(target.provider);
    let sampling = &request.sampling;
    let with_tools = !request.tools.is_empty();
    let body = Body {
        model: target.code,
        messages: request.messages.iter().map(MessageBody::of).collect(),
        tools: request.tools.iter().map(ToolBody::of).collect(),
        tool_choice: ChoiceBody::of(&request.tool_choice).filter(|_| with_tools),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| with_tools),
        response_format: FormatBody::of(&request.response_format),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        max_completion_tokens: sampling.max_output_tokens.filter(|_| dialect.completion_limit),
        max_tokens: sampling.max_output_tokens.filter(|_| !dialect.completion_limit),
        stop: &sampling.stop,
        seed: sampling.seed.filter(|_| !dialect.random_seed),
        random_seed: sampling.seed.filter(|_| dialect.random_seed),
        reasoning_effort: sampling.reasoning_effort,
        n: sampling.n.filter(|n| *n != 1),
        user: request.user.as_deref().filter(|_| !dialect.strict),
        stream,
        stream_options: (stream && !dialect.strict).then_some(StreamOptions { include_usage: true }),
    };
    Outgoing { path: "/chat/completions".to_owned(), headers: Vec::new(), body: to_json(&body).into() }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<MessageBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<ReasoningEffort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// One message.
#[derive(Serialize)]
pub struct MessageBody<'a> {
    role: &'static str,
    /// Written as `null` when an assistant only called tools: some servers want the field.
    pub content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

impl<'a> MessageBody<'a> {
    pub fn of(message: &'a Message) -> Self {
        let plain =
            |role, content| Self { role, content: Some(content), tool_calls: Vec::new(), tool_call_id: None };
        match message {
            Message::System { text } => plain("system", Content::text(text)),
            Message::User { parts } => plain("user", Content::of(parts)),
            Message::Assistant { text, tool_calls } => Self {
                role: "assistant",
                content: text.as_deref().map(Content::text),
                tool_calls: tool_calls.iter().map(CallBody::of).collect(),
                tool_call_id: None,
            },
            Message::Tool { call_id, text } => {
                Self { tool_call_id: Some(bare(call_id)), ..plain("tool", Content::text(text)) }
            }
        }
    }
}

/// A message's content: text, or parts where there is an image.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<PartBody<'a>>),
}

impl<'a> Content<'a> {
    pub const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// One text stands by itself: some servers take no parts.
    fn of(parts: &'a [Part]) -> Self {
        match parts {
            [Part::Text(text)] => Self::text(text),
            parts => Self::Parts(parts.iter().map(PartBody::of).collect()),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PartBody<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageBody<'a> },
}

impl<'a> PartBody<'a> {
    fn of(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text { text },
            Part::Image(Image { source, detail }) => {
                Self::ImageUrl { image_url: ImageBody { url: ImageUrl(source), detail: detail.as_deref() } }
            }
        }
    }
}

#[derive(Serialize)]
pub struct ImageBody<'a> {
    url: ImageUrl<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

struct ImageUrl<'a>(&'a ImageSource);

impl Serialize for ImageUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ImageSource::Url(url) => serializer.serialize_str(url),
            ImageSource::Data { media_type, base64 } => {
                serializer.collect_str(&format_args!("data:{media_type};base64,{base64}"))
            }
        }
    }
}

#[derive(Serialize)]
struct CallBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CallFunction<'a>,
}

#[derive(Serialize)]
struct CallFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> CallBody<'a> {
    fn of(call: &'a ToolCall) -> Self {
        let function = CallFunction { name: &call.name, arguments: &call.arguments };
        Self { id: bare(&call.id), kind: "function", function }
    }
}

/// One tool.
#[derive(Serialize)]
pub struct ToolBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    pub function: FunctionBody<'a>,
}

#[derive(Serialize)]
pub struct FunctionBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl<'a> ToolBody<'a> {
    pub fn of(tool: &'a Tool) -> Self {
        let function = FunctionBody {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.parameters.as_deref(),
            strict: tool.strict,
        };
        Self { kind: "function", function }
    }
}

/// `tool_choice`; `None` for the default.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ChoiceBody<'a> {
    Mode(&'static str),
    Named {
        #[serde(rename = "type")]
        kind: &'static str,
        function: NameBody<'a>,
    },
}

#[derive(Serialize)]
pub struct NameBody<'a> {
    name: &'a str,
}

impl<'a> ChoiceBody<'a> {
    pub fn of(choice: &'a ToolChoice) -> Option<Self> {
        match choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(Self::Mode("none")),
            ToolChoice::Required => Some(Self::Mode("required")),
            ToolChoice::Named(name) => Some(Self::Named { kind: "function", function: NameBody { name } }),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatBody<'a> {
    JsonObject,
    JsonSchema { json_schema: SchemaBody<'a> },
}

#[derive(Serialize)]
struct SchemaBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> FormatBody<'a> {
    fn of(format: &'a ResponseFormat) -> Option<Self> {
        match format {
            ResponseFormat::Text => None,
            ResponseFormat::JsonObject => Some(Self::JsonObject),
            ResponseFormat::JsonSchema { name, description, schema, strict } => {
                let json_schema =
                    SchemaBody { name, description: description.as_deref(), schema, strict: *strict };
                Some(Self::JsonSchema { json_schema })
            }
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
