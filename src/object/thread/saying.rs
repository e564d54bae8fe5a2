//! What is said in a thread, as items of its transcript.

use std::slice;

use super::Work;
use super::kept::{Meta, Said, size_in_row, text_in_row};
use super::voices::Speech;
use crate::domain::message::{AssistantPart, Message, Part, stored};
use crate::domain::run::state::{Phase, Run};
use crate::domain::thread::id::EntryId;
use crate::domain::thread::item::Item;
use crate::domain::thread::voice::Spoken;
use crate::domain::time::Millis;

/// The most bytes of what is said to a run while the model answers; what is beyond stands before the answer.
const MAX_SAID: usize = 500_000;

/// The most characters of a title that is made of the first message.
const MAX_TITLE: usize = 80;

impl Work {
    /// More of what a run is about whose turn has not come.
    pub(super) fn add_input(&mut self, run: u32, input: &[Message], by: Option<Spoken>) {
        let Some(kept) = self.open.get_mut(&run) else { return };
        for message in input {
            if let (Some(by), Ok(place)) = (by, u32::try_from(kept.input.len())) {
                kept.input_by.insert(place, by);
            }
            kept.input.push(stored::write(message));
        }
    }

    /// Something that somebody says in a run. While the model answers it is kept, so that it stands behind the answer.
    pub(super) fn say_to(
        &mut self,
        meta: &mut Meta,
        number: u32,
        message: Message,
        now: Millis,
    ) -> Option<EntryId> {
        let kept = self.open.get_mut(&number)?;
        let (entry, during) = (kept.run.take_entry(), kept.run.asked());
        self.hear(meta, number, (entry, during), message, now);
        Some(EntryId { run: meta.run(number), number: entry })
    }

    /// The same under an entry of its own; see [`Do::Hear`](crate::domain::run::happening::Do::Hear).
    pub(super) fn hear(
        &mut self,
        meta: &mut Meta,
        number: u32,
        (entry, during): (u32, Option<u32>),
        message: Message,
        now: Millis,
    ) {
        let by = self.spoken(number, None);
        let Some(kept) = self.open.get_mut(&number) else { return };
        self.batch.runs.insert(number);
        let there: usize = kept.said.iter().map(|said| text_in_row(&said.message)).sum();
        match during {
            Some(step) if there + size_in_row(slice::from_ref(&message)) <= MAX_SAID => {
                kept.said.push(Said { step, entry, message: stored::write(&message), by });
            }
            _ => self.write_item(meta, number, entry, 0, message, now),
        }
    }

    /// Writes what was said during a step that is over.
    pub(super) fn write_said(&mut self, meta: &mut Meta, number: u32, now: Millis) {
        let Some(kept) = self.open.get_mut(&number) else { return };
        let Run { phase, .. } = &kept.run;
        let is_over = |said: &mut Said| !matches!(phase, Phase::Model { step, .. } if *step == said.step);
        let over: Vec<Said> = kept.said.extract_if(.., is_over).collect();
        for Said { entry, message, by, .. } in over {
            if let Ok(message) = stored::read(&message) {
                let speech = std::mem::replace(&mut self.speech, by.map(|by| Speech::of(number, by)));
                self.write_item(meta, number, entry, 0, message, now);
                self.speech = speech;
            }
        }
    }

    /// Remembers where the last text stands that a run wrote.
    pub(super) fn note_answer(&mut self, number: u32, message: &Message) {
        let is_text =
            matches!(message, Message::Assistant { parts } if AssistantPart::text_of(parts).is_some());
        if let Some(kept) = self.open.get_mut(&number).filter(|_| is_text) {
            kept.answer = Some(self.next_item);
        }
    }

    pub(super) fn write_item(
        &mut self,
        meta: &mut Meta,
        run: u32,
        entry: u32,
        step: u32,
        message: Message,
        now: Millis,
    ) {
        let by = match &message {
            Message::Tool { call_id, .. } => self.spoken(run, Some(call_id)),
            _ => self.spoken(run, None),
        };
        if meta.about.title.is_none() {
            meta.about.title = title(&message);
            meta.titled_in = meta.about.title.as_ref().and(by);
            meta.titled_by = meta.about.title.as_ref().and((run > 0).then_some(run));
            self.batch.has_thread |= meta.about.title.is_some();
        }
        let position = self.next_item;
        self.next_item += 1;
        self.batch.items.push(Item { position, run, entry, step, at: now, message, stands_for: None, by });
    }
}

/// The first line of what a person says first.
fn title(message: &Message) -> Option<String> {
    let Message::User { parts, .. } = message else { return None };
    let text = parts.iter().find_map(|part| match part {
        Part::Text(text) => Some(text.trim()),
        _ => None,
    })?;
    let line = text.lines().next().filter(|line| !line.is_empty())?;
    Some(line.chars().take(MAX_TITLE).collect())
}
