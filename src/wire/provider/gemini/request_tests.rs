use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{decode, encode};
use crate::domain::dialect;
use crate::domain::message::{
    AssistantPart, ChatRequest, Image, ImageSource, Message, Part, ReasoningEffort, ResponseFormat, Sampling,
    Tool, ToolCall, ToolChoice,
};
use crate::domain::provider::Wire;
use crate::wire::provider::{Outgoing, Target};

/// Takes every parameter the protocol has.
const PLAIN: &str = "gemini-2.5-flash";
const NEW: &str = "gemini-3.8-flash";

fn outgoing(code: &str, request: &ChatRequest, stream: bool) -> Outgoing {
    let dialect = &dialect::resolve(Wire::Gemini, "gemini", None, code, None);
    encode(Target { dialect, code }, request, stream).outgoing
}

fn body_of(code: &str, request: &ChatRequest) -> Value {
    serde_json::from_slice(&outgoing(code, request, false).body).unwrap()
}

fn config_of(code: &str, request: &ChatRequest) -> Value {
    body_of(code, request)["generationConfig"].clone()
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

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall::new(id, name, arguments)
}

fn called(tool_calls: Vec<ToolCall>) -> Message {
    Message::Assistant { parts: tool_calls.into_iter().map(AssistantPart::ToolCall).collect() }
}

fn result(id: &str, text: &str) -> Message {
    Message::tool(id, text)
}

fn ask(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..ChatRequest::default() }
}

fn look() -> Tool {
    let parameters = raw(&json!({"type": "object", "properties": {"q": {"type": "string"}}}));
    Tool {
        name: "look".into(),
        description: Some("Looks".into()),
        parameters: Some(parameters),
        strict: Some(true),
        cache: None,
    }
}

fn formatted(response_format: ResponseFormat, tools: Vec<Tool>) -> ChatRequest {
    ChatRequest { response_format, tools, ..ask(vec![system("Be kind."), user("Hi")]) }
}

fn schema() -> ResponseFormat {
    let schema = raw(&json!({"type": "object", "minProperties": 1}));
    ResponseFormat::JsonSchema { name: "x".into(), description: None, schema, strict: Some(true) }
}

#[test]
fn the_least_request_has_only_what_is_required() {
    let outgoing = outgoing(PLAIN, &ask(vec![user("Hi")]), false);
    assert_eq!(outgoing.path, "/models/gemini-2.5-flash:generateContent");
    assert!(outgoing.headers.is_empty());
    let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
    let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
    assert_eq!(body, json!({"contents": contents, "generationConfig": {}}));
}

#[test]
fn a_code_cannot_leave_its_collection() {
    for (code, path) in [
        (PLAIN, "/models/gemini-2.5-flash"),
        ("tunedModels/mine", "/tunedModels/mine"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("../files", "/files"),
        ("a?key=1#b", "/models/a%3Fkey%3D1%23b"),
        ("%2e%2e", "/models/%252e%252e"),
    ] {
        let outgoing = outgoing(code, &ask(vec![user("Hi")]), true);
        assert_eq!(outgoing.path, format!("{path}:streamGenerateContent?alt=sse"), "{code}");
    }
}

#[test]
fn every_field_finds_its_place() {
    let request = ChatRequest {
        sampling: Sampling {
            temperature: Some(1.5),
            top_p: Some(0.9),
            max_output_tokens: Some(300),
            stop: vec!["END".into()],
            seed: Some(7),
            reasoning_effort: Some(ReasoningEffort::Medium),
            n: Some(2),
        },
        tools: vec![look()],
        tool_choice: ToolChoice::Named("look".into()),
        user: Some("u-1".into()),
        ..ask(vec![system("Be kind."), system("Be brief."), user("Hi")])
    };
    assert_eq!(
        body_of(PLAIN, &request),
        json!({
            "systemInstruction": {"parts": [{"text": "Be kind."}, {"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "tools": [{"functionDeclarations": [{"name": "look", "description": "Looks", "parametersJsonSchema":
                {"type": "object", "properties": {"q": {"type": "string"}}}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
            "generationConfig": {"temperature": 1.5, "topP": 0.9, "maxOutputTokens": 300, "stopSequences": ["END"],
                "seed": 7, "candidateCount": 2,
                "thinkingConfig": {"thinkingBudget": 8192, "includeThoughts": true}},
        })
    );
}

fn json_part(json: &str) -> Part {
    Part::Json(crate::domain::message::JsonText::parse(json).unwrap())
}

#[test]
fn results_stand_together_and_name_their_functions() {
    let request = ask(vec![
        user("Weather?"),
        called(vec![call("call_1", "weather", "{\"city\":\"Bonn\"}"), call("x-2", "time", "{\"zone\":")]),
        result("call_1", "{\"hour\": 7}"),
        Message::Tool { call_id: "x-2".into(), parts: vec![json_part("{\"hour\": 7}")], is_error: false },
        user("And?"),
        user("Go on."),
    ]);
    let calls = |first: Value, second: Value| json!({"role": "model", "parts": [first, second]});
    let results = |first: Value, second: Value| json!({"role": "user", "parts": [first, second]});
    let turns = body_of(NEW, &request)["contents"].clone();
    assert_eq!(
        turns[1],
        calls(
            json!({"functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Bonn"}},
                "thoughtSignature": "skip_thought_signature_validator"}),
            json!({"functionCall": {"id": "x-2", "name": "time", "args": {"arguments": "{\"zone\":"}}}),
        )
    );
    assert_eq!(
        turns[2],
        results(
            json!({"functionResponse": {"id": "call_1", "name": "weather", "response": {"output": "{\"hour\": 7}"}}}),
            json!({"functionResponse": {"id": "x-2", "name": "time", "response": {"hour": 7}}}),
        )
    );
    assert_eq!(turns[3], json!({"role": "user", "parts": [{"text": "And?"}, {"text": "Go on."}]}));
    let turns = body_of(PLAIN, &request)["contents"].clone();
    assert_eq!(
        turns[1],
        calls(
            json!({"functionCall": {"name": "weather", "args": {"city": "Bonn"}}}),
            json!({"functionCall": {"id": "x-2", "name": "time", "args": {"arguments": "{\"zone\":"}}}),
        )
    );
    let unnamed = json!({"functionResponse": {"name": "weather", "response": {"output": "{\"hour\": 7}"}}});
    assert_eq!(turns[2]["parts"][0], unnamed);
}

#[test]
fn a_signature_that_was_issued_is_sent_back_with_its_call() {
    let reply = decode(include_bytes!("../../../../tests/fixtures/gemini/tools.json")).unwrap();
    let calls: Vec<_> = reply.choices[0].calls().cloned().collect();
    let id = calls[0].id.clone();
    let body = body_of(NEW, &ask(vec![user("Weather?"), called(calls), result(&id, "sun")]));
    let parts = &body["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], json!("Eqo+Cqc+Ab4/9vtgONaaz6o="));
    assert_eq!(parts[0]["functionCall"]["id"], json!("8f2b1a3c"));
    assert_eq!(parts[1]["thoughtSignature"], Value::Null);
    assert_eq!(body["contents"][2]["parts"][0]["functionResponse"]["id"], json!("8f2b1a3c"));
}

#[test]
fn images_go_by_address_or_in_base64() {
    let url = |url: &str| Part::Image(Image { source: ImageSource::Url(url.into()), detail: None });
    let data = ImageSource::Data { media_type: "image/png".into(), base64: "iVBORw==".into() };
    let parts = vec![
        url("https://a.example.com/b.JPG?x=.png"),
        url("https://a.example.com/b"),
        Part::Text(String::new()),
        Part::Image(Image { source: data, detail: Some("low".into()) }),
    ];
    assert_eq!(
        body_of(PLAIN, &ask(vec![Message::User { name: None, parts }]))["contents"][0]["parts"],
        json!([
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://a.example.com/b.JPG?x=.png"}},
            {"fileData": {"fileUri": "https://a.example.com/b"}},
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
        ])
    );
}

#[test]
fn an_instruction_of_the_client_that_stands_alone_is_asked() {
    let body = body_of(PLAIN, &ask(vec![system("You help."), system("Greet me.")]));
    assert_eq!(body["systemInstruction"]["parts"], json!([{"text": "You help."}]));
    assert_eq!(body["contents"], json!([{"role": "user", "parts": [{"text": "Greet me."}]}]));
}

#[test]
fn tool_choices_are_mapped() {
    for (tool_choice, mode) in [
        (ToolChoice::Auto, Value::Null),
        (ToolChoice::None, json!("NONE")),
        (ToolChoice::Required, json!("ANY")),
    ] {
        let request = ChatRequest { tools: vec![look()], tool_choice, ..ask(vec![user("Hi")]) };
        assert_eq!(body_of(PLAIN, &request)["toolConfig"]["functionCallingConfig"]["mode"], mode);
    }
    let request = ChatRequest { tool_choice: ToolChoice::Required, ..ask(vec![user("Hi")]) };
    assert_eq!(body_of(PLAIN, &request)["toolConfig"], Value::Null);
}

#[test]
fn json_is_a_parameter() {
    let config = config_of(PLAIN, &formatted(ResponseFormat::JsonObject, vec![]));
    assert_eq!(config, json!({"responseMimeType": "application/json"}));
    let expected = json!({"responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "minProperties": 1}});
    assert_eq!(config_of(PLAIN, &formatted(schema(), vec![])), expected);
    assert_eq!(config_of(NEW, &formatted(schema(), vec![look()])), expected);
}

#[test]
fn json_is_asked_for_in_words_where_tools_exclude_it() {
    let body = body_of(PLAIN, &formatted(schema(), vec![look()]));
    assert_eq!(body["generationConfig"], json!({}));
    let parts = &body["systemInstruction"]["parts"];
    assert_eq!(parts[0], json!({"text": "Be kind."}));
    assert!(parts[1]["text"].as_str().unwrap().contains("\"minProperties\":1"));
}

#[test]
fn sampling_is_sent_to_those_who_take_it() {
    let sampling = Sampling { temperature: Some(0.5), top_p: Some(0.9), ..Sampling::default() };
    let request = ChatRequest { sampling, ..ask(vec![user("Hi")]) };
    assert_eq!(config_of("gemini-3.5-flash", &request), json!({"temperature": 0.5, "topP": 0.9}));
    assert_eq!(config_of("gemini-4-argon", &request), json!({}));
}

#[test]
fn seeds_of_64_bits_are_folded() {
    for (given, sent) in [(-1, -1), (i64::from(i32::MAX), i32::MAX), (1 << 32, 0), ((1 << 32) + 5, 5)] {
        let sampling = Sampling { seed: Some(given), ..Sampling::default() };
        assert_eq!(config_of(PLAIN, &ChatRequest { sampling, ..ask(vec![user("Hi")]) })["seed"], json!(sent));
    }
}

#[test]
fn effort_is_said_as_each_generation_wants_it() {
    let budget = |tokens: u32| json!({"thinkingBudget": tokens, "includeThoughts": true});
    let level = |level: &str| json!({"thinkingLevel": level, "includeThoughts": true});
    for (code, effort, expected) in [
        ("gemini-2.0-flash", ReasoningEffort::High, Value::Null),
        ("gemini-2.5-flash", ReasoningEffort::None, json!({"thinkingBudget": 0})),
        ("gemini-2.5-pro", ReasoningEffort::None, json!({"thinkingBudget": 128})),
        ("gemini-2.5-flash", ReasoningEffort::Low, budget(1024)),
        ("gemini-2.5-pro", ReasoningEffort::Xhigh, budget(24_576)),
        ("gemini-3.6-flash", ReasoningEffort::None, json!({"thinkingLevel": "MINIMAL"})),
        ("gemini-3.8-flash", ReasoningEffort::None, json!({"thinkingLevel": "LOW"})),
        ("gemini-3.8-flash", ReasoningEffort::Medium, level("MEDIUM")),
        ("gemini-4-argon", ReasoningEffort::Xhigh, level("HIGH")),
    ] {
        let sampling = Sampling { reasoning_effort: Some(effort), ..Sampling::default() };
        let request = ChatRequest { sampling, ..ask(vec![user("Hi")]) };
        assert_eq!(config_of(code, &request)["thinkingConfig"], expected, "{code} {effort:?}");
    }
}

#[test]
fn the_agents_instructions_are_never_the_users_words() {
    for blank in [vec![user("")], vec![Message::assistant("")], vec![]] {
        let messages = std::iter::once(system("You help.")).chain(blank).collect();
        let body = body_of("gemini-2.5-flash", &ask(messages));
        assert_eq!(body["systemInstruction"]["parts"], json!([{"text": "You help."}]), "{body}");
        assert_eq!(body["contents"], json!([{"role": "user", "parts": [{"text": "Continue."}]}]), "{body}");
    }
}

#[test]
fn a_forced_tool_and_a_format_do_not_go_together() {
    let forced = ChatRequest { tool_choice: ToolChoice::Required, ..formatted(schema(), vec![look()]) };
    let body = body_of("gemini-3.5-flash", &forced);
    assert_eq!(body["toolConfig"]["functionCallingConfig"]["mode"], "ANY");
    assert_eq!(body["generationConfig"].get("responseMimeType"), None, "{body}");
    let free = body_of("gemini-3.5-flash", &formatted(schema(), vec![look()]));
    assert_eq!(free["generationConfig"]["responseMimeType"], "application/json");
}

#[test]
fn penalties_are_sent_only_to_models_of_before() {
    let mut request = ask(vec![user("Hi")]);
    for name in ["presence_penalty", "frequency_penalty"] {
        let place = crate::domain::extra::Extra::find(name).unwrap();
        assert!(request.extras.put(place, serde_json::from_str("1").unwrap()).is_ok());
    }
    for (code, is_sent) in
        [("gemini-2.0-flash", true), ("gemini-2.5-flash", false), ("gemini-3.5-flash", false)]
    {
        let sent = config_of(code, &request);
        assert_eq!(sent.get("presencePenalty").is_some(), is_sent, "{code}");
        assert_eq!(sent.get("frequencyPenalty").is_some(), is_sent, "{code}");
    }
}
