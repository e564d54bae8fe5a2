//! Messages: the turns of a transcript.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::assistant::AssistantPart;
use super::part::{CachePoint, Part};

/// One turn, or what was said to the model around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    System {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CachePoint>,
    },
    User {
        /// Which of several people it is, as OpenAI's protocol has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        parts: Vec<Part>,
    },
    /// In the order in which the model made them.
    Assistant { parts: Vec<AssistantPart> },
    /// The result of one tool call.
    Tool {
        call_id: String,
        parts: Vec<Part>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

impl Message {
    pub fn system(text: impl Into<String>) -> Self {
        Self::System { text: text.into(), cache: None }
    }

    pub fn user(text: impl Into<String>) -> Self {
        Self::User { name: None, parts: vec![Part::Text(text.into())] }
    }

    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant { parts: vec![AssistantPart::text(text)] }
    }

    /// The result of a call that went well.
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Tool { call_id: call_id.into(), parts: vec![Part::Text(text.into())], is_error: false }
    }

    /// The parts that a person or a tool has given.
    pub fn given(&self) -> &[Part] {
        match self {
            Self::User { parts, .. } | Self::Tool { parts, .. } => parts,
            Self::System { .. } | Self::Assistant { .. } => &[],
        }
    }
}

/// Puts the results of each turn's calls into the order of the calls, because some servers match them by place; and gives an
/// identifier that an earlier call has used another one, because some refuse it.
///
/// Every result must have its call in the turn before it.
pub fn pair_calls(messages: &mut [Message]) {
    let mut turns = Turns::default();
    let mut rest = messages;
    while let Some(at) = rest.iter().position(|message| matches!(message, Message::Assistant { .. })) {
        let (head, results) = rest.split_at_mut(at + 1);
        let length = results.iter().take_while(|message| matches!(message, Message::Tool { .. })).count();
        let (results, after) = results.split_at_mut(length);
        if let Some(Message::Assistant { parts }) = head.last_mut() {
            pair_turn(parts, results, &mut turns);
        }
        rest = after;
    }
}

/// The identifiers of the turns so far.
#[derive(Default)]
struct Turns {
    /// How often each was given.
    given: HashMap<String, usize>,
    used: HashSet<String>,
}

impl Turns {
    /// The identifier itself, if no call has used it; else one with a number that none has.
    fn name(&mut self, id: &str) -> String {
        let turn = self.given.entry(id.to_owned()).or_insert(0);
        loop {
            *turn += 1;
            let name = if *turn == 1 { id.to_owned() } else { format!("{id}_{turn}") };
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }
}

fn pair_turn(parts: &mut [AssistantPart], results: &mut [Message], turns: &mut Turns) {
    let mut places: HashMap<String, VecDeque<(usize, String)>> = HashMap::new();
    let calls = parts.iter_mut().filter_map(|part| match part {
        AssistantPart::ToolCall(call) => Some(call),
        _ => None,
    });
    for (place, call) in calls.enumerate() {
        let name = turns.name(&call.id);
        places.entry(std::mem::replace(&mut call.id, name.clone())).or_default().push_back((place, name));
    }
    let mut order: Vec<usize> = Vec::with_capacity(results.len());
    for result in results.iter_mut() {
        let Message::Tool { call_id, .. } = result else { continue };
        let Some((place, name)) = places.get_mut(call_id).and_then(VecDeque::pop_front) else { return };
        order.push(place);
        *call_id = name;
    }
    if order.is_sorted() {
        return;
    }
    let nobody = || Message::System { text: String::new(), cache: None };
    let mut placed: Vec<(usize, Message)> =
        order.into_iter().zip(results.iter_mut().map(|result| std::mem::replace(result, nobody()))).collect();
    placed.sort_by_key(|(place, _)| *place);
    for (slot, (_, result)) in results.iter_mut().zip(placed) {
        *slot = result;
    }
}

/// What is said after the last answer, and how many messages stand before it.
pub fn news(messages: &[Message]) -> (usize, &[Message]) {
    let answered = messages.iter().rposition(|message| matches!(message, Message::Assistant { .. }));
    let first = answered.map_or(0, |last| last + 1);
    (first, messages.get(first..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::assistant::ToolCall;
    use super::*;

    fn turn(ids: &[&str]) -> Message {
        let calls = ids.iter().map(|id| AssistantPart::ToolCall(ToolCall::new(*id, "f", "{}")));
        Message::Assistant { parts: calls.collect() }
    }

    #[test]
    fn results_stand_in_the_order_of_their_calls() {
        let mut messages = [
            Message::user("Hi"),
            turn(&["a", "b", "c"]),
            Message::tool("c", "3"),
            Message::tool("a", "1"),
            Message::tool("b", "2"),
            turn(&["d"]),
            Message::tool("d", "4"),
        ];
        pair_calls(&mut messages);
        let expected =
            [("a", "1"), ("b", "2"), ("c", "3")].map(|(id, text)| Message::tool(id, text)).to_vec();
        assert_eq!(messages[2..5], expected);
        assert_eq!(messages[6], Message::tool("d", "4"));
    }

    #[test]
    fn an_identifier_of_an_earlier_call_becomes_another() {
        let mut messages = [
            turn(&["call_0", "call_0"]),
            Message::tool("call_0", "1"),
            Message::tool("call_0", "2"),
            turn(&["call_0"]),
            Message::tool("call_0", "3"),
        ];
        pair_calls(&mut messages);
        let expected = [
            turn(&["call_0", "call_0_2"]),
            Message::tool("call_0", "1"),
            Message::tool("call_0_2", "2"),
            turn(&["call_0_3"]),
            Message::tool("call_0_3", "3"),
        ];
        assert_eq!(messages, expected);
    }

    #[test]
    fn another_identifier_is_one_that_no_turn_has_used() {
        let mut messages: Vec<Message> = ["a", "a", "a_2", "a", "a_2"]
            .iter()
            .flat_map(|id| [turn(&[*id]), Message::tool(*id, "1")])
            .collect();
        pair_calls(&mut messages);
        let ids: Vec<&str> = messages
            .iter()
            .filter_map(|message| match message {
                Message::Tool { call_id, .. } => Some(call_id.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(ids, ["a", "a_2", "a_2_2", "a_3", "a_2_3"]);
    }
}
