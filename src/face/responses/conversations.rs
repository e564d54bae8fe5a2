//! Conversations and their items.

use axum::extract::{Request, State};
use axum::response::Response as Reply;
use serde_json::json;

use super::json as reply;
use super::stored::{ITEMS, ItemsQuery};
use super::visit::{Visit, not_found, serve};
use crate::domain::patch::{Operations as Edits, Patch};
use crate::domain::thread::about::About;
use crate::domain::thread::command::Page;
use crate::domain::thread::id::{EntryId, ThreadKey, ThreadRef};
use crate::face::Operations;
use crate::face::drive::unfit;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::threads::Error;
use crate::wire::client::openai::Enclosed;
use crate::wire::client::responses::{
    Conversation, ConversationBody, Deleted, ItemsBody, Of, conversation, conversation_id, deleted,
    item_list, item_of, shown,
};

const ALL: &str = "/v1/conversations";
const ONE: &str = "/v1/conversations/{conversation}";
const ITEMS_OF: &str = "/v1/conversations/{conversation}/items";
const ITEM: &str = "/v1/conversations/{conversation}/items/{item}";

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.operation(__path_create_conversation, create_conversation::<W>);
    v.operation(__path_show_conversation, show_conversation::<W>);
    v.operation(__path_change_conversation, change_conversation::<W>);
    v.operation(__path_delete_conversation, delete_conversation::<W>);
    v.operation(__path_list_conversation_items, list_conversation_items::<W>);
    v.operation(__path_append_conversation_items, append_conversation_items::<W>);
    v.operation(__path_show_conversation_item, show_conversation_item::<W>);
    v.operation(__path_delete_conversation_item, delete_conversation_item::<W>);
}

/// Make a conversation
///
/// A thread of the agent; its id is `conv_` and the thread's.
#[utoipa::path(
    post, path = "/v1/conversations", tag = "calls", request_body = ConversationBody,
    responses((status = 200, description = "The conversation", body = Conversation<'static>)),
)]
async fn create_conversation<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ALL, request), &[], async |Visit { visitor, request, .. }| {
        let bytes = body::untyped(request).await?;
        let said = ConversationBody::read(&bytes).map_err(|fault| unfit(fault.param, fault.message))?;
        let (metadata, items) = said;
        let about = About { metadata: metadata.unwrap_or_default(), ..About::default() };
        let created = visitor.create(&app, None, about, items).await.map_err(Problem::report(&app))?;
        Ok(reply(conversation(&created.thread)))
    })
    .await
}

/// Show a conversation
#[utoipa::path(
    get, path = "/v1/conversations/{conversation}", tag = "calls",
    params(("conversation" = String, Path, description = "Its id")),
    responses((status = 200, description = "The conversation", body = Conversation<'static>)),
)]
async fn show_conversation<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ONE, request), &[], async |Visit { visitor, at, .. }| {
        let thread = at.thread()?;
        let shown = visitor.show(&app, &ThreadRef::Key(thread)).await;
        Ok(reply(conversation(&shown.map_err(|error| unknown(&app, thread, error))?)))
    })
    .await
}

/// Change a conversation's metadata
#[utoipa::path(
    post, path = "/v1/conversations/{conversation}", tag = "calls", request_body = ConversationBody,
    params(("conversation" = String, Path, description = "Its id")),
    responses((status = 200, description = "The conversation", body = Conversation<'static>)),
)]
async fn change_conversation<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ONE, request), &[], async |Visit { visitor, at, request, .. }| {
        let thread = at.thread()?;
        let bytes = body::untyped(request).await?;
        let said = ConversationBody::read(&bytes).map_err(|fault| unfit(fault.param, fault.message))?;
        let (metadata, items) = said;
        if !items.is_empty() {
            return Err(Problem::in_field("items", "are appended by POST …/items"));
        }
        let metadata = metadata.ok_or_else(|| Problem::in_field("metadata", "is required"))?;
        let edits = json!([{ "op": "replace", "path": "/metadata", "value": metadata }]);
        let edits = Edits::read(edits).map_err(Problem::invalid)?;
        let changed = visitor.change(&app, &ThreadRef::Key(thread), Patch::Operations(edits)).await;
        Ok(reply(conversation(&changed.map_err(|error| unknown(&app, thread, error))?)))
    })
    .await
}

/// Delete a conversation
///
/// The thread, with its responses and all that was said in it.
#[utoipa::path(
    delete, path = "/v1/conversations/{conversation}", tag = "calls",
    params(("conversation" = String, Path, description = "Its id")),
    responses((status = 200, description = "It is gone", body = Deleted)),
)]
async fn delete_conversation<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ONE, request), &[], async |Visit { visitor, at, .. }| {
        let thread = at.thread()?;
        let gone = visitor.delete(&app, &ThreadRef::Key(thread)).await;
        gone.map_err(|error| unknown(&app, thread, error))?;
        Ok(reply(deleted(conversation_id(thread), "conversation.deleted")))
    })
    .await
}

/// List a conversation's items
#[utoipa::path(
    get, path = "/v1/conversations/{conversation}/items", tag = "calls",
    params(("conversation" = String, Path, description = "Its id"), ItemsQuery),
    responses((status = 200, description = "A page of items", body = serde_json::Value)),
)]
async fn list_conversation_items<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ITEMS_OF, request), &ITEMS, async |Visit { visitor, at, request, .. }| {
        let thread = at.thread()?;
        let query: ItemsQuery = query::read(request.uri())?;
        let (newest_first, limit) = query.page()?;
        let after = query.after.as_deref().map(|id| item_of(id).ok_or_else(|| not_found("Item", id)));
        let page = Page { after: after.transpose()?, newest_first, limit, run: None };
        let read = visitor.items(&app, &ThreadRef::Key(thread), page).await;
        let (items, has_more) = read.map_err(|error| unknown(&app, thread, error))?;
        Ok(reply(item_list(&shown(&items, Of::All, |_| true), has_more)))
    })
    .await
}

/// Append items to a conversation
#[utoipa::path(
    post, path = "/v1/conversations/{conversation}/items", tag = "calls", request_body = ItemsBody,
    params(("conversation" = String, Path, description = "Its id")),
    responses((status = 200, description = "The new items", body = serde_json::Value)),
)]
async fn append_conversation_items<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(
        &app,
        (ITEMS_OF, request),
        &["include", "include[]"],
        async |Visit { visitor, at, request, .. }| {
            let thread = at.thread()?;
            let bytes = body::untyped(request).await?;
            let messages = ItemsBody::read(&bytes).map_err(|fault| unfit(fault.param, fault.message))?;
            let appended = visitor.append(&app, &ThreadRef::Key(thread), messages).await;
            let items = appended.map_err(|error| unknown(&app, thread, error))?;
            Ok(reply(item_list(&shown(&items, Of::All, |_| true), false)))
        },
    )
    .await
}

/// Show an item of a conversation
#[utoipa::path(
    get, path = "/v1/conversations/{conversation}/items/{item}", tag = "calls",
    params(
        ("conversation" = String, Path, description = "Its id"),
        ("item" = String, Path, description = "The item's id"),
    ),
    responses((status = 200, description = "The item", body = serde_json::Value)),
)]
async fn show_conversation_item<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ITEM, request), &["include", "include[]"], async |Visit { visitor, at, .. }| {
        let (thread, item) = (at.thread()?, at.item()?);
        if item.run.thread != thread {
            return Err(unknown_item(item));
        }
        let found = visitor.item_view(&app, item).await;
        let view = found.map_err(|error| match error {
            Error::NotFound(_) => unknown_item(item),
            error => Problem::report(&app)(error),
        })?;
        let shown = shown(&[view], Of::All, |_| true).pop();
        shown.map(|item| reply(crate::wire::to_json(&item))).ok_or_else(|| unknown_item(item))
    })
    .await
}

/// Delete an item of a conversation
///
/// What was said before and after it stays, and the responses that said or heard it. One of a response that is at work is 409.
#[utoipa::path(
    delete, path = "/v1/conversations/{conversation}/items/{item}", tag = "calls",
    params(
        ("conversation" = String, Path, description = "Its id"),
        ("item" = String, Path, description = "The item's id"),
    ),
    responses(
        (status = 200, description = "The conversation", body = Conversation<'static>),
        (status = 409, description = "Its run is at work, or there is a legal hold", body = Enclosed<'static>),
    ),
)]
async fn delete_conversation_item<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ITEM, request), &[], async |Visit { visitor, at, .. }| {
        let (thread, item) = (at.thread()?, at.item()?);
        if item.run.thread != thread {
            return Err(unknown_item(item));
        }
        let left = visitor.delete_item(&app, item).await.map_err(|error| match error {
            Error::NotFound(_) => unknown_item(item),
            error => Problem::report(&app)(error),
        })?;
        Ok(reply(conversation(&left)))
    })
    .await
}

fn unknown<W: World>(app: &App<W>, thread: ThreadKey, error: Error) -> Problem {
    match error {
        Error::NotFound("thread") => not_found("Conversation", &conversation_id(thread)),
        error => Problem::report(app)(error),
    }
}

fn unknown_item(item: EntryId) -> Problem {
    not_found("Item", &format!("…_{item}"))
}
