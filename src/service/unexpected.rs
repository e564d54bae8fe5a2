//! Answers that nobody waits for, as logs and errors name them.

use std::fmt::{self, Debug, Write};

/// The name of an answer's variant and nothing else: in it may be what somebody has said.
pub fn name_of(answer: &impl Debug) -> String {
    let mut name = Name(String::new());
    // It refuses to be given more than the name.
    let _ = write!(name, "{answer:?}");
    name.0
}

struct Name(String);

impl Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        self.0.push_str(text.get(..end.unwrap_or(text.len())).unwrap_or_default());
        if end.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dispatch::command::Answer;
    use crate::domain::erasure::Hold;
    use crate::domain::time::Millis;

    #[test]
    fn nothing_of_an_answer_is_named_but_its_kind() {
        let hold =
            Hold { user: "ada".to_owned(), reason: None, placed_by: "k".to_owned(), placed_at: Millis(1) };
        assert_eq!(name_of(&Answer::Hold(hold)), "Hold");
        assert_eq!(name_of(&Answer::Erasures(Vec::new(), true)), "Erasures");
        assert_eq!(name_of(&Answer::MayGo), "MayGo");
    }
}
