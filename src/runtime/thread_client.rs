//! The hop to a thread's object, over the platform's binding.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::send::{IntoSendFuture, SendWrapper};

use super::crossing;
use super::objects::{Objects, unavailable};
use crate::domain::run::event::Numbered;
use crate::domain::thread::command::{Answer, Command, VERSION};
use crate::object::wire;
use crate::ports::{ThreadOf, Threads, Unavailable, Watch};

/// The threads' objects.
#[derive(Clone, Debug)]
pub struct ThreadClient(pub Objects);

impl ThreadClient {
    async fn open(&self, thread: ThreadOf, command: &Command) -> Result<(Answer, Lines), Unavailable> {
        let text = wire::encode(VERSION, command).map_err(|error| Unavailable(error.to_string()))?;
        let objects: &JsValue = self.0.namespace.as_ref();
        let answer =
            JsFuture::from(crossing::ask_on(objects, &thread.name(), &text)).await.map_err(unavailable)?;
        let answer: crossing::Watched = answer.unchecked_into();
        let reader = answer.reader().map(SendWrapper::new);
        let mut lines = Lines { reader, read: answer.text().unwrap_or_default().into_bytes(), at: 0 };
        let first =
            lines.line().await.ok_or_else(|| Unavailable("the thread's object did not answer".to_owned()))?;
        Ok((decode(&first)?, lines))
    }
}

fn decode(text: &str) -> Result<Answer, Unavailable> {
    wire::decode(text).map_err(|error| Unavailable(error.to_string()))
}

impl Threads for ThreadClient {
    type Watch = Lines;

    async fn ask(&self, thread: ThreadOf, command: Command) -> Result<Answer, Unavailable> {
        let text = wire::encode(VERSION, &command).map_err(|error| Unavailable(error.to_string()))?;
        decode(&self.0.ask(&thread.name(), &text).await?)
    }

    async fn watch(&self, thread: ThreadOf, command: Command) -> Result<(Answer, Lines), Unavailable> {
        self.open(thread, &command).into_send().await
    }
}

/// The lines that an object sends.
pub struct Lines {
    /// `None`: no more than what is read comes.
    reader: Option<SendWrapper<web_sys::ReadableStreamDefaultReader>>,
    read: Vec<u8>,
    /// How much of it is taken.
    at: usize,
}

impl Lines {
    async fn line(&mut self) -> Option<String> {
        loop {
            let rest = self.read.get(self.at..)?;
            if let Some(end) = memchr::memchr(b'\n', rest) {
                let line = String::from_utf8_lossy(&rest[..end]).into_owned();
                self.at += end + 1;
                return Some(line);
            }
            let Some(reader) = &self.reader else {
                let line = (!rest.is_empty()).then(|| String::from_utf8_lossy(rest).into_owned());
                self.at = self.read.len();
                return line;
            };
            let result = JsFuture::from(reader.read()).await.ok();
            let result = result.map(JsCast::unchecked_into::<web_sys::ReadableStreamReadResult>);
            match result.filter(|result| !result.get_done().unwrap_or(true)) {
                None => self.reader = None,
                Some(result) => {
                    self.read.drain(..self.at);
                    self.at = 0;
                    self.read.extend(result.get_value().unchecked_into::<Uint8Array>().to_vec());
                }
            }
        }
    }
}

impl Watch for Lines {
    async fn next(&mut self) -> Option<Numbered> {
        let line = self.line().into_send().await?;
        serde_json::from_str(&line).ok()
    }
}
