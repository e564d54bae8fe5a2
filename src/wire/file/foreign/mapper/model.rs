//! Which models an agent uses, and how.

use serde_json::{Map, Value};

use crate::domain::model_line::ModelLine;
use crate::domain::model_name;

use super::super::value;
use super::{Mapper, REPORT_DEPTH, join};

/// Names of sampling parameters in other systems, and ours.
const PARAMS: [(&str, &str); 14] = [
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
    ("thinking_budget", "reasoning_effort"),
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

impl Mapper {
    pub(super) fn model(&mut self, path: &str, value: Value) {
        match value {
            Value::Array(list) => list.into_iter().for_each(|value| self.model(path, value)),
            Value::Object(mut fields) => {
                let mut pick = |names: &[&str]| {
                    names.iter().find_map(|name| match fields.get(*name) {
                        Some(Value::String(_)) => fields.remove(*name),
                        _ => None,
                    })
                };
                let (provider, code) = (pick(&PROVIDERS), pick(&CODES));
                if let Some(provider) = provider.as_ref().and_then(Value::as_str) {
                    self.provider = Some(provider.to_owned());
                }
                if let Some(code) = code {
                    self.model(path, code);
                }
                self.params(path, fields);
            }
            Value::String(text) => {
                let code = text.trim();
                if value::is_reference(code) || matches!(code, "" | "inherit" | "default" | "auto") {
                    self.report.dropped(path, "it names no model");
                } else {
                    self.codes.push(code.to_owned());
                    self.report.mapped(path, "model");
                }
            }
            other => self.park(path, other),
        }
    }

    /// Takes out what a model line can say; the rest is parked at its place.
    pub(super) fn params(&mut self, path: &str, fields: Map<String, Value>) {
        let rest = self.take_params(path, fields);
        self.park_all(path, rest, REPORT_DEPTH);
    }

    pub(super) fn take_params(&mut self, path: &str, mut fields: Map<String, Value>) -> Map<String, Value> {
        for (name, own) in PARAMS {
            let Some(value) = fields.get(name) else { continue };
            let written = match value {
                Value::Number(number) => Some(number.to_string()),
                Value::String(word) => Some(word.trim().to_ascii_lowercase()),
                _ => None,
            };
            let is_set = self.params.iter().any(|(set, _)| *set == own);
            let fits = written.filter(|written| !is_set && is_param(own, written));
            if let Some(written) = fits {
                fields.remove(name);
                self.params.push((own, written));
                self.report.mapped(&join(path, name), &format!("model ({own})"));
            }
        }
        fields
    }
}

/// The models that people wrote, as a line whose names are still theirs.
pub(super) fn line(provider: Option<&str>, codes: &[String]) -> Option<String> {
    let provider = provider.and_then(provider_word);
    let entry = |code: &str| match &provider {
        Some(provider)
            if !code.starts_with(&format!("{provider}/")) && !code.starts_with(&format!("{provider}:")) =>
        {
            format!("{provider}:{code}")
        }
        _ => code.to_owned(),
    };
    let entries: Vec<String> =
        codes.iter().flat_map(|code| code.split(',')).map(str::trim).map(entry).collect();
    (!entries.is_empty()).then(|| entries.join(", "))
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
