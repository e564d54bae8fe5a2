//! What a run was given of memories, the same in each of its steps.

use serde::{Deserialize, Serialize};

use crate::domain::message::Message;

/// What a run was given: its steps after the first are sent exactly this, also after a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalled {
    /// The text as it was sent; empty: nothing.
    pub block: String,
    /// Before which message it stands, counted from the run's first.
    #[serde(default)]
    pub offset: i64,
}

impl Recalled {
    /// The place right before what is to be answered, where so many messages were there before the run.
    ///
    /// What the client says of earlier turns, and what a run has that begins without a word of its own, stays before it, so that
    /// those who say it again each time send a beginning that stays the same.
    pub fn offset_in(messages: &[Message], earlier: usize) -> i64 {
        let is_said = |message: &Message| matches!(message, Message::User { .. });
        let at = messages.iter().rposition(is_said).unwrap_or(earlier);
        i64::try_from(at).unwrap_or(i64::MAX).saturating_sub(i64::try_from(earlier).unwrap_or(i64::MAX))
    }

    /// Puts it among messages, of which so many were there before the run; how many are there now.
    pub fn put_into(&self, messages: &mut Vec<Message>, earlier: usize) -> usize {
        if self.block.is_empty() {
            return earlier;
        }
        let at = i64::try_from(earlier).unwrap_or(i64::MAX).saturating_add(self.offset);
        let at = usize::try_from(at).unwrap_or(0).min(messages.len());
        messages.insert(at, Message::user(self.block.clone()));
        if at < earlier { earlier + 1 } else { earlier }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::Part;

    fn placed(messages: &[Message], earlier: usize) -> Vec<String> {
        let recalled = Recalled { block: "B".to_owned(), offset: Recalled::offset_in(messages, earlier) };
        let mut messages = messages.to_vec();
        recalled.put_into(&mut messages, earlier);
        let text = |message: &Message| match message {
            Message::User { .. } => match message.given() {
                [Part::Text(text)] => text.clone(),
                other => panic!("{other:?}"),
            },
            _ => "s".to_owned(),
        };
        messages.iter().map(text).collect()
    }

    #[test]
    fn it_stands_right_before_what_is_to_be_answered() {
        let [a, b, c] = ["a", "b", "c"].map(Message::user);
        let said = Message::assistant("s");
        assert_eq!(placed(&[a.clone(), said.clone(), b.clone()], 2), ["a", "s", "B", "b"]);
        assert_eq!(placed(&[a.clone(), said.clone(), c], 0), ["a", "s", "B", "c"], "all said by the client");
        assert_eq!(placed(&[a, b], 2), ["a", "B", "b"], "a run without a word of its own");
        assert_eq!(placed(&[said], 0), ["B", "s"]);
        assert_eq!(placed(&[], 0), ["B"]);
    }

    #[test]
    fn its_place_stays_as_the_run_goes_on_and_nothing_is_put_where_there_is_nothing() {
        let recalled = Recalled { block: "B".to_owned(), offset: 0 };
        let mut messages =
            vec![Message::user("a"), Message::user("q"), Message::assistant("s"), Message::user("steer")];
        assert_eq!(recalled.put_into(&mut messages, 1), 1);
        assert_eq!(messages[1], Message::user("B"));
        let before = messages.clone();
        assert_eq!(Recalled::default().put_into(&mut messages, 1), 1);
        assert_eq!(messages, before);
    }
}
