//! Stores that fail: every operation of every endpoint, before and after it was persisted.

use axum::http::StatusCode;

use crate::support::{Api, When, is_workerd};
use crate::walls::{Endpoint, Ids, endpoints, furnish};

/// The endpoints, each to be tried in a world of its own. Over HTTP a world takes half a second, so only some.
fn all() -> impl Iterator<Item = usize> {
    (0..endpoints("acme", &Ids::nobodys()).len()).step_by(if is_workerd() { 7 } else { 1 })
}

/// A furnished world, and the `n`th endpoint in it.
async fn world(n: usize) -> (Api, crate::support::Tenant, Endpoint) {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    let endpoint = endpoints("acme", &ids).swap_remove(n);
    // A change, so that there is something to write.
    api.world.clock().advance(1);
    api.world.faults().take_done();
    (api, acme, endpoint)
}

/// How many operations the endpoint takes when all goes well; each batch is one.
async fn operations(n: usize) -> u32 {
    let (api, acme, endpoint) = world(n).await;
    let reply = endpoint.send(&api, endpoint.key(&acme)).await;
    assert!(reply.status.is_success(), "{endpoint:?} {reply:?}");
    u32::try_from(api.world.faults().take_done().len()).unwrap()
}

#[tokio::test]
async fn a_store_that_fails_is_a_503_and_the_same_request_mends_it() {
    for n in all() {
        for nth in 1..=operations(n).await {
            for when in [When::Before, When::After] {
                let (api, acme, endpoint) = world(n).await;
                api.world.faults().plan("*", nth, when);
                let reply = endpoint.send(&api, endpoint.key(&acme)).await;
                if !api.world.faults().all_met() {
                    continue;
                }
                let place = format!("{} {} operation {nth} {when:?}", endpoint.method, endpoint.path);
                let done = api.world.faults().take_done();
                let ends_writing = done.contains(&"end_write".to_owned());
                if reply.status != StatusCode::SERVICE_UNAVAILABLE {
                    assert!(reply.status.is_success() && ends_writing, "{place}: {reply:?} {done:?}");
                }
                assert!(!api.world.take_log().is_empty(), "{place}: the operator is told");
                let again = endpoint.send(&api, endpoint.key(&acme)).await;
                let there_already = matches!(again.status.as_u16(), 404 | 409) && when == When::After;
                let done_already = reply.status.is_success() && matches!(again.status.as_u16(), 404 | 409);
                assert!(again.status.is_success() || there_already || done_already, "{place}: {again:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_write_is_ended_whatever_became_of_it() {
    for n in all() {
        let (api, acme, endpoint) = world(n).await;
        endpoint.send(&api, endpoint.key(&acme)).await;
        let done = api.world.faults().take_done();
        let Some(begin) = done.iter().position(|name| name == "begin_write") else { continue };
        let write = done[begin + 1].clone();
        for when in [When::Before, When::After] {
            let (api, acme, endpoint) = world(n).await;
            api.world.faults().plan(&write, 1, when);
            let reply = endpoint.send(&api, endpoint.key(&acme)).await;
            assert_eq!(reply.problem(), (503, "unavailable".to_owned()), "{endpoint:?}");
            assert_eq!(reply.header("retry-after"), "1");
            assert_eq!(api.world.faults().take_done().last().unwrap(), "end_write", "{endpoint:?}");
            assert_eq!(api.world.objects().open_writes(acme.id), 0, "{endpoint:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_written_that_was_not_begun() {
    for n in all() {
        let (api, acme, endpoint) = world(n).await;
        let before = api.world.database().with(changes);
        api.world.faults().plan("begin_write", 1, When::Before);
        let reply = endpoint.send(&api, endpoint.key(&acme)).await;
        if api.world.faults().all_met() {
            assert_eq!(reply.problem(), (503, "unavailable".to_owned()), "{endpoint:?}");
            assert_eq!(api.world.database().with(changes), before, "{endpoint:?}");
        }
    }
}

#[tokio::test]
async fn a_write_that_is_not_ended_is_ended_by_the_object() {
    let mut writers = 0;
    for n in all() {
        let (api, acme, endpoint) = world(n).await;
        api.world.faults().plan("end_write", 1, When::Before);
        let reply = endpoint.send(&api, endpoint.key(&acme)).await;
        if !api.world.faults().all_met() {
            continue;
        }
        writers += 1;
        assert!(reply.status.is_success(), "{endpoint:?} {reply:?}");
        assert_eq!(api.world.objects().open_writes(acme.id), 1);
        api.world.objects().crash(acme.id);
        api.world.clock().advance(120_000);
        api.world.objects().alarm(acme.id);
        assert_eq!(api.world.objects().open_writes(acme.id), 0);
    }
    let least = if is_workerd() { 2 } else { 13 };
    assert!(writers >= least, "every write but of an account itself goes through its object");
}

fn changes(db: &rusqlite::Connection) -> i64 {
    db.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap()
}
