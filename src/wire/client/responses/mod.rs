//! OpenAI's Responses and Conversations, as its clients speak them.
//!
//! Source: the types of the official Python client 3.52, and the specification of Open Responses of 2026-04-24 (read 2026-11).
//!
//! | file | what it is |
//! |---|---|
//! | [`body`], [`request`], [`tools`] | what is asked |
//! | [`input`], [`content`] | what is said: items made into messages |
//! | [`item`], [`shown`] | items as replies have them: of an answer, and of a thread |
//! | [`reply`] | the response itself |
//! | [`stream`] | a response as it grows, and what stands at the end |
//! | [`saying`], [`event`] | its items as they are said, and the events of that |
//! | [`id`] | names that say what they name by how they begin |
//! | [`conversation`] | conversations |
//! | [`socket`] | responses over a WebSocket |
//! | [`compact`], [`summary`] | what was said made shorter, and counted |
//!
//! Tools that run at OpenAI are left out with a warning, as clients offer them to whoever answers; items of theirs are refused by
//! their place, since an answer without them would be another. Tools that run here appear as `mcp_call`: that is the item that clients
//! know for what the server has called.

mod body;
mod compact;
mod content;
mod conversation;
mod event;
mod id;
mod input;
mod item;
mod media;
mod reply;
mod request;
mod saying;
mod shown;
mod socket;
mod stream;
mod summary;
mod tools;

pub use body::Body as ResponsesRequest;
pub use compact::{compaction, input_tokens};
pub use conversation::{
    Conversation, ConversationBody, Deleted, ItemsBody, conversation, deleted, item_list,
};
pub use id::{conversation_id, item_id, item_of, response_id, run_of, thread_of};
pub use input::{Piece, join, pair};
pub use item::OutputItem;
pub use reply::{Ending, Response, Rest};
pub use request::{Base, Parsed, read};
pub use shown::{Of, shown};
pub use socket::{Fault, Turn, Turns, refused};
pub use stream::StreamEncoder;
