//! Texts as vectors: OpenAI's `POST /embeddings`, Gemini's `:batchEmbedContents`, and the models of the Workers AI binding.
//!
//! Source: OpenAI's and Google's API references and Cloudflare's schemas of `bge` models, read 2026-11. Anthropic has none.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{DecodeError, Outgoing, json as reading};
use crate::domain::embedding::{Embed, Inputs, Vector};
use crate::domain::message::Usage;
use crate::domain::provider::Wire;
use crate::wire::to_json;

/// What this wire has no place for, in words; empty where it will do.
pub fn lacking(wire: Wire, asked: &Embed) -> Vec<String> {
    let is_tokens = matches!(asked.inputs, Inputs::Tokens(_));
    let lacking = match wire {
        Wire::Anthropic => [Some("embeddings"), None],
        Wire::OpenAi => [None, None],
        Wire::Gemini => [is_tokens.then_some("inputs as tokens"), None],
        Wire::WorkersAi => {
            [is_tokens.then_some("inputs as tokens"), asked.dimensions.map(|_| "`dimensions`")]
        }
    };
    lacking.into_iter().flatten().map(str::to_owned).collect()
}

#[derive(Serialize)]
struct OpenAiBody<'a> {
    model: &'a str,
    input: OpenAiInput<'a>,
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OpenAiInput<'a> {
    Texts(&'a [String]),
    Tokens(&'a [Vec<u32>]),
}

/// Writes the request for the model of this code.
pub fn encode(wire: Wire, code: &str, asked: &Embed) -> Outgoing {
    let texts: &[String] = match &asked.inputs {
        Inputs::Texts(texts) => texts,
        Inputs::Tokens(_) => &[],
    };
    let (path, body) = match wire {
        Wire::OpenAi | Wire::Anthropic => {
            let input = match &asked.inputs {
                Inputs::Texts(texts) => OpenAiInput::Texts(texts),
                Inputs::Tokens(all) => OpenAiInput::Tokens(all),
            };
            let encoding_format = if asked.is_base64 { "base64" } else { "float" };
            let (dimensions, user) = (asked.dimensions, asked.user.as_deref());
            let body = OpenAiBody { model: code, input, encoding_format, dimensions, user };
            ("/embeddings".to_owned(), to_json(&body))
        }
        Wire::Gemini => {
            let model = format!("models/{code}");
            let request = |text: &String| {
                let mut request = json!({ "model": model, "content": { "parts": [{ "text": text }] } });
                if let Some(dimensions) = asked.dimensions {
                    request["outputDimensionality"] = json!(dimensions);
                }
                request
            };
            let requests: Vec<Value> = texts.iter().map(request).collect();
            (format!("/{model}:batchEmbedContents"), to_json(&json!({ "requests": requests })))
        }
        Wire::WorkersAi => (code.to_owned(), to_json(&json!({ "text": texts }))),
    };
    Outgoing { path, headers: Vec::new(), body: Bytes::from(body) }
}

#[derive(Deserialize)]
struct OpenAiReply {
    data: Vec<OpenAiVector>,
    usage: Option<OpenAiUsage>,
}

#[derive(Deserialize)]
struct OpenAiVector {
    index: Option<usize>,
    embedding: Box<RawValue>,
}

#[derive(Deserialize)]
struct OpenAiUsage {
    prompt_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiReply {
    embeddings: Vec<GeminiVector>,
    usage_metadata: Option<GeminiUsage>,
}

#[derive(Deserialize)]
struct GeminiVector {
    values: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiUsage {
    prompt_token_count: Option<u64>,
}

#[derive(Deserialize)]
struct WorkersAiReply {
    data: Vec<Box<RawValue>>,
}

/// Reads a reply: one vector for each of `count` inputs, in their order, and what they used.
///
/// # Errors
/// [`DecodeError`] when it is not what the provider documents.
pub fn decode(wire: Wire, body: &[u8], count: usize) -> Result<(Vec<Vector>, Option<Usage>), DecodeError> {
    let malformed = |error: serde_json::Error| reading::malformed("the reply", &error);
    let (vectors, tokens) = match wire {
        Wire::OpenAi | Wire::Anthropic => {
            let reply: OpenAiReply = serde_json::from_slice(body).map_err(malformed)?;
            let tokens = reply.usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens));
            (in_order(reply.data)?, tokens)
        }
        Wire::Gemini => {
            let reply: GeminiReply = serde_json::from_slice(body).map_err(malformed)?;
            let tokens = reply.usage_metadata.and_then(|usage| usage.prompt_token_count);
            (reply.embeddings.into_iter().map(|vector| vector.values).collect(), tokens)
        }
        Wire::WorkersAi => {
            let reply: WorkersAiReply = serde_json::from_slice(body).map_err(malformed)?;
            (reply.data, None)
        }
    };
    if vectors.len() != count {
        let words = format!("the reply has {} vectors for {count} inputs", vectors.len());
        return Err(DecodeError::Malformed(words));
    }
    let vectors: Result<Vec<Vector>, DecodeError> = vectors.into_iter().map(vector).collect();
    let usage = tokens.map(|input_tokens| Usage { input_tokens, ..Usage::default() });
    Ok((vectors?, usage))
}

/// Some servers answer in another order, which `index` says.
fn in_order(data: Vec<OpenAiVector>) -> Result<Vec<Box<RawValue>>, DecodeError> {
    let count = data.len();
    let mut vectors: Vec<Option<Box<RawValue>>> = (0..count).map(|_| None).collect();
    for (at, OpenAiVector { index, embedding }) in data.into_iter().enumerate() {
        if let Some(place) = vectors.get_mut(index.unwrap_or(at)) {
            *place = Some(embedding);
        }
    }
    let whole: Option<Vec<_>> = vectors.into_iter().collect();
    whole.ok_or_else(|| DecodeError::Malformed("two vectors of the reply have one index".to_owned()))
}

fn vector(raw: Box<RawValue>) -> Result<Vector, DecodeError> {
    match raw.get().as_bytes().first() {
        Some(b'[') => Ok(Vector::Numbers(raw)),
        Some(b'"') => {
            let text = serde_json::from_str(raw.get());
            text.map(Vector::Base64).map_err(|error| reading::malformed("a vector", &error))
        }
        _ => Err(DecodeError::Malformed("a vector of the reply is none".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(inputs: Inputs) -> Embed {
        Embed { inputs, dimensions: Some(8), is_base64: false, user: None }
    }

    fn texts() -> Embed {
        asked(Inputs::Texts(vec!["a".to_owned(), "b".to_owned()]))
    }

    fn sent(outgoing: &Outgoing) -> Value {
        serde_json::from_slice(&outgoing.body).unwrap()
    }

    fn shown(vectors: &[Vector]) -> Vec<String> {
        let shown = |vector: &Vector| match vector {
            Vector::Numbers(raw) => raw.get().to_owned(),
            Vector::Base64(text) => text.clone(),
        };
        vectors.iter().map(shown).collect()
    }

    #[test]
    fn each_wire_is_asked_in_its_own_words() {
        let openai = encode(Wire::OpenAi, "m", &texts());
        assert_eq!(openai.path, "/embeddings");
        let all = json!({"model": "m", "input": ["a", "b"], "encoding_format": "float", "dimensions": 8});
        assert_eq!(sent(&openai), all);
        let tokens = encode(Wire::OpenAi, "m", &asked(Inputs::Tokens(vec![vec![1, 2]])));
        assert_eq!(sent(&tokens)["input"], json!([[1, 2]]));
        let gemini = encode(Wire::Gemini, "m", &texts());
        assert_eq!(gemini.path, "/models/m:batchEmbedContents");
        let second =
            json!({"model": "models/m", "content": {"parts": [{"text": "b"}]}, "outputDimensionality": 8});
        assert_eq!(sent(&gemini)["requests"][1], second);
        assert_eq!(sent(&encode(Wire::WorkersAi, "@cf/m", &texts())), json!({"text": ["a", "b"]}));
    }

    #[test]
    fn each_wire_says_what_it_lacks() {
        let tokens = asked(Inputs::Tokens(vec![vec![1]]));
        assert!(lacking(Wire::OpenAi, &tokens).is_empty());
        assert_eq!(lacking(Wire::Gemini, &tokens), ["inputs as tokens"]);
        assert_eq!(lacking(Wire::WorkersAi, &texts()), ["`dimensions`"]);
        assert_eq!(lacking(Wire::Anthropic, &texts()), ["embeddings"]);
    }

    #[test]
    fn vectors_come_in_the_order_of_their_inputs_and_pass_as_they_are() {
        let body = br#"{"data":[{"index":1,"embedding":[0.25,-1e-7]},{"index":0,"embedding":"AACAPw=="}],
            "usage":{"prompt_tokens":9,"total_tokens":9}}"#;
        let (vectors, usage) = decode(Wire::OpenAi, body, 2).unwrap();
        assert_eq!(shown(&vectors), ["AACAPw==", "[0.25,-1e-7]"]);
        assert_eq!(usage.unwrap().input_tokens, 9);
        let (vectors, usage) =
            decode(Wire::Gemini, br#"{"embeddings":[{"values":[1]},{"values":[2]}]}"#, 2).unwrap();
        assert_eq!((shown(&vectors), usage), (vec!["[1]".to_owned(), "[2]".to_owned()], None));
        let (vectors, _) = decode(Wire::WorkersAi, br#"{"shape":[1,2],"data":[[1,2]]}"#, 1).unwrap();
        assert_eq!(shown(&vectors), ["[1,2]"]);
    }

    #[test]
    fn what_is_no_answer_to_each_input_is_none() {
        for (body, count) in [
            (r#"{"data":[]}"#, 1),
            (r#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#, 1),
            (r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]}"#, 2),
            (r#"{"data":[{"index":7,"embedding":[1]}]}"#, 1),
            (r#"{"data":[{"embedding":null}]}"#, 1),
            (r#"{"error":"x"}"#, 1),
        ] {
            assert!(decode(Wire::OpenAi, body.as_bytes(), count).is_err(), "{body}");
        }
    }
}
