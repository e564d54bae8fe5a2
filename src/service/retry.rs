//! Trying again: how often and after which pauses, as data.

use std::future::Future;

use crate::domain::time::Millis;
use crate::ports::World;

use super::App;
use super::failure::Failure;

/// How often something is tried, and how long the pauses between are. They double; a part of each is random, so that
/// those who failed together do not meet again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// All of them, the first included.
    pub tries: u32,
    pub first_pause_ms: u64,
    /// The longest pause.
    pub most_ms: u64,
    /// How much of a pause is random.
    pub jitter_percent: u64,
}

/// Writes over a row that another writer changed: more often than there are writers at once, and soon.
pub(super) const CONTENDED: Policy =
    Policy { tries: 101, first_pause_ms: 4, most_ms: 250, jitter_percent: 100 };

impl Policy {
    pub const fn begin(self) -> Tries {
        Tries { policy: self, failed: 0 }
    }

    /// The pause after so many failures, at least one.
    fn pause_ms(&self, failed: u32, random: u8) -> u64 {
        // 2³² times the first pause is longer than any; the shift stays below the width of the number.
        let doublings = failed.saturating_sub(1).min(32);
        let longest = (self.first_pause_ms << doublings).min(self.most_ms);
        let random_part = longest * self.jitter_percent / 100;
        longest - random_part * u64::from(random) / u64::from(u8::MAX)
    }
}

/// The tries of one thing.
#[derive(Debug)]
pub(super) struct Tries {
    policy: Policy,
    failed: u32,
}

impl Tries {
    /// A try has failed: whether there is another, after a pause.
    pub async fn again<W: World>(&mut self, world: &W) -> bool {
        self.failed += 1;
        if self.failed >= self.policy.tries {
            return false;
        }
        let [random] = world.random::<1>();
        world.sleep(self.policy.pause_ms(self.failed, random)).await;
        true
    }
}

/// Runs `once`, which reads and writes, until it is not [`Failure::Contended`].
pub(super) async fn retry<W, T, F>(app: &App<W>, once: impl Fn() -> F + Send + Sync) -> Result<T, Failure>
where
    W: World,
    F: Future<Output = Result<T, Failure>> + Send,
{
    let mut tries = CONTENDED.begin();
    loop {
        match once().await {
            Err(error @ Failure::Contended(_)) => {
                if !tries.again(&app.world).await {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}

/// The `updated_at` of a row that was last written at `read`: later than that, because writers distinguish
/// the states of a row by nothing else.
pub(super) fn written_at(now: Millis, read: Option<Millis>) -> Millis {
    read.map_or(now, |read| now.max(read.plus(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { tries: 10, first_pause_ms: 50, most_ms: 1_000, jitter_percent: 20 };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<u64> = (1..=7).map(|failed| POLICY.pause_ms(failed, 0)).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(POLICY.pause_ms(u32::MAX, 0), 1_000);
    }

    #[test]
    fn as_much_of_a_pause_is_random_as_the_policy_says() {
        assert_eq!([0, 51, 255].map(|random| POLICY.pause_ms(2, random)), [100, 96, 80]);
        assert_eq!([0, 255].map(|random| CONTENDED.pause_ms(3, random)), [16, 0]);
        let exact = Policy { jitter_percent: 0, ..POLICY };
        assert_eq!(exact.pause_ms(2, 255), 100);
    }
}
