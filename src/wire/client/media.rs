//! Images and files that a body brings along.

use crate::domain::message::ImageSource;

/// What providers take in common.
const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];
/// The longest name of a media type.
const MAX_TYPE_CHARS: usize = 255;

/// An image in a `data:` URL.
///
/// # Errors
/// What is wrong with it, in words.
pub fn image_data(url: String) -> Result<ImageSource, String> {
    let (media_type, base64) = data_url(url)?;
    image_of(media_type, base64)
}

/// An image of this type.
///
/// # Errors
/// The types that are taken, in words.
pub fn image_of(media_type: String, base64: String) -> Result<ImageSource, String> {
    let media_type = if media_type == "image/jpg" { "image/jpeg".to_owned() } else { media_type };
    if !IMAGE_TYPES.contains(&media_type.as_str()) {
        return Err(format!("an image is one of {}", IMAGE_TYPES.join(", ")));
    }
    Ok(ImageSource::Data { media_type, base64 })
}

/// Reads `data:image/png;base64,…`: the media type, and the base64 as it is, for the provider to decode.
///
/// # Errors
/// What is wrong with it, in words.
pub fn data_url(mut url: String) -> Result<(String, String), &'static str> {
    let comma = url.find(',').ok_or("write a data: URL as data:image/png;base64,…")?;
    let head = &url["data:".len()..comma];
    let described = head.strip_suffix(";base64").ok_or("a data: URL must be in base64")?;
    let media_type = described.split(';').next().unwrap_or_default().to_ascii_lowercase();
    url.drain(..=comma);
    if url.is_empty() { Err("the data: URL is empty") } else { Ok((media_type, url)) }
}

/// `type/subtype`, of the characters that RFC 6838 (4.2) gives them.
pub fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.len() <= MAX_TYPE_CHARS
        && text.split_once('/').is_some_and(|(kind, sub)| is_name(kind) && is_name(sub))
}
