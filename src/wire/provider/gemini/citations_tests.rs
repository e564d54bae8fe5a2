use serde_json::json;

use crate::domain::message::{AssistantPart, ChatReply, Citation, Event, Gather};
use crate::wire::provider::gemini;
use crate::wire::sse::Frame;

/// Addresses with the words that they are cited for.
fn cited(reply: &ChatReply) -> Vec<(String, Option<String>)> {
    let parts = &reply.choices[0].parts;
    let text: Vec<char> = AssistantPart::text_of(parts).unwrap_or_default().chars().collect();
    let words = |citation: &Citation| {
        let (start, end) = (citation.start? as usize, citation.end? as usize);
        Some(text[start..end].iter().collect())
    };
    AssistantPart::citations_of(parts).map(|of| (of.url.clone().unwrap(), words(of))).collect()
}

fn whole(candidate: serde_json::Value) -> Vec<(String, Option<String>)> {
    cited(&gemini::decode(json!({"candidates": [candidate]}).to_string().as_bytes()).unwrap())
}

fn some(url: &str, words: &str) -> (String, Option<String>) {
    (url.to_owned(), Some(words.to_owned()))
}

fn grounding(supports: serde_json::Value) -> serde_json::Value {
    json!({
        "groundingChunks": [{"web": {"uri": "a", "title": "A"}}, {"web": {"uri": "b"}}, {"retrievedContext": {"uri": "c"}}],
        "groundingSupports": supports,
    })
}

#[test]
fn words_are_found_by_the_bytes_of_their_part_whatever_stands_before_it() {
    let parts =
        json!([{"text": "Hm, ü", "thought": true}, {"text": "Größe: "}, {"text": "Köln ist groß. Ja."}]);
    let supports = json!([
        {"segment": {"endIndex": 8}, "groundingChunkIndices": [1]},
        {"segment": {"partIndex": 1, "endIndex": 7, "text": "Größe"}, "groundingChunkIndices": [0]},
        {"segment": {"partIndex": 2, "startIndex": 0, "endIndex": 5}, "groundingChunkIndices": [0, 1]},
        {"segment": {"partIndex": 2, "startIndex": 10, "endIndex": 15, "text": "groß"}, "groundingChunkIndices": [9]},
    ]);
    let found = whole(
        json!({"content": {"parts": parts}, "finishReason": "STOP", "groundingMetadata": grounding(supports)}),
    );
    let expected = [
        some("b", "Größe:"),
        some("a", "Größe"),
        some("a", "Köln"),
        some("b", "Köln"),
        ("c".to_owned(), None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_place_that_cannot_be_is_none_and_the_source_stays() {
    for segment in [
        json!({"startIndex": 1, "endIndex": 99}),
        json!({"startIndex": 4, "endIndex": 2}),
        json!({"startIndex": 0, "endIndex": 2}),
        json!({"startIndex": 0}),
        json!({"startIndex": 0, "endIndex": 4, "text": "Bonn"}),
        json!({"startIndex": 0, "endIndex": 18_446_744_073_709_551_615_u64, "partIndex": 7}),
        json!({"startIndex": -1, "endIndex": "x"}),
    ] {
        let supports = json!([{"segment": segment, "groundingChunkIndices": [0]}]);
        let metadata = json!({"groundingChunks": [{"web": {"uri": "a"}}], "groundingSupports": supports});
        let found = whole(
            json!({"content": {"parts": [{"text": "Köln."}]}, "finishReason": "STOP", "groundingMetadata": metadata}),
        );
        assert_eq!(found, [("a".to_owned(), None)], "{segment}");
    }
}

#[test]
fn words_that_are_repeated_have_their_place_too() {
    let sources = json!({"citationSources": [
        {"uri": "a", "startIndex": 6, "endIndex": 9}, {"uri": "b", "endIndex": 5}, {"uri": "c"}, {"startIndex": 1},
    ]});
    let found = whole(
        json!({"content": {"parts": [{"text": "Köln, ja"}]}, "finishReason": "STOP", "citationMetadata": sources}),
    );
    assert_eq!(found, [some("a", " ja"), some("b", "Köln"), ("c".to_owned(), None)]);
}

#[test]
fn in_a_stream_places_are_of_the_whole_text() {
    let supports = json!([
        {"segment": {"endIndex": 6}, "groundingChunkIndices": [0]},
        {"segment": {"startIndex": 7, "endIndex": 14, "text": "ist groß"}, "groundingChunkIndices": [1]},
        {"segment": {"startIndex": 7, "endIndex": 16, "text": "ist groß"}, "groundingChunkIndices": [2]},
    ]);
    let frames = [
        json!({"candidates": [{"content": {"parts": [{"text": "Kö"}]}}]}),
        json!({"candidates": [{"content": {"parts": [{"text": "lns "}, {"text": "x", "thought": true}]}}]}),
        json!({"candidates": [{"content": {"parts": [{"text": "ist groß."}]}, "finishReason": "STOP",
            "groundingMetadata": grounding(supports)}]}),
    ];
    let mut state = gemini::StreamState::default();
    let mut events: Vec<Event> = Vec::new();
    for frame in frames {
        state.frame(&Frame { event: "", data: &frame.to_string() }, &mut events).unwrap();
    }
    let mut gather = Gather::default();
    events.into_iter().for_each(|event| gather.push(event).unwrap());
    let expected = [some("a", "Kölns"), some("c", "ist groß"), ("b".to_owned(), None)];
    assert_eq!(cited(&gather.finish()), expected);
}
