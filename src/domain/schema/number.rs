//! Numbers as JSON Schema sees them: 1 and 1.0 are one.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Number;

/// The whole number that it is, also one written with a point.
pub fn whole(number: &Number) -> Option<i128> {
    /// Doubles below it are exact as whole numbers of 128 bits.
    const MAX: f64 = 1e38;
    if let Some(number) = number.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = number.as_u64() {
        return Some(number.into());
    }
    let number = number.as_f64()?;
    (number.fract() == 0.0 && number.abs() < MAX).then_some(number as i128)
}

pub fn order(one: &Number, other: &Number) -> Option<Ordering> {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

/// Whether it is a multiple, in decimals as far as they go: 0.3 is one of 0.1.
pub fn is_multiple(number: &Number, of: &Number) -> bool {
    if let (Some(number), Some(of)) = (whole(number), whole(of)) {
        return number.checked_rem(of) == Some(0);
    }
    if let (Some(number), Some(of)) = (decimal(number), decimal(of)) {
        return number.checked_rem(of).is_some_and(|rest| rest.is_zero());
    }
    match (number.as_f64(), of.as_f64()) {
        (Some(number), Some(of)) => number % of == 0.0,
        _ => false,
    }
}

fn decimal(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    let parsed = if text.contains(['e', 'E']) {
        Decimal::from_scientific(&text)
    } else {
        Decimal::from_str_exact(&text)
    };
    parsed.ok()
}
