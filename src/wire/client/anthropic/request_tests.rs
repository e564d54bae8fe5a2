use serde_json::{Value, json};

use super::*;
use crate::domain::message::{
    AssistantPart, CachePoint, CacheTtl, FileSource, ImageSource, Part, Proof, ProofKind, Reasoning,
    ReasoningEffort, ResponseFormat, ToolChoice,
};

fn body(more: Value) -> Value {
    let mut body =
        json!({"model": "triage", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn read_with(more: Value) -> ChatRequest {
    read(body(more).to_string().as_bytes()).unwrap().request
}

fn refused(more: Value) -> (String, String) {
    let invalid = read(body(more).to_string().as_bytes()).unwrap_err();
    (invalid.param.unwrap_or_default(), invalid.message)
}

fn said(content: Value) -> Vec<AssistantPart> {
    let messages = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}]);
    match read_with(json!({"messages": messages})).messages.pop().unwrap() {
        Message::Assistant { parts } => parts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_conversation_with_tools_is_read_turn_by_turn() {
    let request = read_with(json!({
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig=="},
                {"type": "text", "text": "Let me see.", "citations": null},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo", "n": 1.0}, "caller": {"type": "direct"}},
                {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true, "content": [
                    {"type": "text", "text": "no"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                ]},
                {"type": "text", "text": "And now?"},
            ]},
        ],
        "tools": [{"name": "weather", "description": "d", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
    }));
    let hour = CachePoint { ttl: Some(CacheTtl::OneHour) };
    assert_eq!(request.messages[0], Message::System { text: "Be brief.".to_owned(), cache: Some(hour) });
    let Message::Assistant { parts } = &request.messages[2] else { panic!("{request:?}") };
    let proof = Some(Proof::new(ProofKind::AnthropicSignature, "sig=="));
    assert_eq!(parts[0], AssistantPart::Reasoning(Reasoning { text: "Hm.".to_owned(), proof }));
    let calls: Vec<_> =
        AssistantPart::calls_of(parts).map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("toolu_1", r#"{"city":"Oslo","n":1.0}"#), ("toolu_2", "{}")]);
    assert_eq!(request.messages[3], Message::tool("toolu_1", "Rain"));
    let Message::Tool { parts, is_error: true, .. } = &request.messages[4] else { panic!("{request:?}") };
    assert!(matches!(parts[1], Part::Image(_)));
    assert_eq!(request.messages[5], Message::user("And now?"));
    assert_eq!((request.parallel_tool_calls, request.tools.len()), (Some(false), 1));
    assert!(request.tools[0].cache.is_some() && request.extras.unknown.is_empty(), "{:?}", request.extras);
    let mut messages = request.messages;
    pair(&mut messages).unwrap();
}

#[test]
fn thinking_finds_back_to_whoever_thought() {
    let parts = said(json!([
        {"type": "redacted_thinking", "data": "x"},
        {"type": "thinking", "thinking": "", "signature": "retinue.gemini_signature.AbC="},
        {"type": "thinking", "thinking": "aloud", "signature": ""},
        {"type": "text", "text": "Yes."},
    ]));
    let proofs: Vec<_> = parts
        .iter()
        .filter_map(|part| match part {
            AssistantPart::Reasoning(reasoning) => Some(reasoning.proof.as_ref().map(|proof| proof.kind)),
            _ => None,
        })
        .collect();
    assert_eq!(proofs, [Some(ProofKind::AnthropicRedacted), Some(ProofKind::GeminiSignature), None]);
}

#[test]
fn documents_and_images_are_read_by_their_source() {
    let given = |block: Value| {
        let messages = json!([{"role": "user", "content": [block]}]);
        match read_with(json!({"messages": messages})).messages.remove(0) {
            Message::User { mut parts, .. } => parts.remove(0),
            other => panic!("{other:?}"),
        }
    };
    let source = |source: Value| match given(json!({"type": "document", "title": "T", "source": source})) {
        Part::File(file) => (file.source, file.media_type, file.name),
        other => panic!("{other:?}"),
    };
    let name = Some("T".to_owned());
    assert_eq!(
        source(json!({"type": "base64", "media_type": "application/pdf", "data": "aGk="})),
        (FileSource::Data("aGk=".to_owned()), Some("application/pdf".to_owned()), name.clone())
    );
    let plain = (FileSource::Data("aGk=".to_owned()), Some("text/plain".to_owned()), name.clone());
    assert_eq!(source(json!({"type": "text", "media_type": "text/plain", "data": "hi"})), plain);
    assert_eq!(source(json!({"type": "content", "content": [{"type": "text", "text": "hi"}]})), plain);
    let url = "https://example.com/a.pdf".to_owned();
    assert_eq!(source(json!({"type": "url", "url": url})).0, FileSource::Url(url));
    assert_eq!(source(json!({"type": "file", "file_id": "file_1"})).0, FileSource::Id("file_1".to_owned()));
    let Part::Image(image) =
        given(json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a"}}))
    else {
        panic!()
    };
    assert_eq!(image.source, ImageSource::Url("https://example.com/a".to_owned()));
}

#[test]
fn how_much_is_thought_follows_the_budget_and_the_word() {
    for (more, effort) in [
        (json!({}), None),
        (json!({"thinking": {"type": "disabled"}}), Some(ReasoningEffort::None)),
        (json!({"thinking": {"type": "adaptive", "display": "summarized"}}), Some(ReasoningEffort::High)),
        (
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}),
            Some(ReasoningEffort::Xhigh),
        ),
        (json!({"output_config": {"effort": "low"}}), Some(ReasoningEffort::Low)),
        (
            json!({"max_tokens": 10_000, "thinking": {"type": "enabled", "budget_tokens": 2_000}}),
            Some(ReasoningEffort::Low),
        ),
        (
            json!({"max_tokens": 10_000, "thinking": {"type": "enabled", "budget_tokens": 8_000}}),
            Some(ReasoningEffort::High),
        ),
        (
            json!({"max_tokens": 32_000, "thinking": {"type": "enabled", "budget_tokens": 31_999}}),
            Some(ReasoningEffort::Xhigh),
        ),
    ] {
        assert_eq!(read_with(more.clone()).sampling.reasoning_effort, effort, "{more}");
    }
}

#[test]
fn the_rest_of_a_request_has_its_place() {
    let request = read_with(json!({
        "stop_sequences": ["END"], "temperature": 1.0, "top_k": 40, "metadata": {"user_id": "ada", "tone": "warm"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "cache_control": {"type": "ephemeral"}, "context_management": {"edits": []}, "service_tier": "auto",
        "tools": [{"type": "custom", "name": "a", "input_schema": {}}], "tool_choice": {"type": "tool", "name": "a"},
    }));
    assert_eq!(
        (request.sampling.stop.as_slice(), request.user.as_deref()),
        (&["END".to_owned()][..], Some("ada"))
    );
    assert_eq!(request.metadata["tone"], "warm");
    assert_eq!(request.tool_choice, ToolChoice::Named("a".to_owned()));
    assert!(matches!(&request.response_format, ResponseFormat::JsonSchema { strict: Some(true), .. }));
    assert_eq!(request.extras.get("top_k").unwrap().as_str(), "40");
    assert_eq!(request.extras.unknown, ["context_management", "service_tier"]);
    let Some(Message::User { parts, .. }) = request.messages.last() else { panic!() };
    assert!(matches!(parts[1], Part::CachePoint(_)));
}

#[test]
fn what_cannot_be_said_is_refused_by_its_name() {
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    for (more, param) in [
        (json!({"model": null}), "model"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"temperature": 1.5}), "temperature"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages[0].role"),
        (
            json!({"messages": [{"role": "system", "content": [{"type": "image"}]}]}),
            "messages[0].content[0].type",
        ),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (user(json!([])), "messages[0].content"),
        (user(json!([{"text": "x"}])), "messages[0].content[0].type"),
        (user(json!([{"type": "search_result"}])), "messages[0].content[0].type"),
        (
            user(json!([{"type": "image", "source": {"type": "url", "url": "http://10.0.0.1/x"}}])),
            "messages[0].content[0].source",
        ),
        (
            user(
                json!([{"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": "x"}}]),
            ),
            "messages[0].content[0].source",
        ),
        (
            user(json!([{"type": "text", "text": "x"}, {"type": "tool_result", "tool_use_id": "a"}])),
            "messages[0].content[1].type",
        ),
        (user(json!([{"type": "tool_result", "content": "x"}])), "messages[0].content[0].tool_use_id"),
        (
            json!({"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]}),
            "messages[0].content[0].type",
        ),
        (
            json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": 1}]}]}),
            "messages[0].content[0].input",
        ),
        (json!({"system": [{"type": "image"}]}), "system[0].type"),
        (json!({"tools": [{"type": "web_search_20260209", "name": "web_search"}]}), "tools[0].type"),
        (json!({"tools": [{"name": "a b", "input_schema": {}}]}), "tools[0].name"),
        (json!({"tools": [{"name": "a"}]}), "tools[0].input_schema"),
        (
            json!({"tools": [{"name": "a", "input_schema": {}}, {"name": "a", "input_schema": {}}]}),
            "tools[1].name",
        ),
        (json!({"tool_choice": {"type": "any"}}), "tool_choice"),
        (json!({"tool_choice": {"type": "tool", "name": "x"}}), "tool_choice.name"),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 1000}}), "thinking.budget_tokens"),
        (json!({"output_config": {"effort": "much"}}), "output_config.effort"),
        (json!({"output_config": {"format": {"type": "text"}}}), "output_config.format.type"),
        (json!({"mcp_servers": [{"type": "url", "url": "https://a.example"}]}), "mcp_servers"),
        (json!({"container": "c"}), "container"),
        (json!({"metadata": {"user_id": 1}}), "metadata"),
        (json!({"stop_sequences": [""]}), "stop_sequences"),
        (json!({"top_k": "many"}), "top_k"),
        (json!({"stream": "yes"}), "stream"),
    ] {
        let (at, words) = refused(more.clone());
        assert_eq!(at, param, "{more}: {words}");
        assert!(!words.is_empty());
    }
    let fields = read(b"[]").unwrap_err();
    assert_eq!(fields.param, None, "{fields}");
}

#[test]
fn calls_and_results_belong_together() {
    let messages = |content: Value| {
        let more = json!({"messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": {}}]},
            {"role": "user", "content": content},
        ]});
        read_with(more).messages
    };
    for (content, words) in [
        (json!("What?"), "without one: a"),
        (json!([{"type": "tool_result", "tool_use_id": "z"}]), "of no tool_use block"),
    ] {
        let invalid = pair(&mut messages(content)).unwrap_err();
        assert!(invalid.message.contains(words), "{invalid}");
    }
    pair(&mut messages(json!([{"type": "tool_result", "tool_use_id": "a"}]))).unwrap();
}
