use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::message::{
    AssistantPart, Audio, AudioFormat, CachePoint, CacheTtl, File, FileSource, Message, Part,
    ReasoningEffort, ResponseFormat, ToolChoice,
};
use crate::domain::provider::Wire;
use crate::domain::{dialect, extra};
use crate::wire::provider::{self, Target};

fn read(body: &Value) -> Result<Parsed, Invalid> {
    parse(body.to_string().as_bytes())
}

/// A sound request with these fields set.
fn with(fields: &Value) -> Value {
    let mut body = json!({"model": "helper", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn fault(fields: &Value) -> Invalid {
    read(&with(fields)).unwrap_err()
}

#[test]
fn the_least_request_leaves_everything_to_the_provider() {
    let parsed = read(&with(&json!({}))).unwrap();
    assert_eq!((parsed.model.as_str(), parsed.stream, parsed.include_usage), ("helper", false, false));
    assert_eq!(parsed.request.messages, [Message::User { name: None, parts: vec![Part::Text("Hi".into())] }]);
    assert_eq!(parsed.request.sampling, Sampling::default());
    assert_eq!(parsed.request.tool_choice, ToolChoice::Auto);
    assert!(matches!(parsed.request.response_format, ResponseFormat::Text));
}

#[test]
fn everything_that_can_be_asked_is_read() {
    let parsed = read(&with(&json!({
        "temperature": 2, "top_p": 0.5, "max_completion_tokens": 64, "stop": ["a", "b"], "seed": -7, "n": 8,
        "reasoning_effort": "minimal", "user": "u-1", "metadata": {"k": "v"}, "parallel_tool_calls": false,
        "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false},
        "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required",
        "response_format": {"type": "json_object"}, "store": false, "verbosity": "low", "logit_bias": {"50256": -100},
    })))
    .unwrap();
    let expected = Sampling {
        temperature: Some(2.0),
        top_p: Some(0.5),
        max_output_tokens: Some(64),
        stop: vec!["a".into(), "b".into()],
        seed: Some(-7),
        reasoning_effort: Some(ReasoningEffort::Minimal),
        n: Some(8),
    };
    let request = parsed.request;
    assert_eq!(request.sampling, expected);
    assert_eq!((parsed.stream, parsed.include_usage), (true, true));
    assert_eq!((request.user.as_deref(), request.metadata["k"].as_str()), (Some("u-1"), "v"));
    assert_eq!((request.parallel_tool_calls, request.tool_choice), (Some(false), ToolChoice::Required));
    assert_eq!(request.tools.len(), 1);
    assert!(matches!(request.response_format, ResponseFormat::JsonObject));
}

#[test]
fn what_a_client_asked_a_provider_is_asked() {
    let body = with(&json!({
        "temperature": 0.25, "top_p": 1, "max_completion_tokens": 64, "stop": ["a"], "seed": -7, "n": 2,
        "reasoning_effort": "high", "user": "u-1", "parallel_tool_calls": true,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "high"}},
            ]},
            {"role": "assistant", "content": null, "annotations": [], "audio": null, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}},
            ]},
            {"role": "tool", "tool_call_id": "1", "content": "ok"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}, "strict": false,
        }}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    }));
    let asked = read(&body).unwrap().request;
    let code = "gpt-4.1-mini";
    let dialect = &dialect::resolve(Wire::OpenAi, "openai", None, code, None);
    let sent = parse(&provider::encode(Target { dialect, code }, &asked, true).outgoing.body).unwrap();
    assert_eq!(format!("{:?}", sent.request), format!("{asked:?}"));
    assert_eq!((sent.model.as_str(), sent.stream, sent.include_usage), ("gpt-4.1-mini", true, true));
}

#[test]
fn null_is_absence() {
    let names = [
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "seed",
        "n",
        "reasoning_effort",
        "user",
        "metadata",
        "parallel_tool_calls",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "response_format",
        "functions",
        "function_call",
        "audio",
    ];
    let fields: Value = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    assert_eq!(read(&with(&fields)).unwrap().request.sampling, Sampling::default());
}

#[test]
fn one_stop_sequence_needs_no_list() {
    assert_eq!(read(&with(&json!({"stop": "END"}))).unwrap().request.sampling.stop, ["END"]);
}

#[test]
fn the_older_name_of_the_limit_is_taken() {
    assert_eq!(read(&with(&json!({"max_tokens": 5}))).unwrap().request.sampling.max_output_tokens, Some(5));
    assert_eq!(
        fault(&json!({"max_tokens": 5, "max_completion_tokens": 6})).param.as_deref(),
        Some("max_tokens")
    );
}

#[test]
fn every_effort_is_read_and_the_highest_is_not_the_one_below_it() {
    for (word, effort) in [
        ("none", ReasoningEffort::None),
        ("minimal", ReasoningEffort::Minimal),
        ("xhigh", ReasoningEffort::Xhigh),
        ("max", ReasoningEffort::Max),
    ] {
        let parsed = read(&with(&json!({"reasoning_effort": word}))).unwrap();
        assert_eq!(parsed.request.sampling.reasoning_effort, Some(effort));
    }
}

#[test]
fn numbers_outside_their_range_are_refused_by_name() {
    for (param, values) in [
        ("temperature", vec![json!(-0.1), json!(2.1), json!(1e300), json!("1"), json!(true)]),
        ("top_p", vec![json!(-1), json!(1.01), json!([])]),
        ("n", vec![json!(0), json!(9), json!(-1), json!(1.5), json!(u64::MAX)]),
        ("max_tokens", vec![json!(0), json!(-5), json!(4_294_967_297_i64), json!(10_000_001), json!(2.5)]),
        ("max_completion_tokens", vec![json!(0), json!(i64::MIN)]),
        ("seed", vec![json!(1.5), json!(u64::MAX), json!("7")]),
        ("stop", vec![json!(["1", "2", "3", "4", "5"]), json!([""]), json!(7), json!("")]),
        ("reasoning_effort", vec![json!("heroic"), json!(3)]),
        ("stream", vec![json!("yes"), json!(1)]),
        ("user", vec![json!(1), json!("x".repeat(513))]),
        ("parallel_tool_calls", vec![json!(0)]),
    ] {
        for value in values {
            let fault = fault(&json!({param: value.clone()}));
            assert!(
                fault.param.as_deref().is_some_and(|at| at.starts_with(param)),
                "{param}={value}: {fault:?}"
            );
            assert!(fault.message.contains(param) || fault.message.contains("stop"), "{fault:?}");
        }
    }
}

#[test]
fn a_number_too_large_for_any_computer_is_refused() {
    let body = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1e999}"#;
    assert!(parse(body).is_err());
}

#[test]
fn metadata_has_openais_limits() {
    let many: Value = (0..17).map(|i| (format!("k{i}"), json!("v"))).collect();
    for metadata in
        [many, json!({"k".repeat(65): "v"}), json!({"k": "v".repeat(513)}), json!({"k": 1}), json!([])]
    {
        assert!(fault(&json!({"metadata": metadata})).param.unwrap().starts_with("metadata"));
    }
}

#[test]
fn a_field_that_nobody_reads_is_noted_wherever_it_stands() {
    let body = json!({
        "model": "m", "mood": 1, "stream": true, "stream_options": {"include_usage": true, "obfuscate": false},
        "messages": [
            {"role": "user", "name": "ada", "content": [{"type": "text", "text": "Hi", "tone": "warm"}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}", "x": {"y": 1}}}]},
            {"role": "tool", "name": "f", "tool_call_id": "c", "content": "ok"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "free": 1}, "z": 1}}],
    });
    let request = parse(body.to_string().as_bytes()).unwrap().request;
    let mut unknown = request.extras.unknown.clone();
    unknown.sort();
    assert_eq!(
        unknown,
        [
            "messages[0].content[0].tone",
            "messages[1].tool_calls[0].function.x",
            "messages[2].name",
            "mood",
            "stream_options.obfuscate",
            "tools[0].function.z",
        ]
    );
}

#[test]
fn extras_are_kept_letter_by_letter_and_unknown_fields_by_name() {
    let body = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"top_p":1,"min_p":0.10,
        "logit_bias":{"b": 1, "a": -1.0},"top_k":null,"instructions":"x","x":[[]]}"#;
    let extras = parse(body).unwrap().request.extras;
    let kept: Vec<_> = extras.iter().map(|(place, json)| (extra::TABLE[place].name, json.as_str())).collect();
    assert_eq!(kept, [("min_p", "0.10"), ("logit_bias", r#"{"b": 1, "a": -1.0}"#)]);
    assert_eq!(extras.unknown, ["instructions", "x"]);
}

#[test]
fn an_extra_of_another_shape_is_refused_by_name() {
    for (fields, words) in [
        (json!({"top_logprobs": 21}), "`top_logprobs` must be an integer from 0 to 20"),
        (json!({"service_tier": "priority"}), "`service_tier` must be one of auto, default, flex"),
        (json!({"logprobs": "yes", "min_p": 7}), "`logprobs` must be true or false"),
    ] {
        let fault = fault(&fields);
        assert_eq!(fault.message, words);
        assert!(fields.get(fault.param.as_deref().unwrap()).is_some());
    }
}

#[test]
fn a_field_stands_once() {
    for twice in [r#""n":1,"n":1"#, r#""top_k":1,"top_k":1"#, r#""messages":[],"messages":[]"#] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{twice}}}"#);
        let fault = parse(body.as_bytes()).unwrap_err();
        assert!(fault.message.contains("duplicate field"), "{fault:?}");
    }
}

#[test]
fn files_and_audio_are_read_as_they_are_sent() {
    let of = |part: Value| {
        let parsed = read(&with(&json!({"messages": [{"role": "user", "content": [part]}]})));
        parsed.map(|parsed| parsed.request.messages[0].given()[0].clone())
    };
    let file = |file: Value| of(json!({"type": "file", "file": file}));
    let part = |source, name: Option<&str>, media_type: Option<&str>| {
        Part::File(File { source, name: name.map(str::to_owned), media_type: media_type.map(str::to_owned) })
    };
    let data = json!({"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"});
    let read = part(FileSource::Data("JVBE".into()), Some("a.pdf"), Some("application/pdf"));
    assert_eq!(file(data), Ok(read));
    let url = json!({"file_data": "https://a.example.com/a.pdf"});
    assert_eq!(file(url), Ok(part(FileSource::Url("https://a.example.com/a.pdf".into()), None, None)));
    assert_eq!(file(json!({"file_id": "file-1"})), Ok(part(FileSource::Id("file-1".into()), None, None)));
    let audio = json!({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}});
    assert_eq!(of(audio), Ok(Part::Audio(Audio { format: AudioFormat::Wav, data: "UklG".into() })));
    for (body, field) in [
        (json!({"file_id": "a", "file_data": "data:a/b;base64,AA"}), ".file"),
        (json!({"file_id": ""}), ".file.file_id"),
        (json!({"file_id": "x".repeat(256)}), ".file.file_id"),
        (json!({"file_id": "a", "filename": "x".repeat(256)}), ".file.filename"),
        (json!({"file_data": "JVBE"}), ".file.file_data"),
        (json!({"file_data": "http://127.0.0.1/a.pdf"}), ".file.file_data"),
        (json!({"file_data": "data:;base64,AA"}), ".file.file_data"),
        (json!({"file_data": "data:application/pdf;base64,"}), ".file.file_data"),
        (json!({"file_data": "data:application/pdf,AA"}), ".file.file_data"),
    ] {
        let fault = file(body.clone()).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(format!("messages[0].content[0]{field}").as_str()), "{body}");
    }
    let format = json!({"type": "input_audio", "input_audio": {"data": "UklG", "format": "midi"}});
    assert_eq!(of(format).unwrap_err().param.unwrap(), "messages[0].content[0].input_audio.format");
}

#[test]
fn marks_for_the_cache_stand_where_they_were_set() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let parsed = read(&with(&json!({
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": mark}]},
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "c", "cache_control": mark},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": mark}],
    })))
    .unwrap()
    .request;
    let hour = CachePoint { ttl: Some(CacheTtl::OneHour) };
    let text = |text: &str| Part::Text(text.into());
    let expected = [
        Message::System { text: "s".into(), cache: Some(hour) },
        Message::User {
            name: None,
            parts: vec![text("a"), Part::CachePoint(CachePoint::default()), text("b")],
        },
        Message::Assistant { parts: vec![AssistantPart::text("c"), AssistantPart::CachePoint(hour)] },
    ];
    assert_eq!((parsed.messages.as_slice(), parsed.tools[0].cache), (&expected[..], Some(hour)));
    let code = "claude-haiku-4-5";
    let dialect = &dialect::resolve(Wire::Anthropic, "anthropic", None, code, None);
    let sent = provider::encode(Target { dialect, code }, &parsed, false).outgoing.body;
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(sent["system"][0]["cache_control"], mark);
    assert_eq!(sent["messages"][0]["content"][0]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(sent["messages"][0]["content"][1].get("cache_control"), None);
    assert_eq!(
        (&sent["messages"][1]["content"][0]["cache_control"], &sent["tools"][0]["cache_control"]),
        (&mark, &mark)
    );
}

#[test]
fn stream_options_need_a_stream() {
    assert_eq!(fault(&json!({"stream_options": {}})).param.as_deref(), Some("stream_options"));
    let quiet = read(&with(&json!({"stream": true, "stream_options": {"include_usage": null}}))).unwrap();
    assert!(quiet.stream && !quiet.include_usage);
}

#[test]
fn what_would_silently_change_the_answer_is_refused() {
    for (param, value) in
        [("functions", json!([])), ("function_call", json!("auto")), ("audio", json!({"voice": "x"}))]
    {
        assert_eq!(fault(&json!({param: value})).param.as_deref(), Some(param));
    }
}

#[test]
fn a_request_must_say_who_and_what() {
    let param = |body: Value| read(&body).unwrap_err().param;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    assert_eq!(param(json!({"messages": messages})).as_deref(), Some("model"));
    assert_eq!(param(json!({"messages": messages, "model": ""})).as_deref(), Some("model"));
    assert_eq!(param(json!({"messages": messages, "model": 7})).as_deref(), Some("model"));
    assert_eq!(param(json!({"model": "m"})).as_deref(), Some("messages"));
    assert_eq!(param(json!({"model": "m", "messages": []})).as_deref(), Some("messages"));
    assert_eq!(param(json!({"model": "m", "messages": "Hi"})).as_deref(), Some("messages"));
}

#[test]
fn what_is_no_json_has_no_field_to_blame() {
    for body in
        [b"".as_slice(), b"{", b"{\"model\":", b"<html>", b"{\"model\":\"\xff\"}", b"{} {}", b"{\"a\":1,}"]
    {
        let fault = parse(body).unwrap_err();
        assert_eq!(fault.param, None, "{fault:?}");
        assert!(fault.message.starts_with("the body is not JSON: "), "{fault:?}");
    }
    for body in [b"[]".as_slice(), b"null", b"7", b"\"x\""] {
        let fault = parse(body).unwrap_err();
        assert_eq!(fault.param, None, "{fault:?}");
        assert!(fault.message.contains("expected an object"), "{fault:?}");
    }
}

#[test]
fn faults_deep_inside_are_named_by_their_path_and_in_json_words() {
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    for (fields, param, word) in [
        (
            json!({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": 5}]}),
            "messages[1].content",
            "a string or an array",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}),
            "messages[0].content[0].text",
            "a string",
        ),
        (
            json!({"messages": [{"role": "user", "content": ["hi"]}]}),
            "messages[0].content[0]",
            "a content part object",
        ),
        (
            json!({"messages": [{"role": "king", "content": "hi"}]}),
            "messages[0].role",
            "a role is `system`, `developer`, `user`, `assistant` or `tool`",
        ),
        (json!({"messages": ["hi"]}), "messages[0]", "a message object"),
        (json!({"tools": {}}), "tools", "an array"),
        (
            json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": 5}}}),
            "tool_choice.function.name",
            "a string",
        ),
        (json!({"tools": tools, "n": "2"}), "n", "an integer"),
        (json!({"tools": tools, "temperature": "hot"}), "temperature", "a number"),
        (json!({"response_format": {"type": "xml"}}), "response_format.type", "unknown value `xml`"),
    ] {
        let fault = fault(&fields);
        assert_eq!(fault.param.as_deref(), Some(param), "{fault:?}");
        assert!(fault.message.contains(word), "{fault:?}");
    }
}

#[test]
fn only_what_is_taken_is_recommended() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let called = |kind: &str| json!([{"role": "assistant", "tool_calls": [{"type": kind, "id": "c"}]}]);
    let said = |role: &str, kind: &str| json!([{"role": role, "content": [{"type": kind, "refusal": "No"}]}]);
    for kind in ["web_search", "custom", "allowed_tools", "refusal", "video", ""] {
        for (fields, param, taken) in [
            (json!({"tools": [{"type": kind}]}), "tools[0].type", &["function"] as &[&str]),
            (json!({"tools": tools, "tool_choice": {"type": kind}}), "tool_choice.type", &["function"]),
            (json!({"messages": called(kind)}), "messages[0].tool_calls[0].type", &["function"]),
            (
                json!({"messages": said("user", kind)}),
                "messages[0].content[0].type",
                &["text", "image_url", "file", "input_audio"],
            ),
        ] {
            let fault = fault(&fields);
            assert_eq!(fault.param.as_deref(), Some(param), "{fault:?}");
            let named: Vec<&str> = fault.message.split('`').skip(1).step_by(2).collect();
            assert_eq!(named, taken, "{}", fault.message);
        }
    }
}

#[test]
fn a_fault_is_never_as_long_as_what_it_faults() {
    assert!(fault(&json!({"n": "x".repeat(100_000)})).message.len() < 500);
}

/// Any JSON, with a liking for the names of the protocol.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        3 => prop::sample::select(vec![
            "model", "messages", "role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name",
            "arguments", "id", "tool_call_id", "tools", "parameters", "tool_choice", "response_format", "json_schema",
            "schema", "stop", "n", "stream", "stream_options", "metadata", "temperature", "max_tokens", "refusal",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "user",
            "assistant",
            "tool",
            "system",
            "text",
            "image_url",
            "function",
            "data:image/png;base64,AA",
            "data:",
            "data:,",
            "https://example.com/a",
            "http://[",
            "auto",
            "json_schema",
            "",
        ])
        .prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(json in any_json()) {
        let _ = read(&json);
    }

    #[test]
    fn no_messages_make_it_panic(messages in prop::collection::vec(any_json(), 0..4), tools in any_json()) {
        if let Err(fault) = read(&json!({"model": "m", "messages": messages, "tools": tools})) {
            prop_assert!(!fault.message.is_empty() && fault.message.len() < 3_000);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_damaged_request_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = with(&json!({
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "stop": ["é"], "temperature": 0.5,
        })).to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        if let Err(fault) = parse(&body) {
            prop_assert!(!fault.message.is_empty());
        }
    }
}

#[test]
fn a_list_is_no_object_wherever_one_belongs() {
    for (body, param) in [
        (r#"["m",[{"role":"user","content":"x"}]]"#, ""),
        (r#"{"model":"m","messages":[["user","x"]]}"#, "messages[0]"),
        (r#"{"model":"m","messages":[{"role":"user","content":[["text","x"]]}]}"#, "messages[0].content[0]"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":["https://a.example.com/x.png"]}]}]}"#,
            "messages[0].content[0].image_url",
        ),
        (
            r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[["a"]]}]}"#,
            "messages[0].tool_calls[0]",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"x","cache_control":["ephemeral"]}]}"#,
            "messages[0].cache_control",
        ),
        (r#"{"model":"m","messages":[],"tools":[["function"]]}"#, "tools[0]"),
        (
            r#"{"model":"m","messages":[],"tools":[{"type":"function","function":["f"]}]}"#,
            "tools[0].function",
        ),
        (r#"{"model":"m","messages":[],"stream_options":[true]}"#, "stream_options"),
        (r#"{"model":"m","messages":[],"response_format":["text"]}"#, "response_format"),
    ] {
        let invalid = parse(body.as_bytes()).unwrap_err();
        assert_eq!(invalid.param.as_deref().unwrap_or_default(), param, "{body}: {invalid:?}");
        assert!(invalid.message.contains("array") || param.is_empty(), "{invalid:?}");
    }
}
