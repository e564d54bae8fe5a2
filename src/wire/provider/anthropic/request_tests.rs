use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::encode;
use crate::domain::dialect;
use crate::domain::message::{
    AssistantPart, ChatRequest, Image, ImageSource, Message, Part, ReasoningEffort, ResponseFormat, Sampling,
    Tool, ToolCall, ToolChoice,
};
use crate::domain::provider::Wire;
use crate::wire::provider::{Outgoing, Target};

/// Takes every parameter the protocol has.
const PLAIN: &str = "claude-haiku-4-5";

fn outgoing(code: &str, request: &ChatRequest, stream: bool) -> Outgoing {
    let dialect = &dialect::resolve(Wire::Anthropic, "anthropic", None, code, None);
    encode(Target { dialect, code }, request, stream).outgoing
}

fn body_of(code: &str, request: &ChatRequest) -> Value {
    serde_json::from_slice(&outgoing(code, request, false).body).unwrap()
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn user(text: &str) -> Message {
    Message::User { name: None, parts: vec![Part::Text(text.into())] }
}

fn system(text: &str) -> Message {
    Message::system(text)
}

fn said(text: &str) -> Message {
    Message::assistant(text)
}

fn called(id: &str, arguments: &str) -> Message {
    Message::Assistant { parts: vec![AssistantPart::ToolCall(ToolCall::new(id, "look", arguments))] }
}

fn result(id: &str, text: &str) -> Message {
    Message::tool(id, text)
}

fn ask(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..ChatRequest::default() }
}

fn tool(parameters: Option<Value>, strict: Option<bool>) -> Tool {
    let description = Some("Looks".into());
    Tool { name: "look".into(), description, parameters: parameters.as_ref().map(raw), strict, cache: None }
}

fn tooled(choice: ToolChoice) -> ChatRequest {
    ChatRequest { tools: vec![tool(None, None)], tool_choice: choice, ..ask(vec![user("Hi")]) }
}

fn thoughtful(effort: ReasoningEffort, max_output_tokens: u32) -> ChatRequest {
    let sampling = Sampling {
        reasoning_effort: Some(effort),
        max_output_tokens: Some(max_output_tokens),
        temperature: Some(0.3),
        ..Sampling::default()
    };
    ChatRequest { sampling, ..ask(vec![user("Hi")]) }
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn the_least_request_has_only_what_is_required() {
    let outgoing = outgoing(PLAIN, &ask(vec![user("Hi")]), false);
    assert_eq!(outgoing.path, "/messages");
    assert_eq!(outgoing.headers, [("anthropic-version", "2023-06-01".to_owned())]);
    let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
    let messages = json!([{"role": "user", "content": [text("Hi")]}]);
    assert_eq!(body, json!({"model": PLAIN, "max_tokens": 4096, "messages": messages}));
}

#[test]
fn every_field_finds_its_place() {
    let request = ChatRequest {
        sampling: Sampling {
            temperature: Some(1.7),
            max_output_tokens: Some(300),
            stop: vec!["END".into(), "\n".into()],
            seed: Some(7),
            ..Sampling::default()
        },
        user: Some("u-1".into()),
        tools: vec![tool(Some(json!({"type": "object", "properties": {"q": {"type": "string"}}})), None)],
        tool_choice: ToolChoice::Named("look".into()),
        parallel_tool_calls: Some(false),
        ..ask(vec![system("Be kind."), system("Be brief."), user("Hi")])
    };
    let body: Value = serde_json::from_slice(&outgoing(PLAIN, &request, true).body).unwrap();
    assert_eq!(
        body,
        json!({
            "model": PLAIN,
            "max_tokens": 300,
            "stream": true,
            "system": [text("Be kind."), text("Be brief.")],
            "messages": [{"role": "user", "content": [text("Hi")]}],
            "tools": [{"name": "look", "description": "Looks",
                "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}],
            "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": true},
            "temperature": 1.0,
            "stop_sequences": ["END"],
            "metadata": {"user_id": "u-1"},
        })
    );
}

#[test]
fn turns_of_one_role_are_merged_and_tool_results_come_first() {
    let request = ask(vec![
        user("Weather?"),
        said("Looking. "),
        called("toolu_1", "{\"city\":\"Bonn\"}"),
        called("call 2/ö", "{\"city\":"),
        result("toolu_1", "sun"),
        user("And?"),
        result("call 2/ö", "rain"),
        system("Late instruction."),
        user("Go on."),
    ]);
    let body = body_of(PLAIN, &request);
    assert_eq!(body["system"], json!([text("Late instruction.")]));
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [text("Weather?")]},
            {"role": "assistant", "content": [
                text("Looking."),
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"city": "Bonn"}},
                {"type": "tool_use", "id": "call2_V1FlUJXVTYG", "name": "look", "input": {"arguments": "{\"city\":"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"},
                {"type": "tool_result", "tool_use_id": "call2_V1FlUJXVTYG", "content": "rain"},
                text("And?"),
                text("Go on."),
            ]},
        ])
    );
}

#[test]
fn images_go_by_url_or_in_base64() {
    let url =
        Image { source: ImageSource::Url("https://a.example.com/b.png".into()), detail: Some("low".into()) };
    let data = ImageSource::Data { media_type: "image/png".into(), base64: "iVBORw==".into() };
    let parts =
        vec![Part::Image(url), Part::Text("?".into()), Part::Image(Image { source: data, detail: None })];
    assert_eq!(
        body_of(PLAIN, &ask(vec![Message::User { name: None, parts }]))["messages"][0]["content"],
        json!([
            {"type": "image", "source": {"type": "url", "url": "https://a.example.com/b.png"}},
            text("?"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
        ])
    );
}

#[test]
fn empty_text_is_left_out_and_a_lone_instruction_is_asked() {
    let body = body_of(PLAIN, &ask(vec![system(""), user(""), said(" "), user("Hi")]));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [text("Hi")]}]));
    let body = body_of(PLAIN, &ask(vec![system("Be kind."), system("Greet me.")]));
    assert_eq!(body["system"], json!([text("Be kind.")]));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [text("Greet me.")]}]));
}

#[test]
fn tool_choices_are_mapped() {
    let choice = |choice, parallel| {
        body_of(PLAIN, &ChatRequest { parallel_tool_calls: parallel, ..tooled(choice) })["tool_choice"]
            .clone()
    };
    assert_eq!(choice(ToolChoice::Auto, None), Value::Null);
    assert_eq!(choice(ToolChoice::Auto, Some(true)), Value::Null);
    assert_eq!(
        choice(ToolChoice::Auto, Some(false)),
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    assert_eq!(choice(ToolChoice::None, Some(false)), json!({"type": "none"}));
    assert_eq!(choice(ToolChoice::Required, None), json!({"type": "any"}));
    let without_tools = ChatRequest { tool_choice: ToolChoice::Required, ..ask(vec![user("Hi")]) };
    assert_eq!(body_of(PLAIN, &without_tools)["tool_choice"], Value::Null);
}

#[test]
fn a_forced_tool_is_asked_for_in_words_where_it_cannot_be_forced() {
    let body = body_of("claude-opus-5-5", &tooled(ToolChoice::Named("look".into())));
    assert_eq!(body["tool_choice"], Value::Null);
    assert_eq!(body["system"], json!([text("Answer this turn by calling the tool `look`.")]));
}

#[test]
fn a_tool_without_parameters_still_has_a_schema() {
    let empty = json!({"type": "object", "properties": {}});
    for parameters in [None, Some(json!({}))] {
        let request = ChatRequest { tools: vec![tool(parameters, None)], ..ask(vec![user("Hi")]) };
        assert_eq!(body_of(PLAIN, &request)["tools"][0]["input_schema"], empty);
    }
}

#[test]
fn strict_tools_are_strict_where_the_model_knows_how() {
    let parameters = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}});
    let request =
        ChatRequest { tools: vec![tool(Some(parameters.clone()), Some(true))], ..ask(vec![user("Hi")]) };
    let strict = &body_of(PLAIN, &request)["tools"][0];
    assert_eq!(strict["strict"], json!(true));
    assert_eq!(strict["input_schema"]["additionalProperties"], json!(false));
    assert_eq!(strict["input_schema"]["properties"]["n"]["description"], json!("{minimum: 1}"));
    let loose = &body_of("claude-sonnet-4-20250514", &request)["tools"][0];
    assert_eq!((&loose["strict"], &loose["input_schema"]), (&Value::Null, &parameters));
}

#[test]
fn a_schema_constrains_the_output_or_is_asked_for_in_words() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let response_format = ResponseFormat::JsonSchema {
        name: "x".into(),
        description: None,
        schema: raw(&schema),
        strict: None,
    };
    let request = ChatRequest { response_format, ..ask(vec![user("Hi")]) };
    let body = body_of(PLAIN, &request);
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "additionalProperties": false});
    assert_eq!(body["output_config"], json!({"format": {"type": "json_schema", "schema": closed}}));
    assert_eq!(body["system"], Value::Null);
    let body = body_of("glm-5", &request);
    assert_eq!(body["output_config"], Value::Null);
    assert!(body["system"][0]["text"].as_str().unwrap().ends_with(&schema.to_string()));
}

#[test]
fn json_mode_is_asked_for_in_words_after_the_instructions() {
    let request = ChatRequest {
        response_format: ResponseFormat::JsonObject,
        ..ask(vec![system("Be kind."), user("Hi")])
    };
    let body = body_of("claude-opus-5-5", &request);
    assert_eq!(body["system"][0], text("Be kind."));
    assert!(body["system"][1]["text"].as_str().unwrap().contains("JSON object"));
}

#[test]
fn a_budget_is_a_share_of_the_output_limit_and_excludes_sampling() {
    let body = body_of(PLAIN, &thoughtful(ReasoningEffort::Medium, 10_000));
    assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 5000}));
    assert_eq!(body["temperature"], Value::Null);
    for (effort, max_tokens, budget) in [
        (ReasoningEffort::Low, 2_000, json!(1024)),
        (ReasoningEffort::High, 64_000, json!(32_000)),
        (ReasoningEffort::Xhigh, 10_000, json!(9_000)),
        (ReasoningEffort::High, 1024, Value::Null),
        (ReasoningEffort::None, 10_000, Value::Null),
    ] {
        let body = body_of(PLAIN, &thoughtful(effort, max_tokens));
        assert_eq!(body["thinking"]["budget_tokens"], budget, "{effort:?} of {max_tokens}");
        assert_eq!(body["temperature"].is_null(), !budget.is_null());
    }
}

#[test]
fn a_budget_is_left_out_where_the_api_would_refuse_it() {
    let thoughtful = thoughtful(ReasoningEffort::High, 10_000);
    let forced = ChatRequest { sampling: thoughtful.sampling.clone(), ..tooled(ToolChoice::Required) };
    assert_eq!(body_of(PLAIN, &forced)["thinking"], Value::Null);
    let mut amid = thoughtful;
    amid.messages.extend([called("a", "{}"), result("a", "1")]);
    assert_eq!(body_of(PLAIN, &amid)["thinking"], Value::Null);
    amid.messages.push(user("Thanks"));
    assert_eq!(body_of(PLAIN, &amid)["thinking"]["type"], json!("enabled"));
}

#[test]
fn effort_is_said_as_each_generation_wants_it() {
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    for (code, effort, thinking, level) in [
        ("claude-opus-4-6", ReasoningEffort::Xhigh, adaptive.clone(), json!("max")),
        ("claude-opus-4-8", ReasoningEffort::Xhigh, adaptive.clone(), json!("xhigh")),
        ("claude-sonnet-5", ReasoningEffort::Minimal, adaptive.clone(), json!("low")),
        ("claude-haiku-5-5", ReasoningEffort::Medium, adaptive, json!("medium")),
        ("claude-opus-4-8", ReasoningEffort::None, Value::Null, Value::Null),
        ("claude-opus-5", ReasoningEffort::None, json!({"type": "disabled"}), Value::Null),
        ("claude-sonnet-5-5", ReasoningEffort::None, json!({"type": "between_tools"}), Value::Null),
        ("claude-opus-5-5", ReasoningEffort::None, Value::Null, json!("low")),
        ("claude-3-5-haiku-latest", ReasoningEffort::High, Value::Null, Value::Null),
    ] {
        let body = body_of(code, &thoughtful(effort, 10_000));
        assert_eq!((&body["thinking"], &body["output_config"]["effort"]), (&thinking, &level), "{code}");
    }
}

#[test]
fn sampling_is_sent_to_those_who_take_it() {
    let sampling = Sampling { temperature: Some(0.5), top_p: Some(0.9), ..Sampling::default() };
    let request = ChatRequest { sampling, ..ask(vec![user("Hi")]) };
    for (code, temperature, top_p) in [
        ("claude-haiku-4-5", json!(0.5), Value::Null),
        ("claude-opus-4-7", Value::Null, Value::Null),
        ("claude-sonnet-5-5", Value::Null, Value::Null),
        ("kimi-k2", json!(0.5), json!(0.9)),
    ] {
        let body = body_of(code, &request);
        assert_eq!((&body["temperature"], &body["top_p"]), (&temperature, &top_p), "{code}");
    }
}

#[test]
fn the_agents_instructions_are_never_the_users_words() {
    for blank in [vec![user(" ")], vec![user("")], vec![said("")], vec![]] {
        let messages = std::iter::once(system("You help.")).chain(blank).collect();
        let body = body_of(PLAIN, &ask(messages));
        assert_eq!(body["system"][0]["text"], "You help.");
        assert_eq!(
            body["messages"],
            json!([{"role": "user", "content": [{"type": "text", "text": "Continue."}]}])
        );
    }
    let body = body_of(PLAIN, &ask(vec![system("You help."), system("What is 2+2?")]));
    assert_eq!(body["messages"][0]["content"][0]["text"], "What is 2+2?");
}

#[test]
fn no_thinking_is_asked_for_beside_a_forced_tool_or_an_answer_that_was_begun() {
    let effort = |request: ChatRequest| {
        let sampling = Sampling {
            reasoning_effort: Some(ReasoningEffort::Low),
            max_output_tokens: Some(8_000),
            ..Sampling::default()
        };
        ChatRequest { sampling, ..request }
    };
    let begun = || effort(ask(vec![user("Hi"), said("{")]));
    for code in ["claude-sonnet-4-5", "claude-haiku-4-5"] {
        assert_eq!(body_of(code, &begun()).get("thinking"), None, "{code}");
    }
    for code in ["claude-sonnet-4-5", "claude-opus-4-8", "claude-sonnet-4-6"] {
        let body = body_of(code, &effort(tooled(ToolChoice::Required)));
        assert_eq!((body.get("thinking"), &body["tool_choice"]["type"]), (None, &json!("any")), "{code}");
        assert!(body_of(code, &effort(tooled(ToolChoice::Auto))).get("thinking").is_some(), "{code}");
    }
}
