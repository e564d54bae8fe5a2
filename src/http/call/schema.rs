//! What the document says of the bodies of calls. The codecs in `wire/` read and write them; nothing here is ever made.

use serde_json::Value;
use utoipa::ToSchema;

/// A question to an agent: `message`, or a whole conversation in `messages`.
#[derive(Debug, ToSchema)]
#[schema(as = ChatRequest, example = json!({"message": "Hello"}))]
pub struct ChatRequest {
    /// The user's text.
    #[schema(min_length = 1)]
    pub message: Option<String>,
    /// A conversation, oldest first; the agent's instructions come before it.
    #[schema(min_items = 1)]
    pub messages: Option<Vec<ChatMessage>>,
    /// Values for the variables that the agent's `config.variables` declares.
    #[schema(value_type = Option<Object>, example = json!({}))]
    pub variables: Option<Value>,
}

#[derive(Debug, ToSchema)]
pub struct ChatMessage {
    pub role: ChatRole,
    pub content: String,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ChatRole {
    System,
    User,
    Assistant,
}

/// An answer, and what it cost.
#[derive(Debug, ToSchema)]
pub struct ChatReply {
    pub message: String,
    #[schema(value_type = Object)]
    pub usage: Value,
    #[schema(example = "0.000150")]
    pub cost_usd: String,
    /// The model that answered.
    #[schema(example = "openai:gpt-4.1-mini")]
    pub model: String,
    /// The agent's slug.
    pub agent: String,
    pub agent_version: u32,
    #[schema(format = "uuid")]
    pub call_id: String,
    /// What was not done as asked; absent when there is nothing.
    pub warnings: Option<Vec<Warning>>,
}

/// Something that was not done as asked, beside an answer that is good all the same.
#[derive(Debug, ToSchema)]
pub struct Warning {
    /// The field.
    #[schema(example = "top_k")]
    pub field: String,
    /// `not_taken`, `adapted` or `unknown_field`.
    #[schema(example = "not_taken")]
    pub code: String,
    pub message: String,
}

/// An event of a stream, as its lines say it.
#[derive(Debug, ToSchema)]
pub struct StreamEvent {
    /// `delta`, then `done` or `error`; OpenAI's streams name none.
    #[schema(example = "delta")]
    pub event: Option<String>,
    /// JSON: of `delta` its `text`, of `done` what a whole answer has, of `error` a problem; of OpenAI's streams a chunk.
    #[schema(example = "{\"text\":\"Hi\"}")]
    pub data: String,
}

/// OpenAI's chat completion request. Other fields of OpenAI's and of other providers' protocols (`logprobs`, `top_k` …) are
/// passed on to the providers that take them; what is left out is named in `warnings`, or refused.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"model": "triage", "messages": [{"role": "user", "content": "Hello"}]}))]
pub struct ChatCompletionRequest {
    /// The agent's slug, or a model of its line.
    pub model: String,
    /// Text, images, files, audio, tool calls and their results, as OpenAI writes them.
    #[schema(value_type = Vec<Object>, min_items = 1)]
    pub messages: Vec<Value>,
    pub stream: Option<bool>,
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    #[schema(minimum = 1)]
    pub max_completion_tokens: Option<u32>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub tools: Option<Vec<Value>>,
    #[schema(value_type = Option<Object>)]
    pub response_format: Option<Value>,
    /// Its words fill the variables that the agent's `config.variables` declares.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
}

/// OpenAI's chat completion.
#[derive(Debug, ToSchema)]
pub struct ChatCompletion {
    pub id: String,
    #[schema(example = "chat.completion")]
    pub object: String,
    /// Seconds since the epoch.
    pub created: i64,
    pub model: String,
    #[schema(value_type = Vec<Object>)]
    pub choices: Vec<Value>,
    #[schema(value_type = Object)]
    pub usage: Value,
    /// What was not done as asked; absent when there is nothing.
    pub warnings: Option<Vec<Warning>>,
}

/// OpenAI's list of models: the agent itself, then the models of its line.
#[derive(Debug, ToSchema)]
pub struct ModelList {
    #[schema(example = "list")]
    pub object: String,
    #[schema(value_type = Vec<Object>)]
    pub data: Vec<Value>,
}

/// An error in OpenAI's shape.
#[derive(Debug, ToSchema)]
#[schema(as = OpenAiError)]
pub struct OpenAiError {
    pub error: OpenAiFault,
}

#[derive(Debug, ToSchema)]
pub struct OpenAiFault {
    pub message: String,
    #[serde(rename = "type")]
    #[schema(example = "invalid_request_error")]
    pub kind: String,
    /// The field at fault.
    pub param: Option<String>,
    /// A stable slug.
    #[schema(example = "not_found")]
    pub code: Option<String>,
}
