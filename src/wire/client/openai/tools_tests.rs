use serde_json::{Value, json};

use super::super::body::Body;
use super::*;

fn body(json: &Value) -> Body {
    serde_json::from_str(&json.to_string()).unwrap()
}

fn read_tools(json: &Value) -> Result<Vec<Tool>, Invalid> {
    tools(body(&json!({"tools": json})).tools.unwrap())
}

fn read_choice(choice: &Value) -> Result<ToolChoice, Invalid> {
    let tools = read_tools(&json!([{"type": "function", "function": {"name": "f"}}])).unwrap();
    tool_choice(body(&json!({"tool_choice": choice})).tool_choice, &tools)
}

fn read_format(format: &Value) -> Result<ResponseFormat, Invalid> {
    response_format(body(&json!({"response_format": format})).response_format)
}

fn param<T>(result: Result<T, Invalid>) -> String {
    result.err().unwrap().param.unwrap()
}

#[test]
fn a_tools_schema_is_kept_letter_by_letter() {
    let text = r#"{"tools":[{"type":"function","function":{"name":"get_weather","description":"d","strict":true,
        "parameters":{ "type": "object", "b": 1, "a": 1.0 }}}]}"#;
    let body: Body = serde_json::from_str(text).unwrap();
    let tools = tools(body.tools.unwrap()).unwrap();
    let [tool] = tools.as_slice() else { panic!("one tool") };
    assert_eq!(tool.parameters.as_ref().unwrap().get(), r#"{ "type": "object", "b": 1, "a": 1.0 }"#);
    assert_eq!(
        (tool.name.as_str(), tool.description.as_deref(), tool.strict),
        ("get_weather", Some("d"), Some(true))
    );
}

#[test]
fn what_a_tool_lacks_is_named() {
    let tool = |function: Value| json!([{"type": "function", "function": function}]);
    for (tools, field) in [
        (json!([{}]), "tools[0].type"),
        (json!([{"type": "custom", "custom": {"name": "x"}}]), "tools[0].type"),
        (json!([{"type": "function"}]), "tools[0].function"),
        (tool(json!({})), "tools[0].function.name"),
        (tool(json!({"name": ""})), "tools[0].function.name"),
        (tool(json!({"name": "a b"})), "tools[0].function.name"),
        (tool(json!({"name": "a".repeat(65)})), "tools[0].function.name"),
        (tool(json!({"name": "a", "parameters": []})), "tools[0].function.parameters"),
        (Value::from(vec![json!({"type": "function", "function": {"name": "f"}}); 129]), "tools"),
    ] {
        assert_eq!(param(read_tools(&tools)), field, "{tools}");
    }
    assert!(read_tools(&tool(json!({"name": "a", "parameters": null}))).is_ok());
}

#[test]
fn a_choice_names_a_tool_there_is() {
    for (choice, expected) in [
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Required),
        (json!({"type": "function", "function": {"name": "f"}}), ToolChoice::Named("f".into())),
    ] {
        assert_eq!(read_choice(&choice), Ok(expected));
    }
    for (choice, field) in [
        (json!("any"), "tool_choice"),
        (json!({"type": "function", "function": {"name": "g"}}), "tool_choice.function.name"),
        (json!({"type": "function"}), "tool_choice.function.name"),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
            "tool_choice.type",
        ),
        (json!({"type": "custom", "custom": {"name": "f"}}), "tool_choice.type"),
        (json!({}), "tool_choice.type"),
    ] {
        assert_eq!(param(read_choice(&choice)), field, "{choice}");
    }
}

#[test]
fn only_harmless_choices_are_made_without_tools() {
    let read = |choice: Value| tool_choice(body(&json!({"tool_choice": choice})).tool_choice, &[]);
    assert_eq!((read(json!("auto")), read(json!("none"))), (Ok(ToolChoice::Auto), Ok(ToolChoice::None)));
    assert_eq!(param(read(json!("required"))), "tool_choice");
}

#[test]
fn a_format_is_text_json_or_a_schema() {
    assert!(matches!(read_format(&json!({"type": "text"})), Ok(ResponseFormat::Text)));
    assert!(matches!(read_format(&json!({"type": "json_object"})), Ok(ResponseFormat::JsonObject)));
    let schema = json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": {"type": "object"}}});
    let Ok(ResponseFormat::JsonSchema { name, schema, strict, description }) = read_format(&schema) else {
        panic!("a schema")
    };
    assert_eq!(
        (name.as_str(), schema.get(), strict, description),
        ("x", r#"{"type":"object"}"#, Some(true), None)
    );
    for (format, field) in [
        (json!({}), "response_format.type"),
        (json!({"type": "json_schema"}), "response_format.json_schema"),
        (json!({"type": "json_schema", "json_schema": {"schema": {}}}), "response_format.json_schema.name"),
        (json!({"type": "json_schema", "json_schema": {"name": "x"}}), "response_format.json_schema.schema"),
        (
            json!({"type": "json_schema", "json_schema": {"name": "x", "schema": true}}),
            "response_format.json_schema.schema",
        ),
    ] {
        assert_eq!(param(read_format(&format)), field, "{format}");
    }
}

#[test]
fn two_tools_of_one_name_are_refused() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    assert_eq!(param(read_tools(&json!([tool("f"), tool("g"), tool("f")]))), "tools[2].function.name");
    assert!(read_tools(&json!([tool("f"), tool("F")])).is_ok());
}
