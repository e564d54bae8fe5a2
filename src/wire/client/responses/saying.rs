//! Items as they are said: begun, continued, ended, each with its events.

use serde_json::{Value, json};

use super::id::item_id;
use super::item::{ContentPart, OutputItem, Status, Summary};
use super::stream::StreamEncoder;
use crate::domain::message::{Proof, ProofKind};
use crate::wire::client::proof;

impl StreamEncoder {
    pub(super) fn name(&self, kind: &str) -> String {
        match self.piece {
            Some(piece) => item_id(kind, &piece),
            None => {
                let of = self.id.trim_start_matches("resp_");
                item_id(kind, &format!("{of}_{}", self.items.len()))
            }
        }
    }

    pub(super) fn add(&mut self, item: OutputItem, out: &mut Vec<u8>) -> usize {
        let at = self.items.len();
        self.items.push(item);
        self.say(
            "response.output_item.added",
            &json!({ "output_index": at, "item": self.items.get(at) }),
            out,
        );
        at
    }

    /// The message that is being said; another one is begun where none is.
    pub(super) fn message(&mut self, out: &mut Vec<u8>) -> usize {
        let open = self.open.filter(|at| matches!(self.items.get(*at), Some(OutputItem::Message { .. })));
        if let Some(at) = open {
            return at;
        }
        self.close(out);
        let item = OutputItem::Message {
            id: self.name("msg"),
            status: Status::InProgress,
            role: "assistant",
            content: Vec::new(),
        };
        let at = self.add(item, out);
        self.open = Some(at);
        at
    }

    /// The place of the part that is being said, begun where the last is of another kind.
    pub(super) fn part(&mut self, at: usize, new: ContentPart, out: &mut Vec<u8>) -> usize {
        let Some(OutputItem::Message { content, .. }) = self.items.get(at) else { return 0 };
        let is_same = |last: &ContentPart| std::mem::discriminant(last) == std::mem::discriminant(&new);
        if content.last().is_some_and(is_same) {
            return content.len() - 1;
        }
        self.close_part(at, out);
        let Some(OutputItem::Message { id, content, .. }) = self.items.get_mut(at) else { return 0 };
        let place = content.len();
        let added = json!({ "item_id": id, "output_index": at, "content_index": place, "part": &new });
        content.push(new);
        self.say("response.content_part.added", &added, out);
        place
    }

    pub(super) fn text(&mut self, delta: &str, out: &mut Vec<u8>) {
        if delta.is_empty() {
            return;
        }
        let at = self.message(out);
        let place = self.part(at, ContentPart::text(""), out);
        if let Some(OutputItem::Message { content, .. }) = self.items.get_mut(at)
            && let Some(ContentPart::OutputText { text, .. }) = content.last_mut()
        {
            text.push_str(delta);
        }
        self.delta("response.output_text.delta", at, Some(place), delta, out);
    }

    pub(super) fn refusal(&mut self, delta: &str, out: &mut Vec<u8>) {
        let at = self.message(out);
        let place = self.part(at, ContentPart::Refusal { refusal: String::new() }, out);
        if let Some(OutputItem::Message { content, .. }) = self.items.get_mut(at)
            && let Some(ContentPart::Refusal { refusal }) = content.last_mut()
        {
            refusal.push_str(delta);
        }
        self.delta("response.refusal.delta", at, Some(place), delta, out);
    }

    pub(super) fn annotate(&mut self, annotation: Value, out: &mut Vec<u8>) {
        let Some(at) = self.open else { return };
        let Some(OutputItem::Message { id, content, .. }) = self.items.get_mut(at) else { return };
        let place = content.len().saturating_sub(1);
        let Some(ContentPart::OutputText { annotations, .. }) = content.last_mut() else { return };
        let said = json!({
            "item_id": id, "output_index": at, "content_index": place, "annotation_index": annotations.len(),
            "annotation": &annotation,
        });
        annotations.push(annotation);
        self.say("response.output_text.annotation.added", &said, out);
    }

    pub(super) fn thinking(&mut self, out: &mut Vec<u8>) -> usize {
        let open = self.open.filter(|at| matches!(self.items.get(*at), Some(OutputItem::Reasoning { .. })));
        if let Some(at) = open {
            return at;
        }
        self.close(out);
        let item = OutputItem::Reasoning {
            id: self.name("rs"),
            status: Status::InProgress,
            summary: Vec::new(),
            encrypted_content: None,
        };
        let at = self.add(item, out);
        self.open = Some(at);
        at
    }

    pub(super) fn thought(&mut self, delta: &str, out: &mut Vec<u8>) {
        if delta.is_empty() {
            return;
        }
        let at = self.thinking(out);
        let Some(OutputItem::Reasoning { id, summary, .. }) = self.items.get_mut(at) else { return };
        if summary.is_empty() {
            summary.push(Summary { text: String::new() });
            let added = json!({
                "item_id": id, "output_index": at, "summary_index": 0, "part": { "type": "summary_text", "text": "" },
            });
            self.say("response.reasoning_summary_part.added", &added, out);
        }
        if let Some(OutputItem::Reasoning { summary, .. }) = self.items.get_mut(at)
            && let Some(last) = summary.last_mut()
        {
            last.text.push_str(delta);
        }
        self.delta("response.reasoning_summary_text.delta", at, Some(0), delta, out);
    }

    /// What proves the thought that is being said, or one that is not shown.
    pub(super) fn proof(&mut self, proof: &Proof, out: &mut Vec<u8>) {
        let is_of_text = proof.kind == ProofKind::GeminiSignature;
        if is_of_text
            && self.open.is_none_or(|at| !matches!(self.items.get(at), Some(OutputItem::Reasoning { .. })))
        {
            return;
        }
        let Some(text) = proof::write(proof, ProofKind::OpenaiEncrypted) else { return };
        let is_proven =
            |item: &OutputItem| matches!(item, OutputItem::Reasoning { encrypted_content: Some(_), .. });
        if self.open.and_then(|at| self.items.get(at)).is_some_and(is_proven) {
            self.close(out);
        }
        let at = self.thinking(out);
        if let Some(OutputItem::Reasoning { encrypted_content, .. }) = self.items.get_mut(at) {
            *encrypted_content = Some(text);
        }
    }

    pub(super) fn call(&mut self, call_id: String, name: &str, out: &mut Vec<u8>) -> usize {
        self.close(out);
        let item = OutputItem::FunctionCall {
            id: self.name("fc"),
            status: Status::InProgress,
            call_id,
            name: name.to_owned(),
            arguments: String::new(),
        };
        self.add(item, out)
    }

    pub(super) fn arguments(&mut self, at: usize, delta: &str, out: &mut Vec<u8>) {
        if let Some(OutputItem::FunctionCall { arguments, .. }) = self.items.get_mut(at) {
            arguments.push_str(delta);
        }
        self.delta("response.function_call_arguments.delta", at, None, delta, out);
    }

    pub(super) fn end_call(&mut self, at: usize, status: Status, out: &mut Vec<u8>) {
        let Some(item) = self.items.get_mut(at) else { return };
        item.set(status);
        if let OutputItem::FunctionCall { id, name, arguments, .. } = item {
            let done = json!({ "item_id": id, "output_index": at, "name": name, "arguments": arguments });
            self.say("response.function_call_arguments.done", &done, out);
        }
        self.say(
            "response.output_item.done",
            &json!({ "output_index": at, "item": self.items.get(at) }),
            out,
        );
    }

    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        self.close_as(Status::Completed, out);
    }

    /// Ends what is being said.
    pub(super) fn close_as(&mut self, status: Status, out: &mut Vec<u8>) {
        let Some(at) = self.open.take() else { return };
        self.close_part(at, out);
        if let Some(item) = self.items.get_mut(at) {
            item.set(status);
        }
        self.say(
            "response.output_item.done",
            &json!({ "output_index": at, "item": self.items.get(at) }),
            out,
        );
    }

    pub(super) fn close_part(&mut self, at: usize, out: &mut Vec<u8>) {
        match self.items.get(at) {
            Some(OutputItem::Message { id, content, .. }) if !content.is_empty() => {
                let place = json!({ "item_id": id, "output_index": at, "content_index": content.len() - 1 });
                let part = content.last().cloned();
                let mut said = place.clone();
                let kind = match &part {
                    Some(ContentPart::Refusal { refusal }) => {
                        said["refusal"] = json!(refusal);
                        "response.refusal.done"
                    }
                    Some(ContentPart::OutputText { text, .. }) => {
                        (said["text"], said["logprobs"]) = (json!(text), json!([]));
                        "response.output_text.done"
                    }
                    None => return,
                };
                self.say(kind, &said, out);
                let mut done = place;
                done["part"] = json!(part);
                self.say("response.content_part.done", &done, out);
            }
            Some(OutputItem::Reasoning { id, summary, .. }) if !summary.is_empty() => {
                let place = json!({ "item_id": id, "output_index": at, "summary_index": 0 });
                let part = summary.first().cloned();
                let mut said = place.clone();
                said["text"] = json!(part.as_ref().map(|part| &part.text));
                self.say("response.reasoning_summary_text.done", &said, out);
                let mut done = place;
                done["part"] = json!(part);
                self.say("response.reasoning_summary_part.done", &done, out);
            }
            _ => {}
        }
    }
}
