use serde_json::json;

use super::*;
use crate::domain::message::{ReasoningEffort, ResponseFormat, ToolChoice};

fn parse(more: &Value) -> Result<Parsed, Invalid> {
    let mut body = json!({"model": "m", "input": "Hi"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    read(body.to_string().as_bytes())
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": {"type": "object"}, "strict": true})
}

#[test]
fn what_is_asked_is_read_and_said_again() {
    let parsed = parse(&json!({
        "tools": [function("f")], "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false,
        "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 7, "max_tool_calls": 3, "user": "ada",
        "reasoning": {"effort": "low", "summary": "auto"}, "metadata": {"a": "b"}, "truncation": "auto",
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}, "strict": true}, "verbosity": "low"},
        "prompt_cache_key": "k", "service_tier": "auto",
    }))
    .unwrap();
    let request = &parsed.request;
    assert_eq!((request.tools.len(), &request.tool_choice), (1, &ToolChoice::Named("f".to_owned())));
    assert_eq!(request.sampling.reasoning_effort, Some(ReasoningEffort::Low));
    assert!(matches!(request.response_format, ResponseFormat::JsonSchema { .. }));
    assert_eq!((request.user.as_deref(), parsed.max_tool_calls), (Some("ada"), Some(3)));
    assert_eq!(request.extras.get("verbosity").map(|text| text.raw().unwrap().get()), Some("\"low\""));
    assert!(request.extras.get("prompt_cache_key").is_some());
    let base = &parsed.base.0;
    assert_eq!(base["tools"][0]["description"], Value::Null, "what is absent is null");
    assert_eq!(base["reasoning"], json!({"effort": "low", "summary": "auto"}));
    assert_eq!(
        (&base["truncation"], &base["prompt_cache_key"], &base["service_tier"]),
        (&json!("auto"), &json!("k"), &json!("auto"))
    );
    assert_eq!(parsed.base.tools().collect::<Vec<_>>(), ["f"]);
}

#[test]
fn a_response_has_every_field_that_the_schema_wants() {
    let base = parse(&json!({})).unwrap().base.0;
    for field in [
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "top_logprobs",
        "max_output_tokens",
        "max_tool_calls",
        "reasoning",
        "text",
        "truncation",
        "metadata",
        "safety_identifier",
        "prompt_cache_key",
        "service_tier",
        "store",
        "background",
        "previous_response_id",
    ] {
        assert!(base.contains_key(field), "{field}");
    }
}

#[test]
fn tools_that_run_elsewhere_are_left_out_with_a_warning() {
    let parsed =
        parse(&json!({"tools": [{"type": "web_search"}, function("f"), {"type": "custom", "name": "x"}]}))
            .unwrap();
    assert_eq!(parsed.request.tools.len(), 1);
    let warned: Vec<String> =
        crate::service::call::unknown_fields(&parsed.request.extras).map(|warning| warning.field).collect();
    assert_eq!(warned, ["tools[0]", "tools[2]"]);
}

#[test]
fn of_the_allowed_tools_the_others_go() {
    let choice =
        json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]});
    let parsed = parse(&json!({"tools": [function("f"), function("g")], "tool_choice": choice})).unwrap();
    let names: Vec<&str> = parsed.request.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!((names, parsed.request.tool_choice), (vec!["g"], ToolChoice::Required));
}

#[test]
fn what_does_not_fit_is_said_by_its_name() {
    for (more, param) in [
        (json!({"temperature": 3}), "temperature"),
        (json!({"max_output_tokens": 0}), "max_output_tokens"),
        (json!({"max_tool_calls": 0}), "max_tool_calls"),
        (json!({"truncation": "maybe"}), "truncation"),
        (json!({"reasoning": {"effort": "much"}}), "reasoning.effort"),
        (json!({"text": {"format": {"type": "xml"}}}), "text.format.type"),
        (json!({"text": {"format": {"type": "json_schema", "name": "s"}}}), "text.format.schema"),
        (json!({"tools": [{"name": "f"}]}), "tools[0].type"),
        (json!({"tools": [function("f"), function("f")]}), "tools[1].name"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"tool_choice": {"type": "function", "name": "f"}}), "tool_choice.name"),
        (json!({"metadata": {"a": 1}}), "metadata"),
        (json!({"service_tier": "priority"}), "service_tier"),
        (json!({"conversation": 7}), "conversation"),
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (json!({"store": false, "background": true}), "background"),
    ] {
        assert_eq!(parse(&more).unwrap_err().param.as_deref(), Some(param), "{more}");
    }
    let both = json!({"conversation": "conv_019b0000000070008000000000000000",
        "previous_response_id": "resp_019b000000007000800000000000000000000001"});
    assert_eq!(parse(&both).unwrap_err().param.as_deref(), Some("conversation"));
}
