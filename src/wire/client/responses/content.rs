//! Reads the parts of contents, which are those of chat completions under other names.

use serde_json::Value;

use crate::domain::message::Part;
use crate::wire::client::object::objects;
use crate::wire::client::openai::content::{self as chat, AudioBody, Detail, FileBody, ImageBody, PartKind};

#[derive(Default)]
pub struct PartBody {
    pub kind: Option<String>,
    pub text: Option<String>,
    pub refusal: Option<String>,
    pub image_url: Option<Value>,
    pub detail: Option<Detail>,
    pub file_data: Option<String>,
    pub file_url: Option<String>,
    pub file_id: Option<String>,
    pub filename: Option<String>,
    pub input_audio: Option<AudioBody>,
}

objects! {
    PartBody, "a content part object" {
        kind as "type", text, refusal, image_url, detail, file_data, file_url, file_id, filename, input_audio
    }
}

/// What is wrong with a part: the field, and how to mend it.
pub type Fault = (&'static str, String);

const KINDS: &str = "only `input_text`, `input_image`, `input_file` and `input_audio` parts are taken here";

/// A part of what somebody gives to the model.
pub fn given(body: PartBody) -> Result<Part, Fault> {
    let (kind, fields): (PartKind, [(&str, &'static str); 3]) = match body.kind.as_deref() {
        Some("input_text" | "output_text" | "text" | "summary_text" | "reasoning_text") => {
            return body.text.map(Part::Text).ok_or((".text", "a text part needs `text`".to_owned()));
        }
        Some("input_image") => (PartKind::ImageUrl, [(".image_url.url", ".image_url"); 3]),
        Some("input_file") => (
            PartKind::File,
            [
                (".file.file_data", if body.file_url.is_some() { ".file_url" } else { ".file_data" }),
                (".file.file_id", ".file_id"),
                (".file.filename", ".filename"),
            ],
        ),
        Some("input_audio") => (PartKind::InputAudio, [(".input_audio", ".input_audio"); 3]),
        _ => return Err((".type", KINDS.to_owned())),
    };
    if kind == PartKind::ImageUrl && body.image_url.is_none() && body.file_id.is_some() {
        return Err((".file_id", "images by the id of a file are not taken: write `image_url`".to_owned()));
    }
    let url = body.image_url.and_then(|url| match url {
        Value::String(url) => Some(url),
        // As chat completions write it.
        Value::Object(mut image) => image.remove("url").and_then(|url| url.as_str().map(str::to_owned)),
        _ => None,
    });
    let file = FileBody {
        file_data: body.file_data.or(body.file_url),
        file_id: body.file_id,
        filename: body.filename,
    };
    let part = chat::part(chat::PartBody {
        kind: Some(kind),
        text: None,
        image_url: Some(ImageBody { url, detail: body.detail }),
        refusal: None,
        file: Some(file),
        input_audio: body.input_audio,
        cache_control: None,
    });
    part.map_err(|(at, words)| {
        let own = fields.iter().find(|(theirs, _)| *theirs == at).map_or(at, |(_, own)| own);
        (if own == ".file" { "" } else { own }, words.replace("`url`", "`image_url`"))
    })
}
