//! Admissions that go together: one hop for all that came while another was under way, and nobody left behind whatever
//! becomes of the others.

use axum::http::StatusCode;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::ask::Face;
use crate::crowd::{Crowd, WAITS};
use crate::provider::answer;
use crate::stage::{BIG, Stage};
use crate::support::{Transport, When, native_only};

const COST: u64 = 40 * BIG.0 + 3 * BIG.1;

/// Several clients of one isolate.
pub struct Party {
    pub stage: Stage,
    crowd: Crowd,
    calls: Vec<JoinHandle<StatusCode>>,
}

impl Party {
    /// An isolate that has everything in memory, and that nobody calls.
    pub async fn new() -> Self {
        let mut stage = Stage::new().await;
        stage.agent("narrow", &json!({"max_concurrency": 1})).await;
        let crowd = Crowd::new(stage.api.world.clone());
        stage.isolate = Transport::router(crowd.clone());
        let mut party = Self { stage, crowd, calls: Vec::new() };
        party.crowd.accounts.let_go([0, 1]);
        for agent in ["triage", "narrow"] {
            party.call(agent).await;
            assert_eq!(party.ends().await, [200]);
        }
        party
    }

    /// A client calls, and has come as far as it can.
    pub async fn call(&mut self, agent: &'static str) {
        self.stage.then(answer("Hello", Some((40, 3))));
        let stage = self.stage.clone();
        self.calls.push(tokio::spawn(async move { stage.ask(Face::Chat, agent).send().await.status }));
        settle_down().await;
    }

    /// The sizes of the hops since everything was in memory.
    pub fn hops(&self) -> Vec<usize> {
        self.crowd.accounts.hops()[2..].to_vec()
    }

    pub fn let_go(&self, hops: impl IntoIterator<Item = usize>) {
        self.crowd.accounts.let_go(hops.into_iter().map(|hop| hop + 2));
    }

    pub async fn until(&self, hops: usize) {
        self.crowd.accounts.until(hops + 2).await;
    }

    /// How the calls ended, in the order in which they were made.
    pub async fn ends(&mut self) -> Vec<u16> {
        let mut ends = Vec::new();
        for call in self.calls.drain(..) {
            ends.push(call.await.unwrap().as_u16());
        }
        ends
    }

    /// Lets every hop go as it comes; how the calls ended.
    pub async fn finish(&mut self) -> Vec<u16> {
        while !self.calls.iter().all(JoinHandle::is_finished) {
            self.let_go(0..self.hops().len());
            settle_down().await;
        }
        self.ends().await
    }

    /// So many calls were served in all, each held and charged once.
    pub async fn assert_served(&self, agent: &str, calls: u64) {
        let books = self.stage.books(agent).await;
        assert_eq!((books.ledger.len() as u64, books.settled, books.held), (calls, calls * COST, 0));
    }
}

/// Long enough for everyone to come to a wait.
async fn settle_down() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn calls_that_come_while_one_asks_go_together_in_the_next_hop() {
    native_only!("objects that answer when the test says so are in this process");
    let mut party = Party::new().await;
    for _ in 0..5 {
        party.call("triage").await;
    }
    assert_eq!(party.hops(), [1], "a call that is alone waits for nobody");
    party.let_go([0]);
    party.until(2).await;
    assert_eq!(party.hops(), [1, 4]);
    party.let_go([1]);
    assert_eq!(party.ends().await, [200; 5]);
    assert_eq!(party.hops(), [1, 4]);
    party.assert_served("triage", 6).await;
}

#[tokio::test]
async fn one_of_a_group_is_refused_and_the_others_are_admitted() {
    native_only!("objects that answer when the test says so are in this process");
    let mut party = Party::new().await;
    for agent in ["triage", "narrow", "triage", "narrow", "triage"] {
        party.call(agent).await;
    }
    party.let_go([0, 1]);
    assert_eq!(party.ends().await, [200, 200, 200, 429, 200], "decided in the order they came");
    assert_eq!(party.hops(), [1, 4]);
    party.assert_served("triage", 4).await;
    party.assert_served("narrow", 2).await;
}

#[tokio::test]
async fn all_of_a_group_hear_that_their_rows_are_stale_and_are_served_by_new_ones() {
    native_only!("objects that answer when the test says so are in this process");
    let mut party = Party::new().await;
    for _ in 0..4 {
        party.call("triage").await;
    }
    let changed =
        json!({"instructions": "Sort the letters.", "budget": {"limit_usd": "1", "period": "total"}});
    party.stage.change("triage", &changed).await;
    party.let_go(0..20);
    assert_eq!(party.ends().await, [200; 4]);
    party.assert_served("triage", 5).await;
    let books = party.stage.books("triage").await;
    assert_eq!(books.ledger.iter().filter(|row| row.json["version"] == 2).count(), 4, "{books:#?}");
}

#[tokio::test]
async fn when_a_groups_hop_fails_each_asks_for_itself_and_is_held_once() {
    native_only!("objects that answer when the test says so are in this process");
    for when in [When::Before, When::After] {
        let mut party = Party::new().await;
        for _ in 0..4 {
            party.call("triage").await;
        }
        party.let_go([0]);
        party.until(2).await;
        party.stage.api.world.faults().plan("admit", 1, when);
        party.let_go(1..20);
        assert_eq!(party.ends().await, [200; 4], "{when:?}");
        assert!(party.stage.api.world.faults().all_met());
        assert_eq!(party.hops(), [1, 3, 1, 1, 1]);
        party.assert_served("triage", 5).await;
    }
}

#[tokio::test]
async fn the_first_in_line_does_not_wait_long_for_the_one_before() {
    native_only!("objects that answer when the test says so are in this process");
    let mut party = Party::new().await;
    for _ in 0..4 {
        party.call("triage").await;
    }
    let lost = party.calls.remove(0);
    party.crowd.pass(WAITS[0]);
    party.until(2).await;
    assert_eq!(party.hops(), [1, 3]);
    party.let_go([1]);
    assert_eq!(party.ends().await, [200; 3], "the first hop is still under way");
    assert!(!lost.is_finished());
    party.let_go([0]);
    assert_eq!(lost.await.unwrap(), 200);
    party.assert_served("triage", 5).await;
}

#[tokio::test]
async fn those_that_a_lost_request_took_along_ask_for_themselves() {
    native_only!("objects that answer when the test says so are in this process");
    let mut party = Party::new().await;
    for _ in 0..4 {
        party.call("triage").await;
    }
    party.let_go([0]);
    party.until(2).await;
    let lost = party.calls.remove(1);
    party.let_go(2..20);
    settle_down().await;
    assert_eq!(party.hops(), [1, 3], "they are patient");
    party.crowd.pass(WAITS[1]);
    assert_eq!(party.ends().await, [200; 3]);
    assert!(!lost.is_finished());
    assert_eq!(party.hops().len(), 4);
    party.let_go([1]);
    assert_eq!(lost.await.unwrap(), 200, "it was only slow");
    // What it asks for the others, who are served already, holds nothing.
    party.assert_served("triage", 5).await;
}

#[tokio::test]
async fn whoever_is_abandoned_hands_on() {
    native_only!("objects that answer when the test says so are in this process");
    // The one that asks, the one that is to ask next, and one that waits.
    for abandoned in 0..3 {
        let mut party = Party::new().await;
        for _ in 0..4 {
            party.call("triage").await;
        }
        party.calls.remove(abandoned).abort();
        settle_down().await;
        party.let_go(0..20);
        assert_eq!(party.ends().await, [200; 3], "{abandoned}");
        party.call("triage").await;
        assert_eq!(party.ends().await, [200], "nobody waits for the one that is gone");
    }
}
