//! Reads contents: text, or parts.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::domain::message::{Audio, AudioFormat, File, FileSource, Image, ImageSource, Part};
use crate::domain::outbound::{self, Loopback};
use crate::wire::cache_control::CacheControl;
use crate::wire::client::object::objects;

/// What providers take in common.
const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const MAX_NAME_CHARS: usize = 255;

/// A text, or parts.
#[derive(Default)]
pub enum Content {
    #[default]
    None,
    Text(String),
    Parts(Vec<PartBody>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::None)
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
                let mut read = Vec::new();
                while let Some(part) = parts.next_element()? {
                    read.push(part);
                }
                Ok(Content::Parts(read))
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}

pub struct PartBody {
    pub kind: Option<PartKind>,
    pub text: Option<String>,
    pub image_url: Option<ImageBody>,
    pub refusal: Option<String>,
    pub file: Option<FileBody>,
    pub input_audio: Option<AudioBody>,
    pub cache_control: Option<CacheControl>,
}

objects! {
    PartBody, "a content part object" { kind as "type", text, image_url, refusal, file, input_audio, cache_control }
    ImageBody, "an object with a `url`" { url, detail }
    FileBody, "an object with `file_data` or `file_id`" { file_data, file_id, filename }
    AudioBody, "an object with `data` and `format`" { data, format }
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    Text,
    ImageUrl,
    Refusal,
    InputAudio,
    File,
    #[serde(other)]
    Other,
}

pub struct ImageBody {
    pub url: Option<String>,
    pub detail: Option<Detail>,
}

pub struct FileBody {
    pub file_data: Option<String>,
    pub file_id: Option<String>,
    pub filename: Option<String>,
}

pub struct AudioBody {
    pub data: Option<String>,
    pub format: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    Auto,
    Low,
    High,
    Original,
}

/// What is wrong with a part: the field, and how to mend it.
type PartFault = (&'static str, String);

pub fn part(body: PartBody) -> Result<Part, PartFault> {
    match body.kind {
        Some(PartKind::Text) => {
            body.text.map(Part::Text).ok_or_else(|| (".text", "a text part needs `text`".to_owned()))
        }
        Some(PartKind::File) => {
            let file = body.file.ok_or_else(|| (".file", "a file part needs `file`".to_owned()))?;
            file_of(file).map(Part::File)
        }
        Some(PartKind::InputAudio) => {
            let audio = body.input_audio;
            let audio =
                audio.ok_or_else(|| (".input_audio", "an audio part needs `input_audio`".to_owned()))?;
            audio_of(audio).map(Part::Audio)
        }
        Some(PartKind::ImageUrl) => {
            let image =
                body.image_url.ok_or_else(|| (".image_url", "an image part needs `image_url`".to_owned()))?;
            image_of(image).map(Part::Image).map_err(|message| (".image_url.url", message))
        }
        Some(PartKind::Refusal | PartKind::Other) => {
            Err((".type", "only `text`, `image_url`, `file` and `input_audio` parts are taken".to_owned()))
        }
        None => Err((
            ".type",
            "a content part needs a `type`: `text`, `image_url`, `file` or `input_audio`".to_owned(),
        )),
    }
}

fn image_of(body: ImageBody) -> Result<Image, String> {
    let url = body.url.ok_or("an image needs a `url`")?;
    let source = if url.starts_with("data:") {
        image_data(url)?
    } else {
        outbound::check(&url, Loopback::Refused)
            .map_err(|refusal| format!("an image is a data: URL or a public https:// URL; {refusal}"))?;
        ImageSource::Url(url)
    };
    let detail = body.detail.map(|detail| match detail {
        Detail::Auto => "auto",
        Detail::Low => "low",
        Detail::High => "high",
        Detail::Original => "original",
    });
    Ok(Image { source, detail: detail.map(str::to_owned) })
}

fn image_data(url: String) -> Result<ImageSource, String> {
    let (media_type, base64) = data_url(url)?;
    let media_type = if media_type == "image/jpg" { "image/jpeg".to_owned() } else { media_type };
    if !IMAGE_TYPES.contains(&media_type.as_str()) {
        return Err(format!("an image is one of {}", IMAGE_TYPES.join(", ")));
    }
    Ok(ImageSource::Data { media_type, base64 })
}

/// Reads `data:image/png;base64,…`: the media type, and the base64 as it is, for the provider to decode.
fn data_url(mut url: String) -> Result<(String, String), &'static str> {
    let comma = url.find(',').ok_or("write a data: URL as data:image/png;base64,…")?;
    let head = &url["data:".len()..comma];
    let described = head.strip_suffix(";base64").ok_or("a data: URL must be in base64")?;
    let media_type = described.split(';').next().unwrap_or_default().to_ascii_lowercase();
    url.drain(..=comma);
    if url.is_empty() { Err("the data: URL is empty") } else { Ok((media_type, url)) }
}

fn file_of(body: FileBody) -> Result<File, PartFault> {
    let fault = |field, message: &str| (field, message.to_owned());
    let longer =
        |text: &Option<String>, most| text.as_ref().is_some_and(|text: &String| text.chars().count() > most);
    if longer(&body.filename, MAX_NAME_CHARS) {
        return Err((".file.filename", format!("a file's name has at most {MAX_NAME_CHARS} characters")));
    }
    let name = body.filename.filter(|name| !name.is_empty());
    let (source, media_type) = match (body.file_data, body.file_id) {
        (Some(_), Some(_)) => return Err(fault(".file", "write `file_data` or `file_id`, not both")),
        (None, None) => return Err(fault(".file", "a file needs `file_data` or `file_id`")),
        (None, Some(id)) if id.is_empty() || id.len() > MAX_NAME_CHARS => {
            return Err((".file.file_id", format!("a file's id has 1 to {MAX_NAME_CHARS} characters")));
        }
        (None, Some(id)) => (FileSource::Id(id), None),
        (Some(data), None) if data.starts_with("data:") => {
            let (media_type, base64) = data_url(data).map_err(|message| fault(".file.file_data", message))?;
            if !is_media_type(&media_type) {
                return Err(fault(
                    ".file.file_data",
                    "a file's data: URL names its type, as application/pdf",
                ));
            }
            (FileSource::Data(base64), Some(media_type))
        }
        (Some(url), None) => {
            outbound::check(&url, Loopback::Refused).map_err(|refusal| {
                (".file.file_data", format!("a file is a data: URL or a public https:// URL; {refusal}"))
            })?;
            (FileSource::Url(url), None)
        }
    };
    Ok(File { source, name, media_type })
}

/// `type/subtype`, of the characters that RFC 6838 (4.2) gives them.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.len() <= MAX_NAME_CHARS
        && text.split_once('/').is_some_and(|(kind, sub)| is_name(kind) && is_name(sub))
}

fn audio_of(body: AudioBody) -> Result<Audio, PartFault> {
    let data = body.data.filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| (".input_audio.data", "audio needs `data`, in base64".to_owned()))?;
    let format = body.format.as_deref().and_then(AudioFormat::parse).ok_or_else(|| {
        let names = AudioFormat::ALL.map(AudioFormat::name);
        (".input_audio.format", format!("audio is one of {}", names.join(", ")))
    })?;
    Ok(Audio { format, data })
}
