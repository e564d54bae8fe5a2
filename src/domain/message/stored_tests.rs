use std::path::PathBuf;

use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::domain::message::{
    AssistantPart, Audio, AudioFormat, CachePoint, CacheTtl, Citation, File, FileSource, Image, ImageSource,
    JsonText, Part, Proof, ProofKind, Reasoning, Text, ToolCall,
};

const KINDS: [ProofKind; 7] = [
    ProofKind::AnthropicSignature,
    ProofKind::AnthropicRedacted,
    ProofKind::AnthropicCitation,
    ProofKind::GeminiSignature,
    ProofKind::ReasoningDetails,
    ProofKind::OpenaiEncrypted,
    ProofKind::OpenaiAnnotation,
];

fn proof(kind: ProofKind) -> Proof {
    Proof::new(kind, "c2lnbmVk+/=")
}

/// Every shape that a message can have.
fn recorded() -> Vec<(&'static str, Message)> {
    let hour = CachePoint { ttl: Some(CacheTtl::OneHour) };
    let image =
        |source, detail: Option<&str>| Part::Image(Image { source, detail: detail.map(str::to_owned) });
    let file = |source, name: Option<&str>, media_type: Option<&str>| {
        Part::File(File { source, name: name.map(str::to_owned), media_type: media_type.map(str::to_owned) })
    };
    let data = ImageSource::Data { media_type: "image/png".into(), base64: "iVBORw0KGgo=".into() };
    let citation = Citation {
        url: Some("https://a.example/b".into()),
        title: Some("A title".into()),
        quote: Some("the words".into()),
        start: Some(0),
        end: Some(6),
        original: Some(proof(ProofKind::AnthropicCitation)),
    };
    let user = vec![
        Part::Text("Grüße, 世界 \"👋\"\n".into()),
        image(ImageSource::Url("https://a.example/a.png".into()), Some("low")),
        image(data, None),
        file(FileSource::Url("https://a.example/a.pdf".into()), Some("a.pdf"), Some("application/pdf")),
        file(FileSource::Data("JVBERi0xLjQK".into()), None, Some("application/pdf")),
        file(FileSource::Id("file-1".into()), None, None),
        Part::Audio(Audio { format: AudioFormat::Mp3, data: "SUQz".into() }),
        Part::CachePoint(CachePoint { ttl: Some(CacheTtl::FiveMinutes) }),
        Part::CachePoint(CachePoint::default()),
    ];
    let reasonings = KINDS
        .iter()
        .map(|kind| AssistantPart::Reasoning(Reasoning { text: "Hm.".into(), proof: Some(proof(*kind)) }));
    let call =
        ToolCall { proof: Some(proof(ProofKind::GeminiSignature)), ..ToolCall::new("c1", "look", "{\"q\":") };
    let said = [
        AssistantPart::reasoning("Aloud."),
        AssistantPart::Text(Text {
            text: "Saturn".into(),
            citations: vec![citation, Citation::default()],
            proof: Some(proof(ProofKind::GeminiSignature)),
        }),
        AssistantPart::Refusal("No.".into()),
        AssistantPart::ToolCall(call),
        AssistantPart::ToolCall(ToolCall::new("c2", "look", "{}")),
        AssistantPart::CachePoint(hour),
    ];
    let result = vec![
        Part::Text("18 °C".into()),
        Part::Json(JsonText::parse(r#"{"b": 1.50, "a": [9007199254740993]}"#).unwrap()),
        image(ImageSource::Url("https://a.example/a.png".into()), None),
    ];
    vec![
        ("system", Message::System { text: "Be brief.".into(), cache: Some(hour) }),
        ("system_plain", Message::system("")),
        ("user", Message::User { name: None, parts: user }),
        ("assistant", Message::Assistant { parts: reasonings.chain(said).collect() }),
        ("tool", Message::Tool { call_id: "c1".into(), parts: result, is_error: false }),
        ("tool_error", Message::Tool { call_id: "c2".into(), parts: vec![], is_error: true }),
    ]
}

fn folder(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/message/v{version}"))
}

/// `RECORD=1` writes the folder of a new version.
#[test]
fn every_recorded_message_reads_as_it_was_written() {
    for (name, message) in recorded() {
        let path = folder(VERSION).join(format!("{name}.json"));
        if std::env::var_os("RECORD").is_some() {
            std::fs::create_dir_all(folder(VERSION)).unwrap();
            std::fs::write(&path, write(&message) + "\n").unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(read(&text).unwrap(), message, "{name}");
        assert_eq!(write(&message), text.trim_end(), "{name}");
    }
}

#[test]
fn what_this_release_does_not_know_is_refused_and_not_dropped() {
    let message = r#"{"role":"user","parts":[{"text":"Hi"}]}"#;
    assert!(read(&format!(r#"{{"v":1,"message":{message}}}"#)).is_ok());
    assert!(matches!(read(&format!(r#"{{"v":2,"message":{message},"new":1}}"#)), Err(Error::Newer(2))));
    for text in [
        "",
        "{}",
        r#"{"v":1}"#,
        r#"{"v":1,"message":{"role":"user","parts":[{"text":"Hi"}],"new":1}}"#,
        r#"{"v":1,"message":{"role":"user","parts":[{"video":"Hi"}]}}"#,
        r#"{"v":1,"message":{"role":"user","parts":[{"image":{"source":{"url":"u"},"new":1}}]}}"#,
        r#"{"v":1,"message":{"role":"assistant","parts":[{"reasoning":{"text":"","proof":{"kind":"new","value":""}}}]}}"#,
        r#"{"v":1,"message":{"role":"tool","call_id":"c","parts":[{"json":"{"}]}}"#,
        r#"{"v":1,"message":{"role":"system","text":"Hi"},"new":1}"#,
    ] {
        assert!(matches!(read(text), Err(Error::Malformed(_))), "{text}");
    }
}

fn any_proof() -> impl Strategy<Value = Proof> {
    (prop::sample::select(KINDS.to_vec()), any::<String>()).prop_map(|(kind, value)| Proof { kind, value })
}

fn any_cache() -> impl Strategy<Value = CachePoint> {
    of(prop::sample::select(vec![CacheTtl::FiveMinutes, CacheTtl::OneHour]))
        .prop_map(|ttl| CachePoint { ttl })
}

fn any_part() -> impl Strategy<Value = Part> {
    let text = any::<String>;
    let image = prop_oneof![
        text().prop_map(ImageSource::Url),
        (text(), text()).prop_map(|(media_type, base64)| ImageSource::Data { media_type, base64 }),
    ];
    let file = prop_oneof![
        text().prop_map(FileSource::Url),
        text().prop_map(FileSource::Data),
        text().prop_map(FileSource::Id),
    ];
    prop_oneof![
        text().prop_map(Part::Text),
        (image, of(text())).prop_map(|(source, detail)| Part::Image(Image { source, detail })),
        (file, of(text()), of(text())).prop_map(|(source, name, media_type)| Part::File(File {
            source,
            name,
            media_type
        })),
        (prop::sample::select(AudioFormat::ALL.to_vec()), text())
            .prop_map(|(format, data)| Part::Audio(Audio { format, data })),
        (text(), any::<f64>()).prop_map(|(key, number)| {
            let json = serde_json::json!({key: [number, null]});
            Part::Json(JsonText::parse(json.to_string()).unwrap())
        }),
        any_cache().prop_map(Part::CachePoint),
    ]
}

fn any_citation() -> impl Strategy<Value = Citation> {
    let text = || of(any::<String>());
    (text(), text(), text(), of(any::<u64>()), of(any::<u64>()), of(any_proof())).prop_map(
        |(url, title, quote, start, end, original)| Citation { url, title, quote, start, end, original },
    )
}

fn any_said() -> impl Strategy<Value = AssistantPart> {
    let text = any::<String>;
    prop_oneof![
        (text(), prop::collection::vec(any_citation(), 0..3), of(any_proof()))
            .prop_map(|(text, citations, proof)| AssistantPart::Text(Text { text, citations, proof })),
        (text(), of(any_proof()))
            .prop_map(|(text, proof)| AssistantPart::Reasoning(Reasoning { text, proof })),
        text().prop_map(AssistantPart::Refusal),
        (text(), text(), text(), of(any_proof())).prop_map(|(id, name, arguments, proof)| {
            AssistantPart::ToolCall(ToolCall { id, name, arguments, proof })
        }),
        any_cache().prop_map(AssistantPart::CachePoint),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let parts = || prop::collection::vec(any_part(), 0..5);
    prop_oneof![
        (any::<String>(), of(any_cache())).prop_map(|(text, cache)| Message::System { text, cache }),
        parts().prop_map(|parts| Message::User { name: None, parts }),
        prop::collection::vec(any_said(), 0..5).prop_map(|parts| Message::Assistant { parts }),
        (any::<String>(), parts(), any::<bool>()).prop_map(|(call_id, parts, is_error)| Message::Tool {
            call_id,
            parts,
            is_error
        }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_written_reads_the_same(message in any_message()) {
        let text = write(&message);
        prop_assert_eq!(&read(&text).unwrap(), &message);
        // What keeps a transcript may have parsed it on the way.
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read(&value.to_string()).unwrap(), message);
    }
}
