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
        r#"{"error":{"code":400,"message":"the request exceeds the available context size.","type":"exceed_context_size_error","n_ctx":4096}}"#,
        r#"{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 200000 tokens."}"#,
        r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"prompt is too long: 9 tokens > 8 maximum\"}}"}}}"#,
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
    let most = "max_tokens: 4000 > 1000, which is the maximum allowed number of output tokens for l2";
    assert_eq!((room_left(most, 4_000), room_left(most, 1_000)), (Some(1_000), None));
}

#[test]
fn a_limit_beyond_the_models_is_told_from_a_limit_that_is_not_taken() {
    let is_large = |message: &str| Refusal::default().is_limit_too_large(message);
    assert!(is_large("max_tokens: 4000 > 1000, which is the maximum allowed number of output tokens for l2"));
    assert!(is_large(
        "Unable to submit request because it has a maxOutputTokens value of 4000 but the supported range is from 1 (inclusive) to 1001 (exclusive)."
    ));
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
        reported.refusal.is_of_this_server(400, &reported.message)
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
        (refusal.is_policy, refusal.is_unpaid, refusal.is_of_this_server(400, message))
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

#[test]
fn a_key_that_is_refused_is_known_whatever_the_status() {
    let refused = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#;
    let place = r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#;
    assert!(read(refused).is_denied && read(place).is_denied);
    assert!(!read(r#"{"error":{"message":"temperature is not valid"}}"#).is_denied);
}

#[test]
fn the_place_of_a_fault_is_named_as_a_field() {
    let param = |body: &str| read(body).param;
    let mistral =
        r#"{"detail":[{"type":"missing","loc":["body","messages",1,"content"],"msg":"Field required"}]}"#;
    assert_eq!(param(mistral).as_deref(), Some("messages[1].content"));
    assert_eq!(param(r#"{"detail":[{"loc":["body"],"msg":"m"}]}"#), None);
    assert_eq!(param(r#"{"detail":[{"loc":[{}],"msg":"m"}]}"#), None);
    assert_eq!(param(r#"{"detail":"Not Found"}"#), None);
}

#[test]
fn words_say_when_to_come_back() {
    let wait = |words: &str| read(&json!({"error": {"message": words}}).to_string()).retry_after_ms;
    for (words, expected) in [
        ("Rate limit reached for gpt-4o. Please try again in 20s. Visit us.", Some(20_000)),
        ("Please try again in 1m3.5s.", Some(63_500)),
        ("Please try again in 350ms.", Some(350)),
        ("Please try again in 99h", Some(86_400_000)),
        ("Please try again in a while", None),
        ("Please try again in 5", None),
        ("Please try again in -5s", None),
        ("Please try again later", None),
    ] {
        assert_eq!(wait(words), expected, "{words}");
    }
}

#[test]
fn what_stands_behind_another_error_is_read() {
    let raw = r#"{"error":{"message":"top_k is not taken","param":"top_k","code":"unsupported_parameter"}}"#;
    let body =
        json!({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}});
    let found = refused(body.to_string().as_bytes());
    assert_eq!(
        (found.message.as_str(), found.refusal.param.as_deref()),
        ("top_k is not taken", Some("top_k"))
    );
    let body = json!({"error": {"message": "Provider returned error", "metadata": {"raw": "ERROR"}}});
    assert_eq!(refused(body.to_string().as_bytes()).message, "Provider returned error");
}
