//! Which of a stream's token counts is its bill.

use crate::domain::message::{Event, Usage};

/// What was counted of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    #[default]
    None,
    /// A count came, and none when the answer had ended: what was generated after it nobody knows.
    Early,
    /// The bill.
    Final(Usage),
}

/// Follows a stream. A count is the bill only if every choice had ended when it came: some servers count along the way, with
/// every piece or only with the first.
#[derive(Debug, Default)]
pub struct Counter {
    usage: Option<Usage>,
    /// Choices as bits; the few beyond 63 share the last one.
    begun: u64,
    ended: u64,
    is_final: bool,
}

impl Counter {
    pub fn watch(&mut self, event: &Event) {
        match event {
            Event::Usage(usage) => {
                self.usage = Some(self.usage.unwrap_or_default().max(*usage));
                self.is_final = self.begun == self.ended && self.ended != 0;
            }
            Event::Finish { choice, .. } => {
                self.ended |= bit(*choice);
                self.go_on(*choice);
            }
            Event::Text { choice, .. }
            | Event::Reasoning { choice, .. }
            | Event::Refusal { choice, .. }
            | Event::ToolCall { choice, .. }
            | Event::ToolArguments { choice, .. } => self.go_on(*choice),
            Event::Boundary { .. }
            | Event::Proof { .. }
            | Event::Citation { .. }
            | Event::Logprobs { .. }
            | Event::About(_) => {}
        }
    }

    /// Of an answer of which so many `choices` were asked, whether or not it came to its end.
    pub fn count(&self, choices: u64) -> Count {
        let have_ended = u64::from(self.ended.count_ones()) >= choices;
        match self.usage {
            None => Count::None,
            Some(usage) if self.is_final && have_ended => Count::Final(usage),
            Some(_) => Count::Early,
        }
    }

    const fn go_on(&mut self, choice: u32) {
        self.begun |= bit(choice);
        self.is_final = false;
    }
}

const fn bit(choice: u32) -> u64 {
    1 << if choice < 63 { choice } else { 63 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::Finish;

    const USAGE: Usage = Usage {
        input_tokens: 10,
        cached_input_tokens: 0,
        cache_write_tokens: 0,
        output_tokens: 5,
        reasoning_tokens: 0,
        hour_write_tokens: 0,
        audio_input_tokens: 0,
    };

    /// `0` and `1` say something, `a` and `b` end them, `#` counts.
    fn counter(stream: &str) -> Counter {
        let mut counter = Counter::default();
        for step in stream.chars() {
            counter.watch(&match step {
                '#' => Event::Usage(USAGE),
                'a' | 'b' => Event::Finish { choice: u32::from(step == 'b'), reason: Finish::Stop },
                choice => Event::Text { choice: u32::from(choice == '1'), delta: "x".into() },
            });
        }
        counter
    }

    #[test]
    fn a_count_is_the_bill_only_when_every_choice_had_ended() {
        for (stream, of_1, of_2) in [
            ("", Count::None, Count::None),
            ("0a", Count::None, Count::None),
            ("#", Count::Early, Count::Early),
            ("#0a", Count::Early, Count::Early),
            ("0#a", Count::Early, Count::Early),
            ("0#0#a", Count::Early, Count::Early),
            ("0a#", Count::Final(USAGE), Count::Early),
            ("0a##", Count::Final(USAGE), Count::Early),
            ("01a#1b", Count::Early, Count::Early),
            ("0a#1b", Count::Early, Count::Early),
            ("01ab#", Count::Final(USAGE), Count::Final(USAGE)),
            ("01a#b#", Count::Final(USAGE), Count::Final(USAGE)),
            ("0a#0", Count::Early, Count::Early),
        ] {
            let counter = counter(stream);
            assert_eq!((counter.count(1), counter.count(2)), (of_1, of_2), "{stream:?}");
        }
    }
}
