//! Conversations: threads of an agent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::Input;
use super::id::conversation_id;
use super::input::{Piece, join, pieces};
use super::request::metadata;
use crate::domain::message::Message;
use crate::domain::thread::view::ThreadView;
use crate::wire::client::object::objects;
use crate::wire::client::{Invalid, parsed};
use crate::wire::to_json;

/// How many items a conversation is given at once.
const MAX_ITEMS: usize = 20;

/// A conversation to be made, or changed.
#[derive(Debug, Default, ToSchema)]
#[schema(as = NewConversation, example = json!({"metadata": {"topic": "parcels"}}))]
pub struct ConversationBody {
    /// Replaces what was there.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// What was said before; at most 20 items.
    #[schema(value_type = Option<Vec<Object>>)]
    items: Input,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input")
    }
}

/// Items for a conversation.
#[derive(Debug, Default, ToSchema)]
#[schema(as = NewConversationItems, example = json!({"items": [{"role": "user", "content": "By the way, my name is Ada."}]}))]
pub struct ItemsBody {
    /// At most 20.
    #[schema(value_type = Vec<Object>)]
    items: Input,
}

objects! {
    ConversationBody, "an object" { metadata, items }
    ItemsBody, "an object" { items }
}

/// Pairs of texts.
type Metadata = BTreeMap<String, String>;

impl ConversationBody {
    /// # Errors
    /// [`Invalid`].
    pub fn read(body: &[u8]) -> Result<(Option<Metadata>, Vec<Message>), Invalid> {
        let (body, _): (Self, _) = parsed::read(if body.is_empty() { b"{}" } else { body }, |_| false)?;
        let metadata = body.metadata.as_ref().map(|given| metadata(Some(given))).transpose()?;
        Ok((metadata, said(body.items)?))
    }
}

impl ItemsBody {
    /// # Errors
    /// [`Invalid`].
    pub fn read(body: &[u8]) -> Result<Vec<Message>, Invalid> {
        let (body, _): (Self, _) = parsed::read(body, |_| false)?;
        let said = said(body.items)?;
        if said.is_empty() { Err(Invalid::at("items", "`items` must not be empty")) } else { Ok(said) }
    }
}

fn said(items: Input) -> Result<Vec<Message>, Invalid> {
    if let Input::Items(items) = &items
        && items.len() > MAX_ITEMS
    {
        return Err(Invalid::at("items", format!("has at most {MAX_ITEMS} entries")));
    }
    let read = pieces(items).map_err(|fault| {
        let param = fault.param.map(|param| param.replacen("input", "items", 1));
        Invalid { param, ..fault }
    })?;
    if let Some(Piece::Reference(_, at)) = read.iter().find(|piece| matches!(piece, Piece::Reference(..))) {
        return Err(Invalid::at(at.replacen("input", "items", 1), "references are not taken here"));
    }
    Ok(join(read))
}

/// OpenAI's conversation.
#[derive(Serialize, ToSchema)]
pub struct Conversation<'a> {
    #[schema(example = "conv_019b0000000070008000000000000000")]
    id: String,
    #[schema(example = "conversation")]
    object: &'static str,
    /// Seconds since the epoch.
    created_at: i64,
    #[schema(value_type = Object)]
    metadata: &'a BTreeMap<String, String>,
}

pub fn conversation(thread: &ThreadView) -> Vec<u8> {
    to_json(&Conversation {
        id: conversation_id(thread.id),
        object: "conversation",
        created_at: thread.created_at.0.div_euclid(1_000),
        metadata: &thread.metadata,
    })
}

/// That something is gone.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedObject)]
pub struct Deleted {
    id: String,
    object: &'static str,
    deleted: bool,
}

pub fn deleted(id: String, object: &'static str) -> Vec<u8> {
    to_json(&Deleted { id, object, deleted: true })
}

#[derive(Serialize)]
struct ItemList<'a> {
    object: &'static str,
    data: &'a [Value],
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

pub fn item_list(data: &[Value], has_more: bool) -> Vec<u8> {
    let id = |item: Option<&'_ Value>| item.and_then(|item| item.get("id")?.as_str().map(str::to_owned));
    let (first_id, last_id) = (id(data.first()), id(data.last()));
    to_json(&ItemList { object: "list", data, first_id, last_id, has_more })
}
