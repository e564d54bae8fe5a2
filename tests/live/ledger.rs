//! The ledger's pages, and lists in general: whole, in order, and no row twice.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::Value;

use crate::emulator::{Price, Script};
use crate::harness::{live, money};

fn ids(page: &Value) -> Vec<String> {
    let rows = page["data"].as_array().expect("a page has data");
    rows.iter().map(|row| row["id"].as_str().expect("a row has an id").to_owned()).collect()
}

#[test]
fn the_ledger_pages_newest_first_and_new_calls_do_not_shift_the_pages() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::output_only(10), Script::tokens(1, 2)).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(1_000_000_000).create().await;
        join_all((0..23).map(|_| agent.chat("hello"))).await;
        agent.closed_books().await;
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for page in 0.. {
            let path = agent.api(&format!("/calls?limit=5{cursor}"));
            let body = account.get(&path).await.expect(200).json();
            all.extend(ids(&body));
            assert!(ids(&body).len() == 5 || body["next_cursor"].is_null(), "only the last page is short");
            let Some(next) = body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            if page == 1 {
                agent.chat("hello").await.expect(200);
                agent.closed_books().await;
            }
        }
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 23, "every call once");
        let mut sorted = all.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!(all, sorted, "newest first");
        assert_eq!(agent.calls().await.len(), 24);
        assert_eq!(agent.calls().await.iter().map(|call| money(&call["cost_usd"])).sum::<u64>(), 24 * 20);
    });
}

#[test]
fn a_limit_or_cursor_that_makes_no_sense_is_refused() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        for query in ["limit=0", "limit=-1", "limit=many", "cursor=nonsense", "limit=100000000"] {
            for path in [agent.api(&format!("/calls?{query}")), format!("/api/v1/agents?{query}")] {
                let reply = account.get(&path).await;
                assert!(reply.status == 400, "{path}: {} {}", reply.status, reply.text());
            }
        }
    });
}

#[test]
fn agents_page_as_the_ledger_does() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let mut made = Vec::new();
        for _ in 0..7 {
            made.push(account.agent(&format!("emu:{}", model.code)).create().await.id);
        }
        made.reverse();
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = account.get(&format!("/api/v1/agents?limit=3{cursor}")).await.expect(200).json();
            listed.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(listed, made);
    });
}
