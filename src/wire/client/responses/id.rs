//! Names: what they name is said by how they begin, which clients look at.

use crate::domain::thread::id::{EntryId, RunId, ThreadKey};

const RESPONSE: &str = "resp_";
const CONVERSATION: &str = "conv_";

pub fn response_id(of: &impl std::fmt::Display) -> String {
    format!("{RESPONSE}{of}")
}

/// The run that a response is; `None` where the text is the name of none.
pub fn run_of(response: &str) -> Option<RunId> {
    RunId::parse(response.strip_prefix(RESPONSE)?)
}

pub fn conversation_id(thread: ThreadKey) -> String {
    format!("{CONVERSATION}{}", thread.to_string().replace('-', ""))
}

pub fn thread_of(conversation: &str) -> Option<ThreadKey> {
    ThreadKey::parse(conversation.strip_prefix(CONVERSATION)?)
}

/// `kind`: `msg`, `fc`, `fco`, `rs`, `mcp`, `cmp`.
pub fn item_id(kind: &str, of: &impl std::fmt::Display) -> String {
    format!("{kind}_{of}")
}

/// The item of a thread that is named so, whatever its kind.
pub fn item_of(id: &str) -> Option<EntryId> {
    EntryId::parse(id.split_once('_')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Millis;

    #[test]
    fn names_lead_home() {
        let run = RunId { thread: ThreadKey::new(Millis(1), [7; 10]), number: 3 };
        let entry = EntryId { run, number: 65_536 };
        assert_eq!(run_of(&response_id(&run)), Some(run));
        assert_eq!(thread_of(&conversation_id(run.thread)), Some(run.thread));
        assert_eq!(item_of(&item_id("msg", &entry)), Some(entry));
        for none in ["", "resp_", "msg_abc", "conv_1", "resp", &entry.to_string()] {
            assert_eq!((run_of(none), thread_of(none), item_of(none)), (None, None, None), "{none}");
        }
    }
}
