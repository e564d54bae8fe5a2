use super::*;

const NOON: Millis = Millis(1_795_262_400_000);
const WATCHED: Rules = Rules { most: 3, lost: Some(Lost { leader_ms: 2_000, delivery_ms: 30_000 }) };
const UNWATCHED: Rules = Rules { lost: None, ..WATCHED };

fn account(n: u8) -> AccountId {
    AccountId::new(NOON, [n; 10])
}

/// Joins after so many milliseconds; the place in the line, `None` for a leader.
fn join(batches: &Batches<u32>, ms: i64, item: u32) -> Option<usize> {
    batches.join(account(1), || NOON.plus(ms), || item)
}

fn is_forgotten<T>(batches: &Batches<T>) -> bool {
    batches.lock().is_empty()
}

#[test]
fn the_first_leads_and_those_behind_it_gather_in_their_order() {
    let batches = Batches::new(UNWATCHED);
    assert_eq!(join(&batches, 0, 1), None);
    assert_eq!([2, 3, 4, 5].map(|item| join(&batches, 0, item)), [0, 1, 2, 3].map(Some));
    assert_eq!(batches.join(account(2), || NOON, || 9), None, "another account has a line of its own");
    assert_eq!(batches.take(account(1)), [2, 3, 4], "no more than fit into a hop");
    assert_eq!(join(&batches, 0, 6), Some(1), "the leader is still on its way");
    assert_eq!(batches.pass_on(account(1)), Some(5));
    assert_eq!(batches.take(account(1)), [6]);
    assert_eq!(batches.pass_on(account(1)), None);
    assert_eq!(batches.pass_on(account(2)), None);
    assert!(is_forgotten(&batches));
}

#[test]
fn who_leaves_is_neither_taken_nor_made_a_leader() {
    let batches = Batches::new(UNWATCHED);
    for item in 1..=4 {
        join(&batches, 0, item);
    }
    assert!(batches.leave(account(1), |item| *item == 2));
    assert!(!batches.leave(account(1), |item| *item == 2), "it has left");
    assert!(!batches.leave(account(2), |_| true), "nobody waits there");
    assert_eq!(batches.pass_on(account(1)), Some(3));
    assert_eq!(batches.take(account(1)), [4]);
}

#[test]
fn where_those_who_wait_watch_no_clock_is_read_and_no_leader_is_replaced() {
    let batches = Batches::new(UNWATCHED);
    let unread = || panic!("the clock is read");
    assert_eq!(batches.join(account(1), unread, || 1), None);
    assert_eq!(batches.join(account(1), unread, || 2), Some(0));
}

#[test]
fn a_leader_that_is_lost_is_replaced_by_whoever_joins_next() {
    let batches = Batches::new(WATCHED);
    assert_eq!(join(&batches, 0, 1), None);
    batches.push(account(1), 1);
    assert_eq!(join(&batches, 1_999, 2), Some(1));
    assert_eq!(join(&batches, 2_000, 3), None);
    batches.push(account(1), 3);
    assert_eq!(join(&batches, 3_999, 4), Some(3), "the new one has its own time");
    assert_eq!(batches.send(account(1), NOON).items, [1, 2, 3]);
}

#[test]
fn what_is_sent_is_kept_until_it_is_confirmed_and_others_gather_meanwhile() {
    let batches = Batches::new(WATCHED);
    join(&batches, 0, 1);
    batches.push(account(1), 1);
    let first = batches.send(account(1), NOON);
    assert_eq!(join(&batches, 0, 2), None, "it leads a delivery of its own");
    batches.push(account(1), 2);
    let second = batches.send(account(1), NOON);
    assert_eq!((first.items.as_slice(), second.items.as_slice()), (&[1][..], &[2][..]));
    join(&batches, 0, 3);
    batches.push(account(1), 3);
    assert_eq!(batches.unconfirmed(account(1), 9), [1, 2, 3]);
    assert_eq!(batches.unconfirmed(account(1), 2), [2, 3], "the newest");
    batches.confirm(account(1), first.id);
    assert_eq!(batches.unconfirmed(account(1), 9), [2, 3]);
    batches.confirm(account(1), second.id);
    let third = batches.send(account(1), NOON);
    batches.confirm(account(1), third.id);
    batches.confirm(account(1), third.id);
    assert!(is_forgotten(&batches));
    assert!(batches.unconfirmed(account(1), 9).is_empty());
}

#[test]
fn a_lost_delivery_goes_with_the_next_one() {
    let batches = Batches::new(WATCHED);
    join(&batches, 0, 1);
    batches.push(account(1), 1);
    batches.send(account(1), NOON);
    assert_eq!(join(&batches, 30_000, 2), None);
    batches.push(account(1), 2);
    assert_eq!(batches.send(account(1), NOON.plus(30_000)).items, [2], "the first may still arrive");
    assert_eq!(join(&batches, 30_001, 3), None);
    batches.push(account(1), 3);
    assert_eq!(batches.send(account(1), NOON.plus(30_001)).items, [1, 3]);
}

#[test]
fn looking_takes_nothing() {
    let batches = Batches::new(WATCHED);
    join(&batches, 0, 1);
    batches.push(account(1), 1);
    batches.visit(account(1), |item| *item += 10);
    batches.visit(account(2), |_| panic!("nobody waits there"));
    assert_eq!(batches.send(account(1), NOON).items, [11]);
}

#[test]
fn a_delivery_that_was_thought_lost_confirms_no_other() {
    let batches = Batches::new(WATCHED);
    let deliver = |ms: i64, item: u32| {
        assert_eq!(join(&batches, ms, item), None);
        batches.push(account(1), item);
        batches.send(account(1), NOON.plus(ms + 50))
    };
    let slow = deliver(0, 1);
    let second = deliver(31_000, 2);
    assert_eq!(second.items, [1, 2]);
    batches.confirm(account(1), slow.id);
    assert_eq!(batches.unconfirmed(account(1), 9), [1, 2], "the second has not arrived");
    batches.confirm(account(1), second.id);
    assert!(is_forgotten(&batches));
}
