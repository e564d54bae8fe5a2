//! How a client wants the model to answer, in the steps of a run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::extra::{Extra, Extras, TABLE};
use crate::domain::message::{ChatRequest, JsonText, Message, ResponseFormat, Sampling, ToolChoice};

/// What a call says of the model's answers; the default says nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manner {
    /// The model of the agent's line that the client named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the client says to the model for this run alone, behind the agent's instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The model may call the client's tools alone, not the agent's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_bare: bool,
    #[serde(default, skip_serializing_if = "Sampling::is_default")]
    sampling: Sampling,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    #[serde(default, skip_serializing_if = "ToolChoice::is_auto")]
    tool_choice: ToolChoice,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// By name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extras: Vec<(String, JsonText)>,
}

/// A [`ResponseFormat`] that is not text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Format {
    JsonObject,
    JsonSchema { name: String, description: Option<String>, schema: JsonText, strict: Option<bool> },
}

impl Manner {
    pub fn of(request: &ChatRequest, model: Option<String>) -> Self {
        let format = match &request.response_format {
            ResponseFormat::Text => None,
            ResponseFormat::JsonObject => Some(Format::JsonObject),
            ResponseFormat::JsonSchema { name, description, schema, strict } => Some(Format::JsonSchema {
                name: name.clone(),
                description: description.clone(),
                schema: schema.clone().into(),
                strict: *strict,
            }),
        };
        let extras = request.extras.iter();
        let extras =
            extras.filter_map(|(place, value)| Some((TABLE.get(place)?.name.to_owned(), value.clone())));
        Self {
            model,
            instructions: None,
            is_bare: false,
            sampling: request.sampling.clone(),
            format,
            tool_choice: request.tool_choice.clone(),
            parallel_tool_calls: request.parallel_tool_calls,
            user: request.user.clone(),
            extras: extras.collect(),
        }
    }

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whom the client names as its user.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether the model is asked in the same way; whom the client names as its user is no part of that.
    pub fn is_like(&self, other: &Self) -> bool {
        *self == Self { user: self.user.clone(), ..other.clone() }
    }

    /// Whether the client asks for JSON of another schema than this.
    pub fn asks_for_other(&self, schema: &Map<String, Value>) -> bool {
        match &self.format {
            Some(Format::JsonSchema { schema: asked, .. }) => {
                let asked = asked.raw().and_then(|asked| serde_json::from_str::<Map<_, _>>(asked.get()).ok());
                asked.as_ref() != Some(schema)
            }
            None | Some(Format::JsonObject) => false,
        }
    }

    /// Asks the model for a step in this manner.
    ///
    /// That a tool must be called holds for the first step only: the run would never come to an end.
    pub fn lay_on(&self, step: u32, request: &mut ChatRequest) {
        if let Some(instructions) = &self.instructions {
            request.messages.insert(0, Message::system(instructions.as_str()));
        }
        request.sampling = self.sampling.clone();
        request.response_format = match &self.format {
            None => ResponseFormat::Text,
            Some(Format::JsonObject) => ResponseFormat::JsonObject,
            Some(Format::JsonSchema { name, description, schema, strict }) => match schema.raw() {
                None => ResponseFormat::JsonObject,
                Some(schema) => ResponseFormat::JsonSchema {
                    name: name.clone(),
                    description: description.clone(),
                    schema: schema.to_owned(),
                    strict: *strict,
                },
            },
        };
        request.tool_choice = match &self.tool_choice {
            ToolChoice::Required | ToolChoice::Named(_) if step > 1 => ToolChoice::Auto,
            choice => choice.clone(),
        };
        request.parallel_tool_calls = self.parallel_tool_calls;
        request.user.clone_from(&self.user);
        request.extras = Extras::default();
        for (name, value) in &self.extras {
            // One that is not known any more, or has another shape by now, is left out.
            if let (Some(place), Some(value)) = (Extra::find(name), value.raw()) {
                let _ = request.extras.put(place, value.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::client::openai;

    fn request(fields: &str) -> ChatRequest {
        let body =
            format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "Hi"}}], {fields}}}"#);
        openai::parse(body.as_bytes()).unwrap().request
    }

    const FIELDS: &str = r#""temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "stop": ["x"], "seed": 3, "user": "ada",
        "reasoning_effort": "low", "parallel_tool_calls": false, "top_k": 4, "store": false, "tool_choice": "required",
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type":"object"}, "strict": true}}"#;

    #[test]
    fn what_a_client_asked_for_is_asked_of_every_step_also_after_it_was_written_down() {
        let asked = request(FIELDS);
        let manner = Manner::of(&asked, None);
        let written = serde_json::to_string(&manner).unwrap();
        let manner: Manner = serde_json::from_str(&written).unwrap();
        let mut sent = ChatRequest::default();
        manner.lay_on(1, &mut sent);
        let all = |request: &ChatRequest| {
            let mut request = request.clone();
            (request.messages, request.tools) = (Vec::new(), Vec::new());
            format!("{request:?}")
        };
        assert_eq!(all(&sent), all(&asked));
        manner.lay_on(2, &mut sent);
        assert_eq!(sent.tool_choice, ToolChoice::Auto);
        assert_eq!(sent.sampling, asked.sampling);
    }

    #[test]
    fn a_call_that_says_nothing_writes_nothing() {
        assert!(Manner::of(&request(r#""stream": true"#), None).is_default());
    }
}
