//! Whether an answer is what the agent answers, and what is known of one that is not.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::message::{AssistantPart, Message, Usage};
use crate::domain::money::{self, Nanos};
use crate::domain::schema::{self, Document, Fault};
use crate::domain::thread::item;

/// The most bytes of an invalid answer that are kept: they are written with every change of the run.
const MAX_ANSWER: usize = 64 * 1_024;

/// What a check of an answer has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Checked {
    /// There was nothing to check.
    #[default]
    Free,
    Fits,
    /// It fits, and stands in the parts without what was said around it.
    Tidied,
    Misfit(Misfit),
}

/// An answer that does not fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Misfit {
    /// What was said, or the beginning of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
    pub faults: Vec<Fault>,
}

/// What a run knows of an answer that did not fit: there is one repair a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repair {
    pub misfit: Misfit,
    /// It is still to be answered.
    pub is_open: bool,
    /// What the answer took that was taken back.
    pub usage: Usage,
    #[serde(with = "money::as_integer")]
    pub cost: Nanos,
}

/// Checks a final answer. JSON that stands alone in a code fence, or in several pieces, is put into one piece.
pub fn check(schema: &Map<String, Value>, parts: &mut Vec<AssistantPart>) -> Checked {
    let said = AssistantPart::text_of(parts).unwrap_or_default().into_owned();
    let misfit = |faults| {
        let (answer, _) = said.split_at(said.floor_char_boundary(MAX_ANSWER));
        Checked::Misfit(Misfit { answer: answer.to_owned(), faults })
    };
    let document = match Document::read_answer(&said) {
        Ok(document) => document,
        Err(unread) => return misfit(vec![Fault { at: String::new(), words: unread.to_string() }]),
    };
    let faults = schema::faults(schema, &document.value);
    if !faults.is_empty() {
        return misfit(faults);
    }
    let is_text = |part: &AssistantPart| matches!(part, AssistantPart::Text(_));
    let pieces = item::pieces(parts.clone());
    let texts = pieces.iter().filter(|piece| match piece {
        Message::Assistant { parts } => parts.iter().any(is_text),
        _ => false,
    });
    if document.text.len() == said.len() && texts.count() == 1 {
        return Checked::Fits;
    }
    let text = document.text.to_owned();
    parts.retain(|part| !is_text(part));
    parts.push(AssistantPart::text(text));
    Checked::Tidied
}

impl Misfit {
    /// What the model is told behind its answer.
    pub fn words(&self) -> String {
        let mut words =
            "This answer is not valid: it must be JSON that fits the schema, and nothing else.\n".to_owned();
        for Fault { at, words: fault } in &self.faults {
            let at = if at.is_empty() { "(the whole answer)" } else { at };
            words.push_str(&format!("- {at}: {fault}\n"));
        }
        words.push_str("Answer again: the whole JSON, without a word around it.");
        words
    }
}
