//! Reads the parts of contents.

use serde::Deserialize;

use crate::domain::message::{Audio, AudioFormat, File, FileSource, Image, ImageSource, Part};
use crate::domain::outbound::{self, Loopback};
use crate::wire::cache_control::CacheControl;
use crate::wire::client::media::{data_url, image_data, is_media_type};
use crate::wire::client::object::objects;

const MAX_NAME_CHARS: usize = 255;

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

fn audio_of(body: AudioBody) -> Result<Audio, PartFault> {
    let data = body.data.filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| (".input_audio.data", "audio needs `data`, in base64".to_owned()))?;
    let format = body.format.as_deref().and_then(AudioFormat::parse).ok_or_else(|| {
        let names = AudioFormat::ALL.map(AudioFormat::name);
        (".input_audio.format", format!("audio is one of {}", names.join(", ")))
    })?;
    Ok(Audio { format, data })
}
