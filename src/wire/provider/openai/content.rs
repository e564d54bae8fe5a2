//! Writes a message's content: text, or parts where there is more than text.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::domain::dialect::Dialect;
use crate::domain::message::{Audio, CachePoint, File, FileSource, Image, ImageSource, Part};
use crate::wire::cache_control::CacheControl;

/// A message's content: text, or parts where there is an image.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<PartBody<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PartBody<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ImageUrl {
        image_url: ImageBody<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    File {
        file: FileBody<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    InputAudio {
        input_audio: AudioBody<'a>,
    },
    /// Mistral's.
    Thinking {
        thinking: [ThinkingText<'a>; 1],
    },
}

#[derive(Serialize)]
pub struct ImageBody<'a> {
    url: ImageUrl<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

struct ImageUrl<'a>(&'a ImageSource);

#[derive(Serialize)]
pub struct FileBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

/// A `data:` URL, or a URL where the server fetches.
enum FileData<'a> {
    Url(&'a str),
    Bytes { media_type: &'a str, base64: &'a str },
}

#[derive(Serialize)]
pub struct AudioBody<'a> {
    data: &'a str,
    format: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "text")]
pub struct ThinkingText<'a> {
    text: Cow<'a, str>,
}

impl<'a> Content<'a> {
    pub const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A text that ends with a mark for the cache, where there is one.
    pub fn cached(text: &'a str, cache: Option<CachePoint>) -> Self {
        match cache {
            None => Self::text(text),
            Some(point) => {
                let cache_control = Some(CacheControl::of(point));
                Self::Parts(vec![PartBody::Text { text: Cow::Borrowed(text), cache_control }])
            }
        }
    }

    /// One text stands by itself: some servers take no parts.
    pub fn of(dialect: &Dialect, parts: &'a [Part]) -> Self {
        if let [Part::Text(text)] = parts {
            return Self::text(text);
        }
        let mut bodies = Vec::with_capacity(parts.len());
        let mut is_marked = false;
        for part in parts {
            if let (Part::CachePoint(point), true) = (part, dialect.cache_points) {
                is_marked |= bodies.last_mut().is_some_and(|last: &mut PartBody<'_>| last.mark(*point));
            }
            bodies.extend(PartBody::of(dialect, part));
        }
        match bodies.as_mut_slice() {
            [PartBody::Text { text, .. }] if !is_marked => Self::Text(std::mem::take(text)),
            _ => Self::Parts(bodies),
        }
    }

    /// The texts among the parts, on lines of their own.
    pub fn text_of(parts: &'a [Part]) -> Self {
        let mut texts = parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Json(json) => Some(json.as_str()),
            _ => None,
        });
        let first = Cow::Borrowed(texts.next().unwrap_or_default());
        Self::Text(texts.fold(first, |whole, text| whole + "\n" + text))
    }

    /// This and then more.
    pub fn join(self, more: Self) -> Self {
        match (self, more) {
            (Self::Text(text), Self::Text(more)) => Self::Text(text + "\n\n" + more),
            (first, more) => Self::Parts(first.into_parts().into_iter().chain(more.into_parts()).collect()),
        }
    }

    fn into_parts(self) -> Vec<PartBody<'a>> {
        match self {
            Self::Text(text) => vec![PartBody::Text { text, cache_control: None }],
            Self::Parts(parts) => parts,
        }
    }

    /// As text, where there is nothing but text in it.
    pub fn flat(self) -> Self {
        let Self::Parts(parts) = self else { return self };
        if !parts.iter().all(|part| matches!(part, PartBody::Text { .. })) {
            return Self::Parts(parts);
        }
        let mut texts = parts.into_iter().filter_map(|part| match part {
            PartBody::Text { text, .. } => Some(text),
            _ => None,
        });
        let first = texts.next().unwrap_or_default();
        Self::Text(texts.fold(first, |whole, text| whole + "\n" + text))
    }
}

impl<'a> PartBody<'a> {
    /// `None` for what has no place here.
    pub fn of(dialect: &Dialect, part: &'a Part) -> Option<Self> {
        let cache_control = None;
        match part {
            Part::Text(text) => Some(Self::Text { text: Cow::Borrowed(text), cache_control }),
            Part::Json(json) => Some(Self::Text { text: Cow::Borrowed(json.as_str()), cache_control }),
            Part::Image(Image { source, detail }) => {
                let image_url = ImageBody { url: ImageUrl(source), detail: detail.as_deref() };
                Some(Self::ImageUrl { image_url, cache_control })
            }
            Part::File(file) => FileBody::of(dialect, file).map(|file| Self::File { file, cache_control }),
            Part::Audio(Audio { format, data }) => {
                let input_audio = AudioBody { data, format: format.name() };
                dialect.audio.then_some(Self::InputAudio { input_audio })
            }
            Part::CachePoint(_) => None,
        }
    }

    pub const fn thinking(text: Cow<'a, str>) -> Self {
        Self::Thinking { thinking: [ThinkingText { text }] }
    }

    /// Marks the part as the end of what is worth caching; whether it could be marked.
    const fn mark(&mut self, point: CachePoint) -> bool {
        match self {
            Self::Text { cache_control, .. }
            | Self::ImageUrl { cache_control, .. }
            | Self::File { cache_control, .. } => {
                *cache_control = Some(CacheControl::of(point));
                true
            }
            Self::InputAudio { .. } | Self::Thinking { .. } => false,
        }
    }
}

impl<'a> FileBody<'a> {
    /// What the dialect does not take was passed over with the entry, or was made by another server.
    fn of(dialect: &Dialect, file: &'a File) -> Option<Self> {
        let filename = file.name.as_deref();
        let media_type = file.media_type.as_deref().unwrap_or("application/octet-stream");
        match &file.source {
            FileSource::Data(base64) if dialect.file_data => {
                let file_data = Some(FileData::Bytes { media_type, base64 });
                // OpenAI refuses bytes without a name.
                Some(Self { filename: filename.or(Some("file")), file_data, file_id: None })
            }
            FileSource::Url(url) if dialect.file_url => {
                Some(Self { filename, file_data: Some(FileData::Url(url)), file_id: None })
            }
            FileSource::Id(id) if dialect.file_id => {
                Some(Self { filename: None, file_data: None, file_id: Some(id) })
            }
            FileSource::Data(_) | FileSource::Url(_) | FileSource::Id(_) => None,
        }
    }
}

impl Serialize for ImageUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ImageSource::Url(url) => serializer.serialize_str(url),
            ImageSource::Data { media_type, base64 } => {
                serializer.collect_str(&format_args!("data:{media_type};base64,{base64}"))
            }
        }
    }
}

impl Serialize for FileData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Url(url) => serializer.serialize_str(url),
            Self::Bytes { media_type, base64 } => {
                serializer.collect_str(&format_args!("data:{media_type};base64,{base64}"))
            }
        }
    }
}
