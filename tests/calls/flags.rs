//! What a flag switches, and from when on, in isolates that have everything in memory.

use retinue::service::sweep::{AT_ONCE, ROLLED_OUT_AT_ONCE};
use serde_json::{Value, json};

use crate::admissions::Party;
use crate::stage::Stage;
use crate::support::{OPERATOR, When, native_only};

const FLAG: &str = "/api/v1/flags/batched_admissions";

async fn put(stage: &Stage, path: &str, body: &Value) {
    let put = stage.api.put(path).key(OPERATOR).json(body).send().await;
    assert!(put.status.is_success(), "{put:?}");
}

/// The sizes of the hops that set out at once for three calls.
async fn hops_of_three(party: &mut Party) -> Vec<usize> {
    let before = party.hops().len();
    for _ in 0..3 {
        party.call("triage").await;
    }
    let hops = party.hops()[before..].to_vec();
    assert_eq!(party.finish().await, [200; 3]);
    hops
}

/// A call, by which the isolate learns what has changed; whether it has read the directory for it.
async fn reads(party: &mut Party) -> bool {
    party.stage.api.world.faults().take_done();
    party.call("triage").await;
    assert_eq!(party.finish().await, [200]);
    party.stage.api.world.faults().take_done().iter().any(|name| name == "FLAGS_OF_ACCOUNT")
}

/// One hop is under way, and the others wait for it.
const TOGETHER: [usize; 1] = [1];
const APART: [usize; 3] = [1, 1, 1];

#[tokio::test]
async fn what_is_set_for_the_account_holds_from_its_next_call() {
    native_only!("objects that answer when the test says so are in this process");
    let mut party = Party::new().await;
    assert_eq!(hops_of_three(&mut party).await, TOGETHER);
    let own = format!("{FLAG}/accounts/acme");
    put(&party.stage, &own, &json!({"on": false})).await;
    assert!(reads(&mut party).await);
    assert_eq!(hops_of_three(&mut party).await, APART);
    put(&party.stage, FLAG, &json!({"default": true})).await;
    party.stage.api.world.sweep().await;
    assert!(reads(&mut party).await);
    assert_eq!(hops_of_three(&mut party).await, APART, "it wins over what is set for all");
    party.stage.api.delete(&own).key(OPERATOR).send().await.no_content();
    assert!(reads(&mut party).await);
    assert_eq!(hops_of_three(&mut party).await, TOGETHER);
}

#[tokio::test]
async fn what_is_set_for_all_reaches_warm_isolates_by_the_sweep() {
    native_only!("objects that answer when the test says so are in this process");
    let mut party = Party::new().await;
    put(&party.stage, FLAG, &json!({"default": false})).await;
    assert!(!reads(&mut party).await, "it goes on with what it has");
    assert_eq!(hops_of_three(&mut party).await, TOGETHER);
    party.stage.api.world.sweep().await;
    assert!(reads(&mut party).await);
    assert_eq!(hops_of_three(&mut party).await, APART);
    party.stage.api.world.sweep().await;
    assert!(!reads(&mut party).await, "once");
    party.stage.api.delete(FLAG).key(OPERATOR).send().await.no_content();
    party.stage.api.world.sweep().await;
    assert!(reads(&mut party).await);
    assert_eq!(hops_of_three(&mut party).await, TOGETHER, "as it is declared");
}

/// A stage with so many more accounts.
async fn crowded(more: i64) -> Stage {
    let stage = Stage::new().await;
    stage.api.world.database().with(|db| {
        let insert = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO accounts (id, slug, name, plan, status, created_at, updated_at)
            SELECT printf('0199f000-0000-7000-8000-%012x', i), 'more-' || i, 'More', 'standard', 'active', 0, 0 FROM n";
        assert_eq!(db.execute(insert, [more]).unwrap(), usize::try_from(more).unwrap());
    });
    stage
}

/// How many epochs the next firing advances, and how many objects it wakes.
async fn fired(stage: &Stage) -> (usize, usize) {
    stage.api.world.faults().take_done();
    stage.api.world.sweep().await;
    let done = stage.api.world.faults().take_done();
    let count = |name: &str| done.iter().filter(|done| *done == name).count();
    assert_eq!(count("begin_write"), count("end_write"));
    (count("begin_write"), count("wake"))
}

#[tokio::test]
async fn a_rollout_visits_every_account_once_and_begins_again_with_the_next_change() {
    let most = ROLLED_OUT_AT_ONCE as usize;
    let stage = crowded(i64::from(ROLLED_OUT_AT_ONCE) + 10).await;
    let woken = AT_ONCE as usize;
    assert_eq!(fired(&stage).await, (0, woken), "there is nothing to roll out");
    put(&stage, FLAG, &json!({"default": false, "percent": 10})).await;
    assert_eq!(fired(&stage).await, (most, 0));
    assert_eq!(fired(&stage).await, (11, 0));
    assert_eq!(fired(&stage).await, (0, most + 11 - woken), "the rest of the round");
    put(&stage, FLAG, &json!({"default": false, "percent": 20})).await;
    assert_eq!(fired(&stage).await, (most, 0));
    put(&stage, FLAG, &json!({"default": false, "percent": 30})).await;
    assert_eq!([fired(&stage).await, fired(&stage).await], [(most, 0), (11, 0)], "from the first");
}

#[tokio::test]
async fn a_rollout_goes_on_before_whom_it_did_not_reach_and_keeps_nobody_from_it_for_ever() {
    native_only!("the order of requests to objects is that of this process");
    let stage = crowded(9).await;
    put(&stage, FLAG, &json!({"default": false})).await;
    stage.api.world.faults().plan("begin_write", 4, When::Before);
    stage.api.world.sweep().await;
    assert!(stage.log().contains("was not reached by a change of flags"), "{}", stage.log());
    // Three of ten have it.
    assert_eq!(fired(&stage).await.0, 7);
    assert_eq!(fired(&stage).await.0, 0);
    put(&stage, FLAG, &json!({"default": true})).await;
    for _ in 0..2 {
        // The first of each firing fails: the others have their turn.
        stage.api.world.faults().plan("begin_write", 1, When::Before);
        stage.api.world.sweep().await;
    }
    assert_eq!(fired(&stage).await, (0, 10));
    for operation in ["NEXT_ROLLED_OUT", "ROLLED_OUT", "END_ROLLOUT"] {
        put(&stage, FLAG, &json!({"default": true})).await;
        stage.api.world.faults().plan(operation, 1, When::Before);
        for _ in 0..3 {
            stage.api.world.sweep().await;
        }
        stage.api.world.faults().plan("NEXT_ROLLED_OUT", 1, When::Before);
        stage.api.world.sweep().await;
    }
}
