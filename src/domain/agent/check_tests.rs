use serde_json::json;

use super::*;
use crate::domain::agent::{Modality, Panel};

fn definition(fields: serde_json::Value) -> Definition {
    let mut all = json!({"name": "Triage", "instructions": "Sort the mail.", "model": "openai:gpt-4.1-mini"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn faults(definition: &Definition) -> Vec<String> {
    let known = Known {
        alias: &|_| None,
        variable: &|name| name == "company",
        webhook: &|name| name == "crm",
        loopback: crate::domain::outbound::Loopback::Refused,
    };
    let errors = definition.check(None, &known).err().unwrap_or_default();
    errors.into_iter().map(|e| e.field).collect()
}

#[test]
fn what_an_agent_is_asked_and_answers_are_schemas_that_can_be_checked() {
    let fits = definition(json!({
        "output": {"schema": {"type": "array", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"const": null}}}, "name": "a_1"},
        "input": {"schema": {"type": "object", "required": ["a"]}},
    }));
    assert_eq!(faults(&fits), [""; 0]);
    let bad = definition(json!({
        "output": {"schema": {"properties": {"a": {"nullable": true}}}, "name": "a b"},
        "input": {"schema": {"type": "string", "minimum": "1"}},
    }));
    let expected =
        ["output.schema.properties.a.nullable", "output.name", "input.schema.minimum", "input.schema.type"];
    assert_eq!(faults(&bad), expected);
}

#[test]
fn every_fault_is_named_at_once() {
    let bad = definition(json!({
        "name": "", "instructions": "x".repeat(MAX_INSTRUCTIONS + 1), "model": "openai", "access": "public",
        "max_concurrency": 0, "cache": {"ttl_s": 86_401},
        "run": {"max_steps": 1_001, "max_usd": "0", "max_minutes": 0, "max_tool_calls": 10_001}, "max_parallel_tools": 33, "compact_at": 0.05,
        "keep_days": 3_651,
        "allowed_origins": ["https://a.example.com", "https://a.example.com/", "*"],
        "type": "No Type", "description": "", "voice": "sonic", "panels": ["notepad", "notepad"],
        "tools": ["web_search", "web search", "web_search"], "config": {"variables": {"Name": null, "n": 1}},
    }));
    assert_eq!(
        faults(&bad),
        [
            "name",
            "type",
            "description",
            "instructions",
            "voice",
            "model",
            "budget",
            "max_concurrency",
            "cache.ttl_s",
            "run.max_steps",
            "run.max_minutes",
            "run.max_tool_calls",
            "max_parallel_tools",
            "keep_days",
            "compact_at",
            "run.max_usd",
            "panels[1]",
            "tools[1]",
            "tools[2]",
            "allowed_origins[1]",
            "allowed_origins[2]",
            "config.variables.Name",
            "config.variables.n",
        ]
    );
}

#[test]
fn a_definition_with_everything_fits() {
    let full = definition(json!({
        "type": "our-own", "description": "d", "voice": "cartesia:sonic", "modality": "audio_screenshare",
        "panels": ["slide_presenter", "coding_ide"], "tools": ["mcp:files/read"], "max_concurrency": 3,
        "cache": {"ttl_s": 86_400}, "max_parallel_tools": 32, "on_busy": "steer", "on_unknown": "report", "on_budget": "wait",
        "upgrade": "new_threads", "compact_at": 0.95, "keep_days": 3_650,
        "run": {"max_steps": 1_000, "max_usd": "0.000001", "max_minutes": 1_440, "max_tool_calls": 10_000},
        "config": {"variables": {"tone": "dry", "name": null}, "x": [1]},
        "instructions": "{{company}} {{ tone }} {{name}} {{today}} {{agent_name}} {{Other}}",
    }));
    assert_eq!(faults(&full), [""; 0]);
    assert_eq!((full.modality, full.panels[1]), (Modality::AudioScreenshare, Panel::CodingIde));
}

#[test]
fn an_unknown_variable_is_a_fault_of_the_instructions() {
    assert_eq!(faults(&definition(json!({"instructions": "Hello {{nmae}} and {{nmae}}"}))), ["instructions"]);
}

#[test]
fn every_fault_of_a_tool_that_is_written_out_is_named() {
    let bad = definition(json!({"tools": [
        {"type": "client", "name": "a b", "url": "https://a.example.com", "parameters": {"type": "string"}},
        {"type": "http", "name": "c", "timeout_s": 301, "headers": {
            "X-Api-Key": "k", "x-api-key": "l", "authorization": "ü", "cookie": "…", "host": "h", "a b": "c", "x-ok": "\n"},
            "secret_headers": ["X-OK", "x-none"]},
        {"type": "http", "name": "d", "description": "D", "url": "http://127.0.0.1/"},
        "d",
    ]}));
    let expected = [
        "tools[0].name",
        "tools[0].parameters.type",
        "tools[0].url",
        "tools[1].description",
        "tools[1].url",
        "tools[1].timeout_s",
        "tools[1].headers.a b",
        "tools[1].headers.authorization",
        "tools[1].headers.host",
        "tools[1].headers.x-api-key",
        "tools[1].headers.x-ok",
        "tools[1].secret_headers[1]",
        "tools[2].url",
        "tools[3]",
    ];
    assert_eq!(faults(&bad), expected);
    let good = json!({"tools": [
        "current_time",
        {"type": "client", "name": "ask"},
        {"type": "http", "name": "weather", "description": "The weather.", "url": "https://a.example.com/w?k=v", "method": "GET",
            "headers": {"x-team": "mail", "x-api-key": "k"}, "secret_headers": ["x-team"], "timeout_s": 300, "effect": "pure",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    ]});
    let good = definition(good);
    assert_eq!(faults(&good), [""; 0]);
    assert_eq!(serde_json::from_value::<Definition>(json!(good)).unwrap(), good);
}
