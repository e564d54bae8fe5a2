//! When a provider wants to be asked again.
//!
//! A day is the longest that is passed on: limits by the day are the longest known, and what is beyond is as likely a
//! mistake as a time.

const MAX_MS: f64 = 86_400_000.0;

/// The time in milliseconds, of OpenAI's `retry-after-ms` or else of the standard's `retry-after`: seconds, or a date, which
/// `ms_until` reads. What is no time is as good as missing.
pub fn retry_after(
    ms: Option<&str>,
    standard: Option<&str>,
    ms_until: impl FnOnce(&str) -> Option<f64>,
) -> Option<u64> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    ms.and_then(number).and_then(bounded).or_else(|| {
        let text = standard?;
        number(text).map(|seconds| seconds * 1_000.0).or_else(|| ms_until(text)).and_then(bounded)
    })
}

/// A time in milliseconds, no longer than a day; `None` for one that is past or no number.
pub fn bounded(ms: f64) -> Option<u64> {
    (ms >= 0.0).then(|| ms.min(MAX_MS).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_what_is_no_time_is_not_passed_on() {
        for (ms, standard, expected) in [
            (Some("1500"), Some("9"), Some(1_500)),
            (Some(" 17.2 "), None, Some(18)),
            (Some("soon"), Some("9"), Some(9_000)),
            (Some("-1"), Some("9"), Some(9_000)),
            (Some("NaN"), Some("2.5"), Some(2_500)),
            (None, Some("99999999999999999999"), Some(86_400_000)),
            (Some("1e400"), None, Some(86_400_000)),
            (None, Some("-5"), None),
            (None, Some("later"), Some(60_000)),
            (None, None, None),
        ] {
            let ms_until = |text: &str| (text == "later").then_some(60_000.0);
            assert_eq!(retry_after(ms, standard, ms_until), expected, "{ms:?} {standard:?}");
        }
        assert_eq!(retry_after(None, Some("x"), |_| Some(f64::NAN)), None);
        assert_eq!(retry_after(None, Some("x"), |_| Some(-1.0)), None, "a date that is past");
    }
}
