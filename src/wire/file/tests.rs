use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::agent::Tool;

fn written(syntax: Syntax, agents: &[Fields]) -> String {
    let mut writer = Writer::new(syntax);
    let mut text = writer.open();
    for fields in agents {
        writer.agent(fields, &mut text);
    }
    text + writer.close()
}

fn read_back(text: &str) -> Vec<Fields> {
    let entries = read(text, None).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let sound = |entry: Entry| {
        assert_eq!(entry.faults, [], "{text}");
        entry.fields.unwrap()
    };
    entries.into_iter().map(sound).collect()
}

fn yaml(text: &str) -> Value {
    match yaml_read::documents(text).unwrap_or_else(|error| panic!("{error}: {text}")).as_slice() {
        [one] => one.clone(),
        many => panic!("{many:?}"),
    }
}

fn fault(text: &str) -> String {
    read(text, None).unwrap_err().to_string()
}

/// Texts in which everything that YAML could trip over is likely.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,6}",
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "\n", "\n\n", " ", "\t", "\r\n", ": ", " #", "- ", "---", "...", "|", ">", "'", "\"", "\\",
            "yes", "null", "~", "0x1F", "1e3", "-0", ".inf", "{{tone}}", "%", "@", "`", "&a", "*a", "!t",
            "\u{85}", "\u{2028}", "\u{feff}", "\u{0}", "\u{7f}", "\u{fffe}", "😀",
        ])
        .prop_map(str::to_owned),
    ];
    // What looks like a secret is dropped from where names stand, which is no matter of syntax.
    let is_kept = |text: &String| !secrets::is_for_name(text) && !secrets::has_secret(text);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()).prop_filter("no secret", is_kept)
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has it", |number| number.is_finite()).prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(texts(), inner, 0..4)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    let config = prop::collection::btree_map(texts(), values(), 0..3);
    let text = || prop::option::of(texts());
    let texts = prop::option::of(prop::collection::vec(texts(), 0..3));
    (text(), text(), text(), text(), texts, config).prop_map(
        |(name, description, instructions, model, tools, config)| Fields {
            name,
            description,
            instructions,
            model,
            tools: tools.map(|names: Vec<String>| names.into_iter().map(Tool::Named).collect()),
            config: Some(config.into_iter().collect()),
            ..Fields::default()
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_what_it_was(agents in prop::collection::vec(fields(), 0..3)) {
        for syntax in [Syntax::Json, Syntax::Yaml, Syntax::Array] {
            let text = written(syntax, &agents);
            prop_assert_eq!(&read_back(&text), &agents, "{}", text);
        }
    }

    #[test]
    fn another_reader_of_yaml_reads_the_same(agents in prop::collection::vec(fields(), 0..3)) {
        let text = written(Syntax::Yaml, &agents);
        let read: Value = serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        prop_assert_eq!(&read["agents"], &json!(agents), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in texts()) {
        let _ = read(&text, None);
        let _ = read(&format!("a: {text}\nb: [{text}"), None);
    }
}

/// config-14.
#[test]
fn quoted_texts_and_brackets_may_go_on_at_the_margin() {
    for (text, value) in [
        ("a: \"x\ny\"\nb: 1\n", json!({"a": "x y", "b": 1})),
        ("a: 'x\n\n\ty'\n", json!({"a": "x\ny"})),
        ("a:\n  b: \"x\n  y\n z\"\n", json!({"a": {"b": "x y z"}})),
        ("- a: \"x\\\"\n  y\"\n  b: c\n", json!([{"a": "x\" y", "b": "c"}])),
        ("a: \"b\\\nc\"\r\nd: 'e''\r\nf'\r\n", json!({"a": "bc", "d": "e' f"})),
        ("ключ: [\"1\n2\"]\n", json!({"ключ": ["1 2"]})),
        (
            "a:\n  b: [\n  c, {\nd: 1,\n e: 2},\n]\nf: g\n",
            json!({"a": {"b": ["c", {"d": 1, "e": 2}]}, "f": "g"}),
        ),
    ] {
        assert_eq!(yaml(text), value, "{text}");
    }
    // What is wrong elsewhere is said as before, with its own line.
    for text in ["a: \"x\ny\"\nb: [\n", "a: 'x\n---\ny'\n", "a: \"x\ny\n", "a:\n\tb: c\n"] {
        assert!(yaml_read::documents(text).is_err(), "{text}");
    }
    assert!(fault("a: \"x\ny\"\nb: *none\n").contains("line 3"), "{}", fault("a: \"x\ny\"\nb: *none\n"));
}

#[test]
fn repairs_of_yaml_are_bounded() {
    let many = "a: \"x\ny\"\n".replace('a', "k").repeat(300_000);
    let wide = format!("{}a: \"{}\"\n", " ".repeat(60_000), "x\n".repeat(60_000));
    let brackets = format!("a: [\n{}]\n", "x,\n".repeat(300_000));
    for text in [many, wide, brackets] {
        let start = std::time::Instant::now();
        assert!(yaml_read::documents(&text).is_err());
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}

#[test]
fn a_key_that_is_too_long_for_its_colon_is_written_with_a_mark() {
    for length in [1_022, 1_023, 40_000] {
        let key = "k".repeat(length);
        let inner = json!({&key: {&key: ["x", {&key: "a\nb\n", "y": {}}]}, "z": 1});
        let fields = Fields { config: inner.as_object().cloned(), ..Fields::default() };
        let text = written(Syntax::Yaml, std::slice::from_ref(&fields));
        assert_eq!(text.contains("? \"k"), length > 1_022);
        assert_eq!(read_back(&text), [fields]);
    }
}

#[test]
fn merge_keys_lay_an_object_under_another() {
    let base = "- &a {name: a, model: openai:gpt-4o, config: {x: 1}}\n- &b {model: b:c, voice: p:v}\n";
    for (yaml_text, expected) in [
        ("- <<: *a\n  name: b\n", json!({"name": "b", "model": "openai:gpt-4o", "config": {"x": 1}})),
        ("- name: b\n  <<: *a\n", json!({"name": "b", "model": "openai:gpt-4o", "config": {"x": 1}})),
        (
            "- {<<: [*b, *a], name: c}\n",
            json!({"name": "c", "model": "b:c", "voice": "p:v", "config": {"x": 1}}),
        ),
        ("- {\"<<\": 1}\n", json!({"<<": 1})),
    ] {
        assert_eq!(yaml(&format!("{base}{yaml_text}"))[2], expected, "{yaml_text}");
    }
    for (text, word) in [
        ("a: {<<: 1}", "an object, or a list of objects"),
        ("a: {<<: [[]]}", "an object, or a list of objects"),
        ("a: &x {b: 1}\nc: {<<: *x, <<: *x}", "stands twice"),
    ] {
        assert!(fault(text).contains(word), "{text}: {}", fault(text));
    }
}

/// config-19: PyYAML takes `1e-7` for a text.
#[test]
fn numbers_are_written_so_that_every_reader_takes_them_as_numbers() {
    let fields = |config: Value| Fields { config: config.as_object().cloned(), ..Fields::default() };
    let numbers = json!({"f": [1e21, 1e-7, 5e-324, 1.5e300, -2.0, 0.1, 7, -7]});
    let text = written(Syntax::Yaml, &[fields(numbers.clone())]);
    let lines: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("- ")).skip(1).collect();
    assert_eq!(lines, ["1.0e+21", "1.0e-7", "5.0e-324", "1.5e+300", "-2.0", "0.1", "7", "-7"], "{text}");
    assert_eq!(read_back(&text), [fields(numbers)]);
}

#[test]
fn both_syntaxes_are_read_to_the_same_depth() {
    use crate::domain::json::MAX_DEPTH;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json(&nested(MAX_DEPTH)).is_ok() && yaml_read::documents(&nested(MAX_DEPTH)).is_ok());
    assert!(json(&nested(MAX_DEPTH + 1)).is_err() && yaml_read::documents(&nested(MAX_DEPTH + 1)).is_err());
    // An alias is as deep as what it stands for.
    let half = nested(MAX_DEPTH / 2);
    let twice =
        format!("- &a {half}\n- {}*a{}\n", "[".repeat(MAX_DEPTH / 2 + 2), "]".repeat(MAX_DEPTH / 2 + 2));
    assert!(yaml_read::documents(&twice).is_err());
    let under = "\u{feff}a: 1";
    assert!(read(under, None).is_ok() && json("\u{feff}{\"a\": 1}").is_ok());
}

#[test]
fn instructions_stand_as_people_write_them() {
    let fields: Fields = serde_json::from_value(json!({
        "slug": "triage", "name": "Triage Agent", "instructions": "Sort.\n\n  - the mail\n", "model": "a:b?x=1",
        "tools": ["web_search"], "labels": ["yes", "a: b"], "budget": {"limit_usd": "5.000000", "period": "day"},
        "config": {"variables": {"tone": null}},
    }))
    .unwrap();
    let expected = "format: retinue/agents\nversion: 1\nagents:\n- slug: triage\n  name: Triage Agent\n  labels:\n    \
        - \"yes\"\n    - \"a: b\"\n  instructions: |\n    Sort.\n\n      - the mail\n  model: \"a:b?x=1\"\n  tools:\n    \
        - web_search\n  budget:\n    limit_usd: \"5.000000\"\n    period: day\n    action: block\n  config:\n    \
        variables:\n      tone: null\n...\n";
    assert_eq!(written(Syntax::Yaml, &[fields]), expected);
}

#[test]
fn scalars_are_those_of_the_core_schema() {
    for (text, value) in [
        ("~", json!(null)),
        ("True", json!(true)),
        ("yes", json!("yes")),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("012", json!(12)),
        ("-7", json!(-7)),
        ("+1.5e3", json!(1500.0)),
        (".5", json!(0.5)),
        ("18446744073709551615", json!(u64::MAX)),
        ("1.2.3", json!("1.2.3")),
        ("0x", json!("0x")),
        ("-", json!([null])),
        ("'12'", json!("12")),
        ("!!str 12", json!("12")),
        ("! 12", json!("12")),
        ("!!int '12'", json!(12)),
        ("{a: &x [1], b: *x}", json!({"a": [1], "b": [1]})),
        ("1: a", json!({"1": "a"})),
        ("a: |\n  x\n  y\n", json!({"a": "x\ny\n"})),
        ("a: >-\n  x\n  y\n", json!({"a": "x y"})),
    ] {
        assert_eq!(yaml(text), value, "{text}");
    }
    for text in [
        ".inf",
        "-.inf",
        ".nan",
        "0xffffffffffffffffff",
        "18446744073709551616",
        "1e999",
        "!mine x",
        "!!binary eA==",
        "!!set {a}",
    ] {
        assert!(fault(&format!("name: {text}")).contains("line 1"), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_said_where_it_is() {
    for (text, words) in [
        ("name: a\nname: b\n", "line 2 column 1: `name` stands twice"),
        ("a: [1, 2", "expected ',' or ']'"),
        ("a: *nobody", "anchor"),
        ("a: &a [*a]", "holds itself"),
        ("? [a]\n: b\n", "a key must be a text"),
        ("# only a remark", "empty"),
        ("just words", "must be an object or a list"),
        ("agents: {}", "must be a list"),
        ("agents: [x]", "`agents[0]` must be an object"),
        ("- 1", "`agents[0]` must be an object"),
        ("agents: []\nformat: other/agents\n", "`format` must be retinue/agents"),
        ("agents: []\nversion: 2\n", "version 1"),
        ("agents: []\nagent: []\n", "`agent` is not known"),
        ("format: retinue/agents\nagents: [{name: a}]\nagent: []\n", "`agent` is not known"),
    ] {
        assert!(fault(text).contains(words), "{text}: {}", fault(text));
    }
}

#[test]
fn bombs_end_at_the_bounds() {
    let laughs = (1..20).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let of = vec![format!("*a{}", n - 1); 10].join(", ");
        text + &format!("a{n}: &a{n} [{of}]\n")
    });
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 100].join(", "));
    let wide = format!("[{}]", "0,".repeat(MANY));
    for (text, words) in [
        (laughs, "values"),
        (long, "bytes of text"),
        (wide.replace("[0,", "[ a, "), "values"),
        ("- ".repeat(MANY), "nested deeper"),
        ("? ".repeat(MANY), "line 1"),
        ("[".repeat(MANY), "values"),
        ("{a: ".repeat(MANY), "values"),
        ("- x\n".repeat(MANY), "values"),
    ] {
        assert!(fault(&text).contains(words), "{}", fault(&text));
    }
}

const MANY: usize = 1_000_000;

#[test]
fn a_folder_of_agents_is_several_documents() {
    let text = "name: a\n---\n# nothing\n---\n- name: b\n- name: c\n---\nagents: [{name: d}]\n";
    let names: Vec<_> = read_back(text).into_iter().map(|fields| fields.name.unwrap()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
}

#[test]
fn an_agent_of_a_configuration_folder_is_read_as_it_is() {
    let text = "name: Support\nmodel: openai:gpt-4o, fast:x?temperature=0.1\ninstructions: |\n  Help.\n\n  Be kind.\n\
        temperature: 0.7\nmax_tokens: 800\nseed: null\ntools:\n  - web_search\n  - name: calculator\n";
    let expected: Fields = serde_json::from_value(json!({
        "name": "Support", "instructions": "Help.\n\nBe kind.\n", "tools": ["web_search", "calculator"],
        "model": "openai:gpt-4o?temperature=0.7&max_tokens=800, fast:x?temperature=0.1&max_tokens=800",
    }))
    .unwrap();
    assert_eq!(read_back(text), [expected]);
    assert_eq!(read_back("system_prompt: Help.")[0].instructions.as_deref(), Some("Help."));
    for (text, field) in [
        ("prompt: a\ninstructions: b", "prompt"),
        ("model: a:b\ntemperature: warm", "temperature"),
        ("tools: [{name: a, url: b}]", "tools[0].type"),
        ("instuctions: a", "instuctions"),
    ] {
        let errors = read(text, None).unwrap().remove(0).faults;
        assert_eq!(errors[0].field, field, "{errors:?}");
    }
}

#[test]
fn what_other_systems_agents_answer_is_read_as_a_schema_where_it_is_one() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let format = json!({"type": "json_schema", "name": "place", "strict": true, "schema": schema});
    for (system, fields, name) in [
        ("pydantic-ai", json!({"output_schema": schema}), None),
        ("pydantic-ai", json!({"json_schema_output": schema}), None),
        ("adk", json!({"output_schema": schema}), None),
        (
            "agent-framework",
            json!({"kind": "Prompt", "outputSchema": {"properties":
            {"city": {"kind": "string", "required": true}}}}),
            None,
        ),
        ("openai", json!({"text": {"format": format}}), Some("place")),
        (
            "openai",
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}}),
            Some("place"),
        ),
        ("other", json!({"output": {"schema": schema}}), None),
    ] {
        let mut document = json!({"name": "A", "instructions": "Hi", "model": "openai:gpt-4o"});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let system = super::foreign::SYSTEMS.iter().find(|known| known.name == system).unwrap();
        let entry = entries(vec![document], Some(system)).unwrap().remove(0);
        assert_eq!(entry.faults, []);
        let output = entry.fields.unwrap().output.unwrap_or_else(|| panic!("{fields}: {:?}", entry.report));
        assert_eq!((json!(output.schema), output.name.as_deref()), (schema.clone(), name), "{fields}");
    }
    // A class of code, a format without a schema, and what cannot be checked here are kept.
    for value in [
        json!({"name": "app.Place"}),
        json!({"type": "json_object"}),
        json!("Place"),
        json!({"nullable": true}),
    ] {
        let document =
            json!({"name": "A", "instructions": "Hi", "model": "openai:gpt-4o", "output_schema": value});
        let system = super::foreign::SYSTEMS.iter().find(|known| known.name == "adk");
        let fields = entries(vec![document], system).unwrap().remove(0).fields.unwrap();
        assert_eq!(fields.output, None);
        assert_eq!(fields.config.unwrap()["imported"]["output_schema"], value);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 24] = [
        "agents",
        "agent",
        "name",
        "model",
        "config",
        "tools",
        "kind",
        "app",
        "lc",
        "kwargs",
        "id",
        "role",
        "goal",
        "backstory",
        "metadata",
        "component_type",
        "blocks",
        "llm_config",
        "messages",
        "budget",
        "description",
        "instruction",
        "handoffs",
        "(text)",
    ];
    let name = prop_oneof![3 => proptest::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => ".*"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        "[a-z{}$?:/,. ]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_read_as_any_system_without_a_panic(document in any_json(), at in 0..super::foreign::SYSTEMS.len()) {
        let system = super::foreign::SYSTEMS.get(at);
        for system in [None, system] {
            for entry in entries(vec![document.clone()], system).unwrap_or_default() {
                if let (Some(fields), Some(_), true) = (&entry.fields, entry.system, entry.faults.is_empty()) {
                    prop_assert!(fields.name.as_ref().is_none_or(|name| !name.contains(char::is_control)));
                    prop_assert!(fields.tools.as_ref().is_none_or(|tools| tools.len() <= 128));
                    let config = serde_json::to_string(&fields.config).unwrap();
                    prop_assert!(config.len() < 64 * 1024);
                }
            }
        }
    }
}
