//! Writes the images and files that somebody has given.

use serde_json::{Value, json};

use crate::domain::message::{File, FileSource, Image, ImageSource};

pub fn image(image: &Image) -> Value {
    let url = match &image.source {
        ImageSource::Url(url) => url.clone(),
        ImageSource::Data { media_type, base64 } => format!("data:{media_type};base64,{base64}"),
    };
    let detail = image.detail.as_deref().unwrap_or("auto");
    json!({ "type": "input_image", "image_url": url, "file_id": null, "detail": detail })
}

pub fn file(file: &File) -> Value {
    let name = file.name.as_deref();
    match &file.source {
        FileSource::Url(url) => json!({ "type": "input_file", "file_url": url, "filename": name }),
        FileSource::Id(id) => json!({ "type": "input_file", "file_id": id, "filename": name }),
        FileSource::Data(base64) => {
            let media_type = file.media_type.as_deref().unwrap_or("application/octet-stream");
            let data = format!("data:{media_type};base64,{base64}");
            json!({ "type": "input_file", "file_data": data, "filename": name })
        }
    }
}
