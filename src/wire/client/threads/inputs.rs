//! What a waiting run is given.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::message::{JsonText, Message, Part};
use crate::domain::run::input::{Given, Input};
use crate::domain::thread::id::{EntryId, RunId};

/// The most bytes of a tool's output as JSON.
const MAX_OUTPUT: usize = 1_000_000;
const MAX_WORDS: usize = 10_000;
/// The most inputs of one request.
const MAX_INPUTS: usize = 128;

/// What a run is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Inputs)]
pub struct InputsBody {
    #[schema(min_items = 1, max_items = 128)]
    inputs: Vec<InputBody>,
}

/// The answer to a call, or a message.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Input, example = json!({"call_id": "0199…-3", "output": "It rains."}))]
pub struct InputBody {
    /// As `waiting_on` names it.
    call_id: Option<String>,
    /// A text, or any JSON.
    #[serde(default, deserialize_with = "some")]
    output: Option<Value>,
    /// Instead: why there is no output.
    error: Option<String>,
    /// Instead, of a call whose outcome is not known: it is made again.
    retry: Option<bool>,
    /// Without a call: something for the agent to consider at its next step.
    message: Option<String>,
}

/// `null` is an output, too.
fn some<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl InputsBody {
    /// # Errors
    /// All that does not fit.
    pub fn read(self, run: RunId) -> Result<Vec<Input>, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        if self.inputs.is_empty() || self.inputs.len() > MAX_INPUTS {
            errors.add("inputs", format!("has 1 to {MAX_INPUTS} entries"));
        }
        let inputs = self.inputs.into_iter().take(MAX_INPUTS).enumerate();
        let read =
            inputs.filter_map(|(n, input)| input.read(run, &format!("inputs[{n}]"), &mut errors)).collect();
        errors.finish().map(|()| read)
    }
}

impl InputBody {
    fn read(self, run: RunId, field: &str, errors: &mut FieldErrors) -> Option<Input> {
        let given = match (self.output, self.error, self.retry.unwrap_or_default()) {
            (Some(Value::String(text)), None, false) => Some(Given::Output(vec![Part::Text(text)])),
            (Some(json), None, false) => {
                Some(Given::Output(JsonText::parse(json.to_string()).map(Part::Json).into_iter().collect()))
            }
            (None, Some(words), false) => Some(Given::Error(words)),
            (None, None, true) => Some(Given::Retry),
            (None, None, false) => None,
            _ => {
                errors.add(field, "has one of `output`, `error` and `retry`");
                return None;
            }
        };
        let is_long = match &given {
            Some(Given::Output(parts)) => {
                serde_json::to_string(parts).map_or(usize::MAX, |json| json.len()) > MAX_OUTPUT
            }
            Some(Given::Error(words)) => words.len() > MAX_WORDS,
            Some(Given::Retry) | None => self.message.as_ref().is_some_and(|text| text.len() > MAX_OUTPUT),
        };
        if is_long {
            errors.add(
                field,
                format!("is too long: an output has at most {MAX_OUTPUT} bytes, an error {MAX_WORDS}"),
            );
            return None;
        }
        match (self.call_id, given, self.message) {
            (None, None, Some(text)) if !text.is_empty() => Some(Input::Message(Message::user(text))),
            (Some(id), Some(given), None) => {
                let entry = EntryId::parse(&id).filter(|entry| entry.run == run);
                if entry.is_none() {
                    errors.add(&format!("{field}.call_id"), "is not the id of a call of this run");
                }
                entry.map(|entry| Input::Call { entry: entry.number, given })
            }
            _ => {
                errors.add(field, "has `call_id` with its `output`, `error` or `retry`, or a `message`");
                None
            }
        }
    }
}
