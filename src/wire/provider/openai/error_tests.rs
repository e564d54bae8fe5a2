use super::*;
use crate::wire::provider::fixtures::as_reported as read;

fn said(body: &str) -> Option<String> {
    Some(read(Err::<(), _>(fault(body.as_bytes()))).0).filter(|text| !text.is_empty())
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
}

#[test]
fn long_messages_come_whole_and_deep_ones_not_at_all() {
    let long = serde_json::json!({"error": {"message": "é".repeat(600)}}).to_string();
    assert_eq!(said(&long), Some("é".repeat(600)), "whoever shows it hides secrets before cutting");
    let deep = format!("{}\"x\"{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(said(&deep), None);
}

#[test]
fn an_error_has_the_status_that_it_names_in_numbers_or_words() {
    for (error, status) in [
        (r#"{"type":"server_error","message":"x"}"#, 502),
        (r#"{"type":"overloaded_error"}"#, 503),
        (r#"{"code":429}"#, 429),
        (r#"{"code":"503"}"#, 503),
        (r#"{"status":"UNAVAILABLE"}"#, 503),
        (r#""overloaded""#, 502),
        (r#"{"error":"Rate limit reached"}"#, 429),
        (r#"{"type":"RateLimitError"}"#, 429),
        ("{}", 502),
        (r#"{"code":200}"#, 502),
        (r#"{"type":"invalid_request_error","code":null}"#, 400),
        (r#"{"code":"insufficient_quota"}"#, 429),
        (r#"{"type":"insufficient_balance"}"#, 402),
        (r#"{"code":400}"#, 400),
        (r#"{"code":"403"}"#, 403),
        (r#"{"error":{"code":404}}"#, 404),
        (r#"{"status":"INVALID_ARGUMENT"}"#, 400),
        (r#"{"code":500,"type":"context_length_exceeded_error","message":"prompt is too long"}"#, 400),
        (r#"{"errors":[{"code":3040,"message":"busy"}]}"#, 429),
    ] {
        assert_eq!(read(Err::<(), _>(fault(error.as_bytes()))).1, status, "{error}");
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
        assert_eq!(read(Err::<(), _>(reported(json.as_bytes()))).2, Some(used), "{json}");
    }
    let half = reported(br#"{"error":"x","usage":{"prompt_tokens":1}}"#);
    assert_eq!(read(Err::<(), _>(half)).2, None, "half a record is not a bill");
}

#[test]
fn of_a_refusal_in_plain_text_the_words_are_read_and_of_a_cut_one_nothing() {
    assert_eq!(refused(b"413 Payload Too Large").message, "413 Payload Too Large");
    let whole = serde_json::json!({"error": {"message": "no", "input": "insufficient_quota"}}).to_string();
    let cut = &whole.as_bytes()[..whole.len() - 2];
    assert_eq!(refused(cut).message, "", "what the client sent may stand in it");
    assert_eq!(refused(b"<html>Too bad</html>").message, "");
}
