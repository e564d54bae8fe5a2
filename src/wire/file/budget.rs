//! A budget as configuration files write it: `monthly_limit`, `currency`, what happens at a share of it.

use serde_json::{Map, Value};

use crate::domain::field_error::FieldErrors;

use super::report::Report;

/// Names of a limit, and its period: the longest first, which bounds what is spent in all.
const LIMITS: [(&str, &str); 6] = [
    ("total_limit", "total"),
    ("total_limit_usd", "total"),
    ("monthly_limit", "month"),
    ("monthly_limit_usd", "month"),
    ("daily_limit", "day"),
    ("daily_limit_usd", "day"),
];
/// What needs more than a limit: kept for alerts and pools.
const PARKED: [&str; 4] = ["alerts", "rollover", "shared_pool", "currency"];

/// Turns a budget into ours; returns what has no place in it.
pub fn settle(
    budget: &mut Map<String, Value>,
    report: &mut Report,
    errors: &mut FieldErrors,
) -> Vec<(String, Value)> {
    let said = budget.get("period").and_then(Value::as_str).map(str::to_owned);
    let of_said = LIMITS.into_iter().filter(|(_, period)| said.as_deref() == Some(*period));
    for (name, period) in of_said.chain(LIMITS) {
        if budget.contains_key("limit_usd") {
            break;
        }
        if let Some(limit) = budget.remove(name).filter(|limit| !limit.is_null()) {
            budget.insert("limit_usd".to_owned(), limit);
            budget.entry("period").or_insert_with(|| period.into());
            report.mapped(&format!("budget.{name}"), "budget.limit_usd and budget.period");
        }
    }
    // An agent has one limit: what others the file has are kept, and hold nothing.
    let others = LIMITS.iter().map(|(name, _)| *name).filter(|name| budget.contains_key(*name));
    let others: Vec<&str> = others.collect();
    let parked: Vec<(String, Value)> = PARKED
        .iter()
        .chain(&others)
        .filter_map(|name| budget.remove_entry(*name))
        .filter(|(_, value)| !value.is_null())
        .collect();
    for (name, value) in &parked {
        match (name.as_str(), value) {
            ("currency", value) if !value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("usd")) => {
                errors.add("budget.currency", "must be USD: budgets are in US dollars");
            }
            ("alerts", alerts) if !budget.contains_key("action") => {
                if let Some(action) = at_the_limit(alerts) {
                    budget.insert("action".to_owned(), action.into());
                    report.mapped("budget.alerts", "budget.action");
                }
            }
            _ => {}
        }
    }
    parked.into_iter().filter(|(name, _)| name != "currency").collect()
}

/// What the alert at 100 % does.
fn at_the_limit(alerts: &Value) -> Option<&'static str> {
    let is_whole = |threshold: &Value| match threshold {
        Value::String(text) => text.trim().trim_end_matches('%').trim_end() == "100",
        Value::Number(number) => number.as_f64().is_some_and(|share| share == 100.0 || share == 1.0),
        _ => false,
    };
    let alert = alerts.as_array()?.iter().find(|alert| alert.get("threshold").is_some_and(is_whole))?;
    match alert.get("action")?.as_str()? {
        "notify" | "notify_only" | "warn" => Some("notify"),
        _ => Some("block"),
    }
}
