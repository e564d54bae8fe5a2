//! Prompts and chains as LangChain serializes them.

use serde_json::{Map, Value};

use super::recognize::MANIFESTS;
use super::variables::Braces;
use super::{Part, Source, open, value};

type Fields = Map<String, Value>;

/// What is said of a prompt beside it.
const NAMED: [&str; 3] = ["name", "metadata", "description"];

/// A serialized chain is unpacked to its prompt, and to the model that it is bound to.
pub fn open(mut f: Fields) -> Vec<Part> {
    let mut found = Chain::default();
    let manifest = MANIFESTS.iter().find_map(|path| value::take(&mut f, path));
    let mut out = Fields::new();
    match manifest {
        Some(manifest) => {
            found.walk(&manifest);
            // What goes with the prompt in an answer of LangSmith.
            let rest = f.iter().filter(|(name, _)| !NAMED.contains(&name.as_str()));
            out.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
        }
        None => found.walk(&Value::Object(f.clone())),
    }
    if found.messages.is_empty() {
        return open::refused(None, "a chain without a prompt");
    }
    for name in NAMED {
        if let Some(value) = f.remove(name).filter(|value| !value.is_null()) {
            out.insert(name.to_owned(), value);
        }
    }
    let is_system = |(role, _): &(String, String)| role == "system";
    let has_system = found.messages.iter().any(is_system);
    let (system, others): (Vec<_>, Vec<_>) =
        found.messages.into_iter().partition(|message| is_system(message) || !has_system);
    out.insert(
        "system".to_owned(),
        system.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n\n").into(),
    );
    let others: Vec<Value> =
        others.into_iter().map(|(role, text)| serde_json::json!({"role": role, "content": text})).collect();
    if !others.is_empty() {
        out.insert("messages".to_owned(), others.into());
    }
    if let Some(model) = found.model {
        out.insert("model".to_owned(), model.into());
    }
    let braces = if found.is_single_braced { Braces::Single } else { Braces::Double };
    vec![Part::Agent(Box::new(Source { fields: out, braces: Some(braces), ..Source::default() }))]
}

#[derive(Default)]
struct Chain {
    messages: Vec<(String, String)>,
    model: Option<Fields>,
    is_single_braced: bool,
}

impl Chain {
    /// As deep as files are read.
    fn walk(&mut self, value: &Value) {
        let Value::Object(fields) = value else {
            if let Value::Array(list) = value {
                list.iter().for_each(|value| self.walk(value));
            }
            return;
        };
        let id: Vec<&str> = fields
            .get("id")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let class =
            id.last().copied().or_else(|| fields.get("_type").and_then(Value::as_str)).unwrap_or_default();
        let inner = fields.get("kwargs").and_then(Value::as_object).unwrap_or(fields);
        if id.contains(&"chat_models") || class.starts_with("Chat") && class != "ChatPromptTemplate" {
            let mut model = inner.clone();
            let provider = id.iter().rev().nth(1).filter(|word| **word != "chat_models");
            model.insert(
                "provider".to_owned(),
                provider.copied().unwrap_or(class.trim_start_matches("Chat")).into(),
            );
            self.model.get_or_insert(model);
            return;
        }
        let role = match class {
            "SystemMessagePromptTemplate" | "SystemMessage" | "system" => "system",
            "AIMessagePromptTemplate" | "AIMessage" | "ai" => "assistant",
            _ => "user",
        };
        let prompt = inner.get("prompt").and_then(|prompt| prompt.get("kwargs").or(Some(prompt)));
        let text =
            [prompt.and_then(|prompt| prompt.get("template")), inner.get("template"), inner.get("content")];
        if let Some(text) = text.into_iter().flatten().find_map(Value::as_str) {
            let format = prompt
                .and_then(|prompt| prompt.get("template_format"))
                .or_else(|| inner.get("template_format"));
            self.is_single_braced |= format.and_then(Value::as_str).is_none_or(|format| format == "f-string");
            self.messages.push((role.to_owned(), text.to_owned()));
            return;
        }
        for value in fields.values() {
            self.walk(value);
        }
    }
}
