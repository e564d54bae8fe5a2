//! What people and tools give to a model: text, images, files, audio, JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A piece of a user's message or of a tool's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Text(String),
    Image(Image),
    File(File),
    Audio(Audio),
    /// A tool's structured result.
    Json(JsonText),
    /// The prompt up to here is worth keeping in the provider's cache.
    CachePoint(CachePoint),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    pub source: ImageSource,
    /// OpenAI's `low`, `high` or `auto`; dropped by providers without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageSource {
    /// `https://…`, fetched by the provider, never by us.
    Url(String),
    /// From a `data:` URL: media type such as `image/png`, and the bytes still in base64.
    Data { media_type: String, base64: String },
}

/// The type of image that an address ends in.
pub fn image_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, extension) = path.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "gif" => Some("image/gif"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        _ => None,
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub source: FileSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Such as `application/pdf`; `None` where only the provider knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSource {
    /// `https://…`, fetched by the provider, never by us.
    Url(String),
    /// The bytes, in base64.
    Data(String),
    /// The identifier that the provider gave an upload: means something to that provider only.
    Id(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    pub format: AudioFormat,
    /// The bytes, in base64.
    pub data: String,
}

/// What OpenAI's `input_audio` takes, and what Gemini takes besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioFormat {
    Wav,
    Mp3,
    Aac,
    Aiff,
    Flac,
    Ogg,
}

impl AudioFormat {
    pub const ALL: [Self; 6] = [Self::Wav, Self::Mp3, Self::Aac, Self::Aiff, Self::Flac, Self::Ogg];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Aac => "aac",
            Self::Aiff => "aiff",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
        }
    }

    /// `None` for another word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mp3",
            Self::Aac => "audio/aac",
            Self::Aiff => "audio/aiff",
            Self::Flac => "audio/flac",
            Self::Ogg => "audio/ogg",
        }
    }
}

/// Ends a piece of the prompt that repeats between calls, as Anthropic's `cache_control` does. Providers that cache by
/// themselves need none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CachePoint {
    /// `None`: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<CacheTtl>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheTtl {
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "1h")]
    OneHour,
}

/// JSON as its text, letter by letter.
///
/// Kept as a string also where it is stored, so that whatever reads a transcript (a tagged enum, a column) cannot
/// change its numbers or the order of its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonText(Box<str>);

impl JsonText {
    /// `None` when the text is not one JSON value.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        serde_json::from_str::<&RawValue>(&text).is_ok().then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// To be written as it stands.
    pub fn raw(&self) -> Option<&RawValue> {
        serde_json::from_str(&self.0).ok()
    }
}

impl From<Box<RawValue>> for JsonText {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw.into())
    }
}

impl From<&RawValue> for JsonText {
    fn from(raw: &RawValue) -> Self {
        Self(raw.get().into())
    }
}

impl TryFrom<String> for JsonText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text).ok_or("the text is not JSON")
    }
}

impl From<JsonText> for String {
    fn from(json: JsonText) -> Self {
        json.0.into()
    }
}
