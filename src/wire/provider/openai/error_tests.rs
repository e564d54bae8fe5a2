use super::*;

fn said(body: &str) -> Option<String> {
    error_message(body.as_bytes())
}

#[test]
fn the_providers_words_are_found_in_every_documented_form() {
    for body in [
        r#"{"error":{"message":"Too bad","type":"invalid_request_error","param":null,"code":null}}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Too bad"}}"#,
        r#"{"error":{"code":400,"message":"Too bad","status":"INVALID_ARGUMENT"}}"#,
        r#"[{"error":{"code":400,"message":"Too bad","status":"INVALID_ARGUMENT"}}]"#,
        r#"{"error":"Too bad"}"#,
        r#"{"object":"error","message":"Too bad","type":"BadRequestError","code":400}"#,
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body"],"msg":"Too bad"}]}}"#,
        r#"{"detail":"Too bad"}"#,
        r#"{"success":false,"errors":[{"code":5007,"message":"Too bad"}],"messages":[],"result":{}}"#,
        r#"{"internalCode":3040,"name":"InferenceUpstreamError","description":"Too bad"}"#,
        "\"  Too bad\\n\"",
    ] {
        assert_eq!(said(body).as_deref(), Some("Too bad"), "{body}");
    }
}

#[test]
fn nothing_is_made_up() {
    for body in
        ["", "<html>Too bad</html>", "{}", "null", "17", r#"{"error":null}"#, r#"{"error":{"message":""}}"#]
    {
        assert_eq!(said(body), None, "{body}");
    }
    assert_eq!(error_message(b"\xff"), None);
}

#[test]
fn long_messages_come_whole_and_deep_ones_not_at_all() {
    let long = serde_json::json!({"error": {"message": "é".repeat(600)}}).to_string();
    assert_eq!(said(&long), Some("é".repeat(600)), "whoever shows it hides secrets before cutting");
    let deep = format!("{}\"x\"{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(said(&deep), None);
}

#[test]
fn only_what_the_request_is_at_fault_for_is_final() {
    let transient = |error: &str| {
        let DecodeError::Reported { transient, .. } = reported(error.as_bytes()) else {
            panic!("not reported")
        };
        transient
    };
    for error in [
        r#"{"type":"server_error","message":"x"}"#,
        r#"{"type":"overloaded_error"}"#,
        r#"{"code":429}"#,
        r#"{"code":"503"}"#,
        r#"{"status":"UNAVAILABLE"}"#,
        r#""overloaded""#,
        "{}",
    ] {
        assert!(transient(error), "{error}");
    }
    for error in [
        r#"{"type":"invalid_request_error","code":null}"#,
        r#"{"code":"insufficient_quota"}"#,
        r#"{"code":400}"#,
        r#"{"code":"403"}"#,
        r#"{"error":{"code":404}}"#,
        r#"{"status":"INVALID_ARGUMENT"}"#,
    ] {
        assert!(!transient(error), "{error}");
    }
}

#[test]
fn what_an_error_says_was_used_is_read_wherever_it_stands_beside_it() {
    let used = Usage { input_tokens: 100, output_tokens: 500, ..Usage::default() };
    let counts = r#""usage":{"prompt_tokens":100,"completion_tokens":500}"#;
    for json in [
        format!(r#"{{"error":{{"message":"x"}},{counts}}}"#),
        format!(r#"{{"message":"x",{counts}}}"#),
        format!(r#"{{"error":{{"message":"x",{counts}}}}}"#),
    ] {
        let DecodeError::Reported { usage, .. } = reported(json.as_bytes()) else { panic!("not reported") };
        assert_eq!(usage, Some(used), "{json}");
    }
    let DecodeError::Reported { usage, .. } = reported(br#"{"error":"x","usage":{"prompt_tokens":1}}"#)
    else {
        panic!("not reported")
    };
    assert_eq!(usage, None, "half a record is not a bill");
}
