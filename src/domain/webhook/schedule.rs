//! When a message is sent again that its receiver has not taken.

use crate::domain::time::Millis;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// When each attempt is made, after the first one: the table of Standard Webhooks, so that the last is a day later.
const AFTER: [i64; 10] =
    [0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// How many attempts a message has.
pub const MAX_ATTEMPTS: u32 = AFTER.len() as u32;

/// The longest that a receiver may ask to be left alone.
const MAX_RETRY_AFTER: i64 = 24 * HOUR;
/// The shortest pause behind an attempt that was late itself.
const MAX_LATE_PAUSE: i64 = 5 * MINUTE;

/// When a message is sent again after so many attempts, the first of which began at `first_at`; `None` where that was the last.
///
/// Up to a tenth of the pause is added, by `noise`, so that messages that failed together do not come back together.
pub fn next_at(
    attempts: u32,
    first_at: Millis,
    now: Millis,
    retry_after_ms: Option<u64>,
    noise: u8,
) -> Option<Millis> {
    let at = attempts as usize;
    let (before, after) = (AFTER.get(at.checked_sub(1)?)?, AFTER.get(at)?);
    let pause = after - before;
    let jitter = pause / 10 * i64::from(noise) / i64::from(u8::MAX);
    let planned = first_at.plus(*after).max(now.plus(pause.min(MAX_LATE_PAUSE)));
    let asked = retry_after_ms.map(|ms| now.plus(i64::try_from(ms).unwrap_or(i64::MAX).min(MAX_RETRY_AFTER)));
    Some(planned.plus(jitter).max(asked.unwrap_or(planned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_are_made_within_a_day() {
        let (mut at, mut times) = (Millis(0), vec![0]);
        for attempts in 1.. {
            match next_at(attempts, Millis(0), at, None, 0) {
                None => break,
                Some(next) => at = next,
            }
            times.push(at.0);
        }
        assert_eq!(times, AFTER);
        assert_eq!(
            next_at(0, Millis(0), Millis(0), None, 0),
            None,
            "before the first there is nothing to wait for"
        );
    }

    #[test]
    fn a_part_of_each_pause_is_random() {
        let (least, most) =
            (next_at(3, Millis(0), Millis(0), None, 0), next_at(3, Millis(0), Millis(0), None, 255));
        assert_eq!([least, most], [Some(Millis(30 * MINUTE)), Some(Millis(30 * MINUTE + 150 * SECOND))]);
    }

    #[test]
    fn a_receiver_is_left_alone_for_as_long_as_it_asks_but_not_for_ever() {
        let next = |ms| next_at(1, Millis(0), Millis(0), Some(ms), 0);
        assert_eq!(next(90_000), Some(Millis(90_000)));
        assert_eq!(next(1), Some(Millis(5_000)), "not sooner than planned");
        assert_eq!(next(u64::MAX), Some(Millis(24 * HOUR)));
    }

    #[test]
    fn attempts_that_are_late_do_not_come_all_at_once() {
        let late = Millis(48 * HOUR);
        assert_eq!(next_at(2, Millis(0), late, None, 0), Some(late.plus(295 * SECOND)));
        assert_eq!(next_at(7, Millis(0), late, None, 0), Some(late.plus(5 * MINUTE)));
    }
}
