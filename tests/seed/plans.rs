//! The plans: rows that say what the file says.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use retinue::domain::money::Nanos;

use crate::{schema, script};

#[derive(Deserialize)]
struct File {
    plans: Vec<Value>,
}

fn rows(db: &Connection) -> Vec<Value> {
    let sql =
        "SELECT json_array(plan, agents, members, keys, calls_per_minute, concurrent_calls, threads, storage_mb,
        runs_at_once, memories, keep_days, monthly_spend, json(features)) FROM plans ORDER BY plan";
    let mut statement = db.prepare(sql).unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts.map(|text| serde_json::from_str(&text.unwrap()).unwrap()).collect()
}

fn expected() -> Vec<Value> {
    let file: File = serde_norway::from_str(&script::read("plans.yaml")).unwrap();
    let limit = |value: &Value| if value == "unlimited" { Value::Null } else { value.clone() };
    let row = |plan: &Value| {
        let counts = [
            "agents",
            "members",
            "keys",
            "calls_per_minute",
            "concurrent_calls",
            "threads",
            "storage_mb",
            "runs_at_once",
            "memories",
            "keep_days",
        ];
        let mut row = vec![plan["plan"].clone()];
        row.extend(counts.map(|count| limit(&plan[count])));
        let spend = limit(&plan["monthly_spend_usd"]);
        row.push(spend.as_str().map_or(Value::Null, |usd| json!(Nanos::parse_usd(usd).unwrap().to_i64())));
        row.push(plan["features"].clone());
        Value::Array(row)
    };
    let mut rows: Vec<_> = file.plans.iter().map(row).collect();
    rows.sort_by_key(|row| row[0].to_string());
    rows
}

#[test]
fn the_table_says_what_the_file_says_whatever_it_said_before() {
    let db = schema::migrated();
    db.execute_batch(
        "UPDATE plans SET agents = 1, features = '[\"import_url\"]'; DELETE FROM plans WHERE plan = 'budget'",
    )
    .unwrap();
    db.execute_batch(&script::sql()).unwrap();
    assert_eq!(rows(&db), expected());
}

#[test]
fn a_dearer_plan_allows_no_less() {
    let file: File = serde_norway::from_str(&script::read("plans.yaml")).unwrap();
    let order = ["budget", "standard", "professional", "enterprise"];
    assert_eq!(file.plans.iter().map(|plan| plan["plan"].as_str().unwrap()).collect::<Vec<_>>(), order);
    for pair in expected_in(&order).windows(2) {
        for column in 1..=9 {
            let [lower, higher] =
                [&pair[0][column], &pair[1][column]].map(|v| v.as_i64().unwrap_or(i64::MAX));
            assert!(lower <= higher, "{pair:?}");
        }
    }
}

fn expected_in(order: &[&str]) -> Vec<Value> {
    let rows = expected();
    order.iter().map(|plan| rows.iter().find(|row| row[0] == *plan).unwrap().clone()).collect()
}
