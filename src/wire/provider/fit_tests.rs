//! What is asked for by fields and what in words, on every wire.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Encoded, Target, encode};
use crate::domain::dialect::{Dialect, Format, Prefill, Schema};
use crate::domain::message::{ChatRequest, Message, ResponseFormat, Tool, ToolChoice};
use crate::domain::provider::Wire;

#[test]
fn what_a_dialect_says_of_formats_choices_and_schemas_holds_on_every_wire() {
    let raw = |schema: Value| RawValue::from_string(schema.to_string()).unwrap();
    let schema = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A", "title": "t"}},
        "anyOf": [{"required": ["a"]}], "$defs": {"A": {"type": "string"}}});
    let asked = |tools: bool| {
        let tool = Tool {
            name: "look".into(),
            description: None,
            parameters: Some(raw(schema.clone())),
            strict: None,
            cache: None,
        };
        let schema = raw(json!({"type": "object", "properties": {"b": {"type": "string"}}}));
        ChatRequest {
            messages: vec![Message::system("You help."), Message::user("Hi"), Message::assistant("Ho")],
            tools: if tools { vec![tool] } else { Vec::new() },
            tool_choice: if tools { ToolChoice::Required } else { ToolChoice::Auto },
            response_format: ResponseFormat::JsonSchema {
                name: "x".into(),
                description: None,
                schema,
                strict: None,
            },
            ..ChatRequest::default()
        }
    };
    for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Gemini, Wire::WorkersAi] {
        let plain = Dialect {
            forced_tools: true,
            format_with_tools: true,
            format_with_stream: true,
            response_format: Format::JsonSchema,
            schema: Schema::Any,
            ..Dialect::plain(wire)
        };
        let sent = |dialect: &Dialect, tools: bool| {
            let target = Target { dialect, code: "m" };
            let Encoded { outgoing, warnings, .. } = encode(target, &asked(tools), true);
            let fields: Vec<String> = warnings.into_iter().map(|warning| warning.field).collect();
            (String::from_utf8(outgoing.body.to_vec()).unwrap(), fields)
        };
        for (dialect, tools, field) in [
            (Dialect { forced_tools: false, ..plain.clone() }, true, Some("tool_choice")),
            (Dialect { format_with_tools: false, ..plain.clone() }, true, Some("response_format")),
            (Dialect { format_with_stream: false, ..plain.clone() }, false, Some("response_format")),
            (Dialect { response_format: Format::Words, ..plain.clone() }, false, Some("response_format")),
            (
                Dialect { response_format: Format::JsonObject, ..plain.clone() },
                false,
                Some("response_format"),
            ),
            (Dialect { schema: Schema::PlainTop, ..plain.clone() }, true, None),
            (Dialect { schema: Schema::LoneRefs, ..plain.clone() }, true, None),
        ] {
            if wire == Wire::Gemini && !dialect.format_with_tools {
                // A forced tool leaves no place for a format there anyway.
                continue;
            }
            let (before, after) = (sent(&plain, tools), sent(&dialect, tools));
            assert_ne!(before.0, after.0, "{wire:?} {field:?}");
            assert!(!before.1.iter().any(|name| Some(name.as_str()) == field), "{wire:?} {field:?}");
            assert!(field.is_none_or(|field| after.1.iter().any(|name| name == field)), "{wire:?} {field:?}");
        }
    }
}

#[test]
fn what_is_asked_for_in_words_stands_behind_the_instructions() {
    let request = ChatRequest {
        messages: vec![Message::system("You help."), Message::user("Hi"), Message::assistant("Ho")],
        response_format: ResponseFormat::JsonObject,
        ..ChatRequest::default()
    };
    let dialect =
        Dialect { response_format: Format::Words, prefill: Prefill::Prefix, ..Dialect::plain(Wire::OpenAi) };
    let Encoded { outgoing, .. } = encode(Target { dialect: &dialect, code: "m" }, &request, false);
    let sent: Value = serde_json::from_slice(&outgoing.body).unwrap();
    let roles: Vec<_> = sent["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["system", "system", "user", "assistant"]);
    assert_eq!(sent["messages"][3]["prefix"], true);
}
