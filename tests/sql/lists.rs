//! Lists are read off an index, in its order.

use retinue::storage::queries;

use crate::schema;

/// The steps of a statement's plan, its subqueries' included.
fn plan(name: &str) -> Vec<String> {
    let query = queries().find(|query| query.name == name).unwrap_or_else(|| panic!("no {name}"));
    let db = schema::migrated();
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql)).unwrap();
    plan.raw_query().mapped(|row| row.get::<_, String>(3)).map(Result::unwrap).collect()
}

#[test]
fn every_filter_is_driven_by_its_index_and_sorts_nothing() {
    for (query, index) in [
        ("AGENTS_IN_USE", "agents_newest (account_id=? AND (created_at,id)<(?,?))"),
        ("AGENTS_OF_STATUS", "agents_status (account_id=? AND status=? AND (created_at,id)<(?,?))"),
        ("AGENTS_OF_TYPE", "agents_type (account_id=? AND type=? AND (created_at,id)<(?,?))"),
        (
            "AGENTS_OF_STATUS_AND_TYPE",
            "agents_status_type (account_id=? AND status=? AND type=? AND (created_at,id)<(?,?))",
        ),
        ("AGENTS_ARCHIVED", "agents_archived (account_id=? AND (created_at,id)<(?,?))"),
        ("AGENTS_LABELLED", "PRIMARY KEY (account_id=? AND label=? AND (created_at,agent_id)<(?,?))"),
    ] {
        let steps = plan(query);
        assert!(steps[0].starts_with("SEARCH ") && steps[0].ends_with(index), "{query}: {steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{query}: {steps:?}");
    }
}

#[test]
fn words_are_looked_up_and_what_they_lead_to_is_sorted() {
    let steps = plan("AGENTS_WORDED");
    let words = "SEARCH agent_words USING PRIMARY KEY (account_id=? AND word>? AND word<?)";
    assert!(steps.iter().any(|step| step == words), "{steps:?}");
    for query in ["AGENTS_WORDED", "AGENTS_LABELLED"] {
        let rest = "SEARCH found USING COVERING INDEX agent_words_agent (account_id=? AND agent_id=? AND word>? AND word<?)";
        let steps = plan(query);
        assert!(steps.iter().any(|step| step == rest), "{query}: {steps:?}");
    }
}

#[test]
fn versions_are_read_off_their_key() {
    let steps = plan("AGENT_VERSIONS");
    assert_eq!(
        steps[0],
        "SEARCH v USING INDEX sqlite_autoindex_agent_versions_1 (account_id=? AND agent_id=? AND version<?)"
    );
    assert!(steps[1].starts_with("SEARCH p ") && steps[1].contains("version=?"), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
}

#[test]
fn the_newest_archived_one_is_found_by_its_slug() {
    let steps = plan("AGENT_ARCHIVED_LAST");
    assert_eq!(
        steps,
        ["SEARCH agents USING INDEX agents_slug_archived (account_id=? AND slug=? AND archived_at>?)"]
    );
}
