//! Which models an agent uses, and how.

use serde_json::{Map, Value};

use crate::domain::model_line::ModelLine;
use crate::domain::model_name;
use crate::wire::file::parameters::{is_said_otherwise, with_parameters};
use crate::wire::file::park;

use super::super::value;
use super::{Mapper, REPORT_DEPTH, join};

/// Paths of sampling parameters in other systems, and ours.
const PARAMS: [(&str, &str); 18] = [
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("topP", "top_p"),
    ("max_tokens", "max_tokens"),
    ("maxTokens", "max_tokens"),
    ("max_output_tokens", "max_tokens"),
    ("maxOutputTokens", "max_tokens"),
    ("max_completion_tokens", "max_tokens"),
    ("max_tokens_to_sample", "max_tokens"),
    ("num_predict", "max_tokens"),
    ("seed", "seed"),
    ("reasoning_effort", "reasoning_effort"),
    ("reasoningEffort", "reasoning_effort"),
    ("openai_reasoning_effort", "reasoning_effort"),
    ("groq_reasoning_effort", "reasoning_effort"),
    ("effort", "reasoning_effort"),
    ("reasoning.effort", "reasoning_effort"),
    ("thinking_budget", "reasoning_effort"),
];
/// Objects with such parameters, among others.
pub(super) const PLACES: [&str; 19] = [
    "model_settings",
    "modelSettings",
    "model_parameters",
    "modelParameters",
    "model_params",
    "modelParams",
    "parameters",
    "params",
    "options",
    "generation_config",
    "generationConfig",
    "generate_content_config",
    "inference_config",
    "inferenceConfig",
    "completion_params",
    "completion_args",
    "llm_params",
    "sampling",
    "settings",
];
const PROVIDERS: [&str; 7] = [
    "provider",
    "provider_name",
    "model_endpoint_type",
    "model_provider",
    "type",
    "api_type",
    "modelProvider",
];
const CODES: [&str; 8] =
    ["id", "model", "name", "model_name", "code", "model_id", "model_code", "deployment_name"];

/// A model as the file names it.
#[derive(Debug)]
pub(super) struct Choice {
    /// `None`: the agent's own, if it says one.
    provider: Option<String>,
    code: String,
    params: Params,
}

pub(super) use crate::wire::file::parameters::Parameters as Params;

impl Mapper {
    pub(super) fn model(&mut self, path: &str, value: Value) {
        match value {
            Value::String(text) if park::is_look(path, &text, &mut self.report) => {}
            Value::Array(list) => list.into_iter().for_each(|value| self.model(path, value)),
            Value::Object(mut fields) => {
                let (provider, code) = (provider(&mut fields), pick(&mut fields, &CODES));
                let mut params = Params::new();
                let rest = self.take_params(path, fields, &mut params);
                match code {
                    Some(code) => self.choose(path, &code, provider, params),
                    None => {
                        self.provider = self.provider.take().or(provider);
                        self.params.extend(params);
                    }
                }
                self.park_all(path, rest, REPORT_DEPTH);
            }
            Value::String(text) => self.choose(path, &text, None, Params::new()),
            other => self.park(path, other),
        }
    }

    /// Notes the models of a text, which may be several with commas between them.
    fn choose(&mut self, path: &str, text: &str, provider: Option<String>, params: Params) {
        for code in text.split(',').map(str::trim) {
            if value::is_reference(code) || matches!(code, "" | "inherit" | "default" | "auto") {
                self.report.dropped(path, "it names no model");
                // How the model is called holds for the one that the agent is given.
                let is_open = |(name, _): &(&str, String)| self.params.iter().all(|(set, _)| set != name);
                let open: Params = params.iter().filter(|param| is_open(param)).cloned().collect();
                self.params.extend(open);
            } else {
                let (code, provider, params) = (code.to_owned(), provider.clone(), params.clone());
                self.models.push(Choice { provider, code, params });
                self.report.mapped(path, "model");
            }
        }
    }

    /// Takes out what a model line can say, for all models; the rest is parked at its place.
    pub(super) fn params(&mut self, path: &str, fields: Map<String, Value>) {
        let mut params = std::mem::take(&mut self.params);
        let rest = self.take_params(path, fields, &mut params);
        self.params = params;
        self.park_all(path, rest, REPORT_DEPTH);
    }

    pub(super) fn take_params(
        &mut self,
        path: &str,
        mut fields: Map<String, Value>,
        params: &mut Params,
    ) -> Map<String, Value> {
        self.take_each(path, &mut fields, params);
        for place in PLACES {
            let Some(Value::Object(inner)) = fields.get_mut(place) else { continue };
            self.take_each(&join(path, place), inner, params);
            if inner.is_empty() {
                fields.remove(place);
            }
        }
        fields
    }

    fn take_each(&mut self, path: &str, fields: &mut Map<String, Value>, params: &mut Params) {
        for (name, own) in PARAMS {
            let Some(value) = value::at(fields, name) else { continue };
            let written = match value {
                Value::Number(number) => Some(number.to_string()),
                Value::String(word) => Some(word.trim().to_ascii_lowercase()),
                _ => None,
            };
            let is_set = params.iter().any(|(set, _)| *set == own);
            let fits = written.filter(|written| !is_set && is_param(own, written));
            if let Some(written) = fits {
                value::take(fields, name);
                params.push((own, written));
                self.report.mapped(&join(path, name), &format!("model ({own})"));
            }
        }
    }

    /// Says of parameters of the agent that each of its models has another value of its own.
    pub(super) fn report_unsaid(&mut self) {
        let line = self.fields.model.as_deref().unwrap_or_default();
        let unsaid = self.params.iter().filter(|(name, value)| is_said_otherwise(line, name, value));
        for (name, _) in unsaid {
            self.report.lose(name, "the model says another value");
        }
    }

    /// The models that people wrote, as a line whose names are still theirs.
    pub(super) fn line(&self) -> Option<String> {
        let entry = |choice: &Choice| {
            let provider =
                choice.provider.as_ref().or(self.provider.as_ref()).and_then(|name| provider_word(name));
            let code = &choice.code;
            let is_said = |provider: &String| {
                code.strip_prefix(provider.as_str()).is_some_and(|rest| rest.starts_with(['/', ':']))
            };
            let model = match provider.filter(|provider| !is_said(provider)) {
                Some(provider) => format!("{provider}:{code}"),
                None => code.clone(),
            };
            with_parameters(&with_parameters(&model, &choice.params), &self.params)
        };
        let entries: Vec<String> = self.models.iter().map(entry).collect();
        (!entries.is_empty()).then(|| entries.join(", "))
    }
}

/// The value of the first of these fields that is a text.
fn pick(fields: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    let name = names.iter().find(|name| fields.get(**name).is_some_and(Value::is_string))?;
    value::text(&fields.remove(*name)?)
}

/// The provider that a model's fields name: one that is well known rather than what its owner calls it.
fn provider(fields: &mut Map<String, Value>) -> Option<String> {
    let is_known = |name: &&&str| {
        let word = fields.get(**name).and_then(Value::as_str).and_then(model_name::provider_name);
        word.is_some_and(|word| word.well_known().is_some())
    };
    let known = PROVIDERS.iter().find(is_known).copied();
    known.and_then(|name| pick(fields, &[name])).or_else(|| pick(fields, &PROVIDERS))
}

/// Our word for a provider: `OpenAI`, `langgenius/openai/openai`, `autogen_ext.models.openai.OpenAIChatCompletionClient`.
fn provider_word(text: &str) -> Option<String> {
    let last = text.rsplit('/').next().unwrap_or(text);
    let segments: Vec<&str> = last.split('.').collect();
    if segments.last().is_some_and(|class| class.starts_with("Azure")) {
        return Some("azure".to_owned());
    }
    let known = segments.iter().rev().filter_map(|segment| model_name::provider_name(segment));
    known
        .clone()
        .find(|name| name.well_known().is_some())
        .or_else(|| known.clone().next())
        .map(|name| name.to_string())
}

/// Whether a model line takes this value.
fn is_param(name: &str, written: &str) -> bool {
    ModelLine::parse(&format!("a:b?{name}={written}")).is_ok()
}
