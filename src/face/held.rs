//! An answer that is held back until it is known to be what the agent answers.

use crate::domain::message::Event;

/// What was said of an answer until now.
#[derive(Debug, Default)]
pub struct Held(String);

impl Held {
    /// Takes a piece of the answer; thoughts are not held back.
    pub fn takes(&mut self, event: &Event) -> bool {
        match event {
            Event::Text { delta, .. } => {
                self.0.push_str(delta);
                true
            }
            _ => false,
        }
    }

    /// The answer in one piece.
    pub fn event(&mut self) -> Option<Event> {
        let delta = std::mem::take(&mut self.0);
        (!delta.is_empty()).then_some(Event::Text { choice: 0, delta })
    }
}
