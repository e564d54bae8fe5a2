//! What every codec does with a dialect: sampling, extras and names that fit the server, and a warning for each field that
//! was left out.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::openai::parts::names_users;
use crate::domain::dialect::{Dialect, Format, Schema as Keywords, SeedField};
use crate::domain::extra;
use crate::domain::message::{
    ChatRequest, Image, Message, Part, ReasoningEffort, ResponseFormat, Sampling, Tool, ToolChoice,
};
use crate::domain::provider::Wire;
use crate::domain::warning::{Code, Warning};
use crate::wire::provider::keys::Keys;
use crate::wire::provider::open_object::has_open_object;
use crate::wire::provider::{exact, json, lone_refs, plain_top};

/// Said for the user where a server wants the user to begin and nobody did.
pub(super) const OPENING: &str = "Continue.";
/// Said for the assistant where a server wants it to speak after a tool and it did not.
pub(super) const ACKNOWLEDGED: &str = "OK.";
/// Sent for a call whose signature is unknown, as Google's documentation says to do for calls that another model made.
pub(super) const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// What was not done as asked.
#[derive(Debug, Default)]
pub(super) struct Warnings(pub Vec<Warning>);

impl Warnings {
    /// The value, if it is taken; a warning, if there is one and it is not.
    pub fn if_taken<T>(&mut self, taken: bool, field: &str, value: Option<T>) -> Option<T> {
        if value.is_some() && !taken {
            self.0.push(Warning::not_taken(field));
            return None;
        }
        value
    }

    /// The wish for JSON in words, with a warning, for a server that does not take it as a field.
    pub fn asked_in_words(&mut self, format: &ResponseFormat) -> Option<String> {
        let asked = json::instruction(format)?;
        self.adapted(
            "response_format",
            "the model that answered has no such format: it was asked for JSON in words",
        );
        Some(asked)
    }

    /// A level of effort of which nothing was sent, or another level.
    pub fn effort(&mut self, dialect: &Dialect, asked: Option<ReasoningEffort>, is_sent: bool) {
        let Some(asked) = asked else { return };
        if is_sent && !dialect.thinking.has(asked) {
            self.adapted_effort();
        }
        let wanted = Some(asked).filter(|effort| *effort != ReasoningEffort::None);
        self.if_taken(is_sent, "reasoning_effort", wanted);
    }

    /// A level of effort that there is not.
    pub fn adapted_effort(&mut self) {
        let message = "the model that answered has no such effort: the nearest was asked for";
        self.adapted("reasoning_effort", message);
    }

    /// A schema that was sent without `strict`.
    pub fn left_strict(&mut self, field: &str) {
        let message = "the schema cannot be strict for the model that answered (an object of any members, or a union at \
                       the top): it was sent without";
        self.adapted(field, message);
    }

    pub fn adapted(&mut self, field: &str, message: &str) {
        self.0.push(Warning::new(field, Code::Adapted, message));
    }
}

/// `temperature` and `top_p`.
pub(super) fn sampling(
    dialect: &Dialect,
    sampling: &Sampling,
    thinks: bool,
    warnings: &mut Warnings,
) -> (Option<f64>, Option<f64>) {
    let temperature =
        warnings.if_taken(dialect.temperature.holds(thinks), "temperature", sampling.temperature);
    if temperature.is_some_and(|value| value > dialect.max_temperature) {
        let most = dialect.max_temperature;
        warnings
            .adapted("temperature", &format!("the model that answered takes at most {most}, which was sent"));
    }
    let alone = dialect.temperature_with_top_p || temperature.is_none();
    let top_p = warnings.if_taken(dialect.top_p.holds(thinks) && alone, "top_p", sampling.top_p);
    (temperature.map(|value| value.min(dialect.max_temperature)), top_p)
}

/// What no codec has a place for, wherever the request goes.
pub(super) fn unsaid(dialect: &Dialect, request: &ChatRequest) -> Vec<Warning> {
    let mut warnings = Warnings::default();
    let strict = request.tools.iter().any(|tool| tool.strict == Some(true));
    warnings.if_taken(dialect.strict_tools, "tools[].function.strict", strict.then_some(()));
    let is_named = |message: &Message| matches!(message, Message::User { name: Some(_), .. });
    let named = request.messages.iter().any(is_named).then_some(());
    warnings.if_taken(names_users(dialect), "messages[].name", named);
    let has_detail =
        |part: &Part| matches!(part, Part::Image(Image { detail: Some(detail), .. }) if detail != "auto");
    let detailed = request.messages.iter().flat_map(Message::given).any(has_detail);
    let is_taken = !matches!(dialect.wire, Wire::Anthropic | Wire::Gemini);
    warnings.if_taken(is_taken, "messages[].content[].image_url.detail", detailed.then_some(()));
    warnings.0
}

/// What is asked for by fields and what in words, whatever the protocol.
pub(super) struct Wishes<'a> {
    /// `Text` where another one is asked for in words.
    pub format: &'a ResponseFormat,
    /// `Auto` where another one is asked for in words.
    pub choice: &'a ToolChoice,
    /// For the end of the instructions.
    pub said: Vec<Cow<'static, str>>,
}

impl<'a> Wishes<'a> {
    pub fn of(dialect: &Dialect, request: &'a ChatRequest, stream: bool, warnings: &mut Warnings) -> Self {
        let is_forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
        let goes_with_tools = dialect.format_with_tools && !(dialect.wire == Wire::Gemini && is_forced);
        let is_taken = (goes_with_tools || request.tools.is_empty())
            && (dialect.format_with_stream || !stream)
            && has_field(dialect.response_format, &request.response_format);
        let format = if is_taken { None } else { warnings.asked_in_words(&request.response_format) };
        let choice = said_choice(dialect, request, warnings);
        Self {
            format: if format.is_some() { &ResponseFormat::Text } else { &request.response_format },
            choice: if choice.is_some() { &ToolChoice::Auto } else { &request.tool_choice },
            said: format.map(Cow::Owned).into_iter().chain(choice).collect(),
        }
    }

    /// The words as one text.
    pub fn words(&self) -> Option<String> {
        (!self.said.is_empty()).then(|| self.said.join("\n\n"))
    }
}

/// Whether a server with these formats has a field for this one.
const fn has_field(dialect: Format, format: &ResponseFormat) -> bool {
    match format {
        ResponseFormat::Text => true,
        ResponseFormat::JsonObject => matches!(dialect, Format::JsonSchema | Format::JsonObject),
        ResponseFormat::JsonSchema { .. } => matches!(dialect, Format::JsonSchema | Format::SchemaOnly),
    }
}

/// A schema as it came, or in the server's keywords.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Schema<'a> {
    Untouched(&'a RawValue),
    Rewritten(Box<RawValue>),
}

impl<'a> Schema<'a> {
    /// Of a tool's parameters.
    pub fn of_tool(dialect: &Dialect, schema: &'a RawValue) -> Self {
        match dialect.schema {
            Keywords::PlainTop => Self::of(schema, plain_top::plain(schema)),
            Keywords::Any | Keywords::LoneRefs => Self::of_output(dialect, schema),
        }
    }

    /// Of a tool without parameters.
    pub fn empty() -> Self {
        let empty = serde_json::json!({"type": "object", "properties": {}});
        Self::Rewritten(to_raw_value(&empty).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// Of an answer's format.
    pub fn of_output(dialect: &Dialect, schema: &'a RawValue) -> Self {
        let rewritten = match dialect.schema {
            Keywords::LoneRefs => lone_refs::isolated(schema),
            Keywords::Any | Keywords::PlainTop => None,
        };
        Self::of(schema, rewritten)
    }

    fn of(schema: &'a RawValue, rewritten: Option<Value>) -> Self {
        let rewritten = rewritten.as_ref().and_then(exact::raw);
        rewritten.map_or(Self::Untouched(schema), Self::Rewritten)
    }
}

/// `strict`, unless the server refuses it of this schema.
pub(super) fn strict(dialect: &Dialect, strict: Option<bool>, schema: Option<&RawValue>) -> Option<bool> {
    let is_refused = || !dialect.strict_open_maps && schema.is_some_and(has_open_object);
    strict.filter(|strict| !(*strict && is_refused()))
}

/// The stop sequences.
pub(super) fn stop<'a>(dialect: &Dialect, sampling: &'a Sampling, warnings: &mut Warnings) -> &'a [String] {
    let asked = Some(sampling.stop.as_slice()).filter(|stop| !stop.is_empty());
    warnings.if_taken(dialect.stop, "stop", asked).unwrap_or_default()
}

/// A forced choice of a tool in words, for a server that does not take it as a field.
fn said_choice(
    dialect: &Dialect,
    request: &ChatRequest,
    warnings: &mut Warnings,
) -> Option<Cow<'static, str>> {
    if dialect.forced_tools || request.tools.is_empty() {
        return None;
    }
    let said: Option<Cow<'static, str>> = match &request.tool_choice {
        ToolChoice::Required => Some("Answer this turn by calling one of the tools.".into()),
        ToolChoice::Named(name) => Some(format!("Answer this turn by calling the tool `{name}`.").into()),
        ToolChoice::Auto | ToolChoice::None => None,
    };
    if said.is_some() {
        warnings.adapted(
            "tool_choice",
            "the model that answered cannot be forced to call a tool: it was asked to in words",
        );
    }
    said
}

pub(super) fn seed(dialect: &Dialect, sampling: &Sampling, warnings: &mut Warnings) -> Option<i64> {
    warnings.if_taken(dialect.seed_field != SeedField::None, "seed", sampling.seed)
}

/// Names that had to be changed on their way, to be changed back in the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renamed {
    /// Of tools: there, and here.
    pub(super) tools: Vec<(String, String)>,
    /// Of their parameters.
    pub(super) keys: Keys,
}

impl Renamed {
    pub(super) fn of(dialect: &Dialect, tools: &[Tool]) -> Self {
        let renamed = tools.iter().filter_map(|tool| match dialect.tool_names.fit(&tool.name) {
            Cow::Borrowed(_) => None,
            Cow::Owned(there) => Some((there, tool.name.clone())),
        });
        Self { tools: renamed.collect(), keys: Keys::default() }
    }

    /// Changes a name of the server's to the client's.
    pub(super) fn restore(&self, name: &mut String) {
        if let Some((_, here)) = self.tools.iter().find(|(there, _)| there == name) {
            name.clone_from(here);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.keys.is_empty()
    }
}

/// The extras that the server takes, as members of an object.
pub(super) struct ExtraFields<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'a> ExtraFields<'a> {
    pub fn of(dialect: &'a Dialect, request: &'a ChatRequest, thinks: bool, warnings: &mut Warnings) -> Self {
        let mut fields = Vec::new();
        for (place, value) in request.extras.iter() {
            let extra = &extra::TABLE[place];
            let is_taken = !extra.is_drawn || dialect.top_p.holds(thinks);
            match (dialect.extra(place).filter(|_| is_taken), value.raw()) {
                (Some(name), Some(raw)) => fields.push((name, raw)),
                _ => warnings.0.push(Warning::not_taken(extra.name)),
            }
        }
        Self(fields)
    }
}

impl Serialize for ExtraFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
