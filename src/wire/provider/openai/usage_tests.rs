use super::*;

fn tokens(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

fn usage(json: &str) -> Option<Usage> {
    serde_json::from_str::<UsageBody>(json).unwrap().read()
}

#[test]
fn half_a_usage_record_is_none() {
    assert_eq!(usage("{}"), None);
    assert_eq!(usage(r#"{"prompt_tokens":3,"total_tokens":9}"#), None);
    assert_eq!(usage(r#"{"prompt_tokens":null,"completion_tokens":1}"#), None);
    assert_eq!(usage(r#"{"prompt_tokens":3,"completion_tokens":-1}"#), None);
    assert_eq!(usage(r#"{"prompt_tokens":"3","completion_tokens":{"a":[1]}}"#), None);
    assert_eq!(usage(r#"{"prompt_tokens":1e300,"completion_tokens":1}"#), None);
}

#[test]
fn counts_are_taken_with_a_point() {
    assert_eq!(usage(r#"{"prompt_tokens":3.0,"completion_tokens":1.2}"#), Some(tokens(3, 2)));
}

#[test]
fn what_was_heard_is_counted_apart() {
    let heard = r#"{"prompt_tokens":30,"completion_tokens":1,"prompt_tokens_details":{"audio_tokens":20}}"#;
    assert_eq!(usage(heard), Some(Usage { audio_input_tokens: 20, ..tokens(30, 1) }));
}
