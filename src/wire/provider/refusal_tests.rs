use serde_json::json;

use super::*;
use crate::wire::provider::refused;

fn read(body: &str) -> Refusal {
    refused(body.as_bytes()).refusal
}

#[test]
fn the_providers_code_and_field_are_found_and_a_status_is_no_code() {
    let found = |body: &str| {
        let refusal = read(body);
        (refusal.code, refusal.param)
    };
    let some = |text: &str| Some(text.to_owned());
    for (body, expected) in [
        (
            r#"{"error":{"message":"m","param":"top_p","code":"unsupported_value"}}"#,
            (some("unsupported_value"), some("top_p")),
        ),
        (r#"{"object":"error","message":"m","param":null,"code":"3280"}"#, (some("3280"), None)),
        (r#"{"error":{"message":"m","param":null,"code":400}}"#, (None, None)),
        (r#"{"error":{"message":"m","code":"400"}}"#, (None, None)),
        (r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#, (None, None)),
        (r#"{"error":{"message":"m","param":7,"code":"not a word"}}"#, (None, None)),
        ("<html>", (None, None)),
    ] {
        assert_eq!(found(body), expected, "{body}");
    }
}

#[test]
fn a_context_that_is_too_small_has_one_code_whoever_says_it() {
    for body in [
        r#"{"error":{"message":"x","code":"context_length_exceeded","param":"messages"}}"#,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":400}}"#,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 201000 tokens > 200000 maximum"}}"#,
        r#"{"error":{"code":400,"message":"The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
        r#"{"error":{"message":"input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"}}"#,
    ] {
        let refusal = read(body);
        assert!(refusal.is_too_long, "{body}");
        assert_eq!((refusal.code.as_deref(), refusal.param.as_deref()), (Some(TOO_LONG), Some("messages")));
    }
    assert!(!read(r#"{"error":{"message":"temperature is too long a word"}}"#).is_too_long);
}

#[test]
fn what_is_left_of_a_context_is_read_from_anthropics_words() {
    let words = "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease";
    assert_eq!(room_left(words, 21_333), Some(11_760));
    assert_eq!(room_left(words, 21_334), None, "it is not our limit");
    assert_eq!(room_left("5 + 6 > 4", 6), None);
}

#[test]
fn a_limit_beyond_the_models_is_told_from_a_limit_that_is_not_taken() {
    let is_large = |message: &str| Refusal::default().is_limit_too_large(message);
    assert!(is_large("max_tokens is too large: 16384. This model supports at most 4096 completion tokens"));
    assert!(!is_large("max_tokens is not taken: use max_completion_tokens"));
    assert!(!is_large("the temperature is at most 2"));
}

#[test]
fn googles_delay_is_read() {
    let body = r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17.5s"}]}}"#;
    assert_eq!(read(body).retry_after_ms, Some(17_500));
}

#[test]
fn a_refusal_names_a_field_in_a_member_or_in_words_and_policy_names_none() {
    let names = |body: &str| {
        let reported = refused(body.as_bytes());
        reported.refusal.names_a_field(&reported.message)
    };
    for body in [
        r#"{"error":{"message":"m","param":"temperature"}}"#,
        r#"{"error":{"message":"m","code":"unsupported_parameter"}}"#,
        r#"{"error":{"message":"tools.0.custom.input_schema: JSON schema is invalid"}}"#,
        r#"{"error":{"message":"Unknown name \"toolConfig\": `maxOutputTokens` is 9"}}"#,
    ] {
        assert!(names(body), "{body}");
    }
    for body in [
        r#"{"error":{"message":"no"}}"#,
        r#"{"error":{"message":"filtered","code":"content_filter","param":"prompt"}}"#,
        "",
    ] {
        assert!(!names(body), "{body}");
    }
}

#[test]
fn policy_and_money_are_found_in_words_where_no_code_says_them() {
    let told = |message: &str| {
        let refusal =
            read(&json!({"error": {"type": "invalid_request_error", "message": message}}).to_string());
        (refusal.is_policy, refusal.is_unpaid, refusal.names_a_field(message))
    };
    assert_eq!(told("Output blocked by content filtering policy"), (true, false, false));
    assert!(told("Your credit balance is too low to access the Anthropic API.").1);
    assert_eq!(told("`content` must not be empty"), (false, false, true));
}

#[test]
fn a_refusal_that_repeats_what_it_was_sent_is_read_up_to_a_length() {
    let long = |bytes: usize| {
        let detail = json!([{"loc": ["body", "temperature"], "msg": "too hot", "input": "x".repeat(bytes)}]);
        refused(json!({"detail": detail}).to_string().as_bytes()).message
    };
    assert_eq!(long(200_000), "too hot");
    assert_eq!(long(2_000_000), "an error too long to be read");
}
