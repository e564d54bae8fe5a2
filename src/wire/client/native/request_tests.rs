use proptest::prelude::*;

use super::*;

fn messages(body: &str) -> Vec<Message> {
    let Parsed { request, variables, .. } = parse(body.as_bytes()).unwrap();
    assert!(variables.is_empty());
    assert!(request.tools.is_empty() && request.sampling == Default::default());
    request.messages
}

fn faults(body: &str) -> Vec<(String, String)> {
    match parse(body.as_bytes()) {
        Err(Fault::Fields(errors)) => errors.into_iter().map(|error| (error.field, error.message)).collect(),
        other => panic!("{other:?}"),
    }
}

fn fault(body: &str) -> (String, String) {
    let [fault] = <[_; 1]>::try_from(faults(body)).unwrap();
    fault
}

fn malformed(body: &[u8]) -> String {
    match parse(body) {
        Err(Fault::Malformed(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_the_users() {
    assert_eq!(messages(r#"{"message":"Grüß \"Gott\""}"#), [Message::user("Grüß \"Gott\"")]);
    assert_eq!(messages(r#"{"message":"Hi","messages":null}"#), [Message::user("Hi")]);
}

#[test]
fn a_conversation_keeps_its_order() {
    let read = messages(
        r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},{"content":"a","role":"assistant"}]}"#,
    );
    let assistant = Message::assistant("a");
    assert_eq!(read, [Message::system("s"), Message::user("u"), assistant]);
}

#[test]
fn one_of_both_is_needed() {
    assert_eq!(fault("{}").0, "message");
    assert_eq!(fault(r#"{"message":""}"#), ("message".into(), "must not be empty".into()));
    assert_eq!(fault(r#"{"messages":[]}"#), ("messages".into(), "must not be empty".into()));
    assert_eq!(fault(r#"{"message":"a","messages":[]}"#).0, "messages");
}

#[test]
fn a_field_that_is_not_there_is_told_with_the_one_that_was_meant() {
    assert_eq!(
        fault(r#"{"mesage":"a"}"#),
        ("mesage".into(), "is not a field; did you mean `message`?".into())
    );
    assert_eq!(fault(r#"{"Messages":[]}"#).1, "is not a field; did you mean `messages`?");
    assert_eq!(
        fault(r#"{"message":"a","temperature":1}"#).1,
        "is not a field; there are message, messages, variables, thread, background, on_busy, tools, store, user"
    );
    assert_eq!(
        fault(r#"{"message":"a","text":"b"}"#).1,
        "is not a field; there are message, messages, variables, thread, background, on_busy, tools, store, user"
    );
    let body = r#"{"messages":[{"role":"user","content":"a","contents":"b"}]}"#;
    assert_eq!(
        fault(body),
        ("messages[0].contents".into(), "is not a field; did you mean `content`?".into())
    );
    let long = "x".repeat(100_000);
    let (field, message) = fault(&format!("{{\"{long}\":1}}"));
    assert!(field.len() <= 64 && message.len() < 120);
}

#[test]
fn every_fault_is_told_at_once() {
    let body =
        r#"{"message":7,"messages":[{"role":"king","content":5},{"role":"user"},"hi",{"content":"a"}]}"#;
    let fields: Vec<_> = faults(body).into_iter().map(|(field, _)| field).collect();
    let expected = [
        "message",
        "messages[0].role",
        "messages[0].content",
        "messages[1].content",
        "messages[2]",
        "messages[3].role",
    ];
    assert_eq!(fields, expected);
    assert_eq!(fault(r#"{"messages":{}}"#), ("messages".into(), "must be an array of messages".into()));
}

#[test]
fn what_is_no_object_is_malformed() {
    for body in [b"".as_slice(), b"{", b"<html>", b"{\"message\":\"\xff\"}", b"{\"message\":\"a\"} x"] {
        assert!(malformed(body).starts_with("the body is not JSON: "), "{body:?}");
    }
    for body in [b"[]".as_slice(), b"null", b"\"Hi\"", b"7"] {
        assert_eq!(malformed(body), "the body must be a JSON object");
    }
    assert!(malformed(br#"{"message":"a","message":"b"}"#).contains("duplicate field"));
}

#[test]
fn variables_are_texts_by_name() {
    let read = parse(br#"{"message":"a","variables":{"tone":"dry","name":""}}"#).unwrap();
    let expected = [("name", ""), ("tone", "dry")].map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(read.variables, expected.into());
    assert!(parse(br#"{"message":"a","variables":null}"#).unwrap().variables.is_empty());
    let is_no_text = fault(r#"{"message":"a","variables":{"tone":"dry","year":2026}}"#);
    assert_eq!(is_no_text, ("variables.year".into(), "must be a string".into()));
    assert_eq!(fault(r#"{"message":"a","variables":["dry"]}"#).0, "variables");
    let many: Vec<String> = (0..100).map(|n| format!("\"v{n}\":null")).collect();
    assert_eq!(
        faults(&format!("{{\"message\":\"a\",\"variables\":{{{}}}}}", many.join(","))).len(),
        MAX_TOLD
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_damaged_request_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = br#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#.to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        match parse(&body) {
            Ok(parsed) => prop_assert!(!parsed.request.messages.is_empty()),
            Err(Fault::Fields(errors)) => prop_assert!(!errors.is_empty()),
            Err(Fault::Malformed(message)) => prop_assert!(!message.is_empty()),
        }
    }
}

#[test]
fn a_list_is_no_object_and_a_message_is_whole() {
    for (body, field) in [
        (r#"{"messages":[["user","Hi"]]}"#, "messages[0]"),
        (r#"{"messages":[{"role":"user"}]}"#, "messages[0].content"),
        (r#"{"messages":[{"content":"Hi"}]}"#, "messages[0].role"),
        (r#"{"messages":[{"role":"user","content":"Hi","name":"x"}]}"#, "messages[0].name"),
    ] {
        let Err(Fault::Fields(errors)) = parse(body.as_bytes()) else { panic!("{body}") };
        assert_eq!(errors[0].field, field, "{errors:?}");
    }
    assert!(matches!(parse(br#"["Hi"]"#), Err(Fault::Malformed(_))));
}

#[test]
fn many_faults_are_named_up_to_a_number() {
    let body = format!("{{\"messages\":[{}0]}}", "0,".repeat(100_000));
    let Err(Fault::Fields(errors)) = parse(body.as_bytes()) else { panic!("it was taken") };
    assert_eq!((errors.len(), errors[100].message.as_str()), (101, "and 99901 more"));
}
