//! Admissions that share a hop: each request goes on as itself, also when the one that asked for it is gone.

use std::time::Duration;

use futures_util::future::join_all;

use crate::emulator::{Price, Script};
use crate::harness::{Agent, Dice, live};

const PRICE: Price = Price { input: 150, cached: 75, output: 600 };
const SEED: u64 = 0x5eed_2027;
const CLIENTS: usize = 48;
const ROUNDS: usize = 20;

/// Every third client leaves within the time that an admission takes: some of them ask for others just then.
async fn call(agent: &Agent, mut dice: Dice) -> u16 {
    let patience = Duration::from_micros(dice.below(12_000) as u64);
    if dice.below(3) > 0 {
        return agent.chat("hello").await.status;
    }
    tokio::time::timeout(patience, agent.chat("hello")).await.map_or(0, |reply| reply.status)
}

#[test]
fn a_client_that_leaves_takes_nobody_along_whose_admission_it_shares() {
    live(async |app| {
        println!("seed {SEED:#x}");
        let account = app.account().await;
        let model = account.model(PRICE, Script::tokens(100, 9)).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(1_000_000_000_000).create().await;
        for round in 0..ROUNDS {
            let dice = |client| Dice::new(SEED).nth(round * CLIENTS + client);
            let outcomes = join_all((0..CLIENTS).map(|client| call(&agent, dice(client)))).await;
            assert!(outcomes.iter().all(|status| [0, 200].contains(status)), "{outcomes:?}");
            let stayed = outcomes.iter().filter(|status| **status == 200).count();
            assert!(stayed >= CLIENTS / 2, "{outcomes:?}");
        }
        model.quiet().await;
        let books = agent.closed_books().await;
        assert_eq!(books.budget.settled, model.invoice());
        assert_eq!(books.ledger(), model.invoice());
    });
}
