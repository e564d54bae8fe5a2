//! Writes that replace a row as it was read, retried when another writer was faster.

use std::future::Future;

use crate::domain::time::Millis;
use crate::ports::World;

use super::App;
use super::failure::Failure;

/// How often a write is retried over a row that another writer changed: more often than there are writers at
/// once.
const TRIES: u32 = 100;
/// The longest pause before another try, so that many writers do not stay in step.
const MAX_PAUSE_MS: u64 = 250;

/// Runs `once`, which reads and writes, until it is not [`Failure::Contended`].
pub(super) async fn retry<W, T, F>(app: &App<W>, once: impl Fn() -> F + Send + Sync) -> Result<T, Failure>
where
    W: World,
    F: Future<Output = Result<T, Failure>> + Send,
{
    let mut attempt = 0;
    loop {
        match once().await {
            Err(Failure::Contended(_)) if attempt < TRIES => pause(app, attempt).await,
            done => return done,
        }
        attempt += 1;
    }
}

/// Waits for a random time that grows with the tries.
pub(super) async fn pause<W: World>(app: &App<W>, attempt: u32) {
    let [random] = app.world.random::<1>();
    app.world.sleep(u64::from(random) * u64::from(attempt.min(20)) / 20 % MAX_PAUSE_MS).await;
}

/// The `updated_at` of a row that was last written at `read`: later than that, because writers distinguish
/// the states of a row by nothing else.
pub(super) fn written_at(now: Millis, read: Option<Millis>) -> Millis {
    read.map_or(now, |read| now.max(read.plus(1)))
}
