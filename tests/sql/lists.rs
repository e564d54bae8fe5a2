//! Lists are read off an index, in its order.

use std::collections::BTreeSet;

use retinue::domain::agent::{Agent, Save, Status};
use retinue::domain::change::Actor;
use retinue::domain::ids::AgentId;
use retinue::domain::slug::Slug;
use retinue::ports::{AgentFilter, AgentList, Callable, FoundAgents, SaveAgents};
use retinue::storage::queries;

use crate::support::NOON;
use crate::{TenantRows, account, schema, world};

/// The steps of a statement's plan, its subqueries' included.
fn plan(name: &str) -> Vec<String> {
    let query = queries().find(|query| query.name == name).unwrap_or_else(|| panic!("no {name}"));
    let db = schema::migrated();
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql)).unwrap();
    plan.raw_query().mapped(|row| row.get::<_, String>(3)).map(Result::unwrap).collect()
}

#[test]
fn every_filter_is_driven_by_its_index_and_sorts_nothing() {
    for (list, index) in [
        ("IN_USE", "agents_newest (account_id=? AND (created_at,id)<(?,?))"),
        ("OF_STATUS", "agents_status (account_id=? AND status=? AND (created_at,id)<(?,?))"),
        ("OF_TYPE", "agents_type (account_id=? AND type=? AND (created_at,id)<(?,?))"),
        (
            "OF_STATUS_AND_TYPE",
            "agents_status_type (account_id=? AND status=? AND type=? AND (created_at,id)<(?,?))",
        ),
        ("ARCHIVED", "agents_archived (account_id=? AND (created_at,id)<(?,?))"),
        ("PUBLIC", "agents_public (account_id=? AND (created_at,id)<(?,?))"),
        ("LABELLED", "PRIMARY KEY (account_id=? AND label=? AND (created_at,agent_id)<(?,?))"),
    ] {
        for (query, is_list) in [(format!("AGENTS_{list}"), true), (format!("PLACE_{list}"), false)] {
            let steps = plan(&query);
            let walk = steps.iter().position(|step| step == "CO-ROUTINE w");
            let first = walk.map_or(0, |at| at + 1);
            assert!(
                steps[first].starts_with("SEARCH ") && steps[first].ends_with(index),
                "{query}: {steps:?}"
            );
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{query}: {steps:?}");
            // One row after the other, so that it ends when enough are found; and of the agents only those.
            let is_walk =
                walk.is_some() && steps[first + 1] == "SCAN w" && steps[first + 2].starts_with("SEARCH a ");
            assert_eq!(is_walk, is_list, "{query}: {steps:?}");
        }
    }
}

#[test]
fn words_are_looked_up_and_what_they_lead_to_is_sorted() {
    let steps = plan("AGENTS_WORDED");
    let words = "SEARCH agent_words USING PRIMARY KEY (account_id=? AND word>? AND word<?)";
    assert!(steps.iter().any(|step| step == words), "{steps:?}");
    for query in ["AGENTS_WORDED", "AGENTS_LABELLED", "AGENTS_IN_USE"] {
        let rest = "SEARCH found USING COVERING INDEX agent_words_agent (account_id=? AND agent_id=? AND word>? AND word<?)";
        let steps = plan(query);
        assert!(steps.iter().any(|step| step == rest), "{query}: {steps:?}");
    }
}

#[test]
fn models_come_in_their_order_by_what_they_can_do() {
    for query in ["MODELS", "MODELS_ABLE"] {
        let steps = plan(query);
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{query}: {steps:?}");
    }
    let driven = "SEARCH w USING PRIMARY KEY (account_id=? AND capability=? AND (provider,code)>(?,?))";
    let steps = plan("MODELS_ABLE");
    assert!(steps.iter().any(|step| step == driven), "{steps:?}");
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

/// Agents of these words, oldest first.
async fn fill(tenant: &TenantRows, ages: impl Iterator<Item = (u16, &'static str)>) {
    let agent = |(n, words): (u16, &str)| {
        let at = NOON.plus(i64::from(n));
        let id = AgentId::new(at, [0; 10]);
        let agent = Agent {
            id,
            slug: Slug::parse(&format!("s{n}")).unwrap(),
            created_at: at,
            updated_at: at,
            ..crate::agent(1)
        };
        let mut definition = agent.definition.clone();
        definition.name = words.to_owned();
        Save::insert(Agent { definition, labels: vec!["all".into()], status: Status::Active, ..agent })
    };
    let saves: Vec<Save> = ages.map(agent).collect();
    tenant.save_agents(&saves, Actor::Operator, &[]).await.unwrap();
}

fn slugs(found: &FoundAgents) -> Vec<String> {
    found.agents.iter().map(|agent| agent.slug.to_string()).collect()
}

fn words(words: &str) -> BTreeSet<String> {
    words.split(' ').map(str::to_owned).collect()
}

/// Both words are common, and only the three oldest agents have both.
#[tokio::test]
async fn a_search_among_common_words_ends_and_goes_on_where_it_ended() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    let name = |n| match n {
        0..3 => "Alpha Beta",
        3..600 => "Alpha",
        _ => "Beta",
    };
    fill(&tenant, (0..1_300).map(|n| (n, name(n)))).await;
    let filters = [
        AgentFilter { words: words("alpha beta"), ..AgentFilter::default() },
        AgentFilter { words: words("alp bet"), status: Some(Status::Active), ..AgentFilter::default() },
        AgentFilter { words: words("alpha beta"), label: Some("all".into()), ..AgentFilter::default() },
    ];
    for filter in filters {
        let first = tenant.find_agents(&filter, 2, None).await.unwrap();
        assert_eq!(slugs(&first), [""; 0], "{filter:?}");
        let place = first.stopped_at.expect("it has not been through all of them");
        assert_eq!(place.created_at, NOON.plus(300), "the thousandth from the end");
        let second = tenant.find_agents(&filter, 2, Some(place)).await.unwrap();
        assert_eq!((slugs(&second), second.stopped_at), (vec!["s2".into(), "s1".into()], None));
        let last = tenant.find_agents(&filter, 9, Some(place)).await.unwrap();
        assert_eq!(slugs(&last), ["s2", "s1", "s0"]);
        assert_eq!(last.stopped_at, None, "there are no more");
    }
    let rare = AgentFilter { words: words("beta s1299"), ..AgentFilter::default() };
    let found = tenant.find_agents(&rare, 9, None).await.unwrap();
    assert_eq!((slugs(&found), found.stopped_at), (vec!["s1299".into()], None));
}

#[tokio::test]
async fn what_no_index_says_is_looked_for_among_those_of_one_that_says_some() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    fill(&tenant, (0..1_002).map(|n| (n, "Agent"))).await;
    world.database().with(|db| {
        db.execute("UPDATE agents SET status = 'draft' WHERE slug IN ('s0', 's1', 's1001')", []).unwrap();
    });
    let filter =
        AgentFilter { status: Some(Status::Draft), label: Some("all".into()), ..AgentFilter::default() };
    let first = tenant.find_agents(&filter, 9, None).await.unwrap();
    assert_eq!(slugs(&first), ["s1001"]);
    let second = tenant.find_agents(&filter, 9, first.stopped_at).await.unwrap();
    assert_eq!((slugs(&second), second.stopped_at), (vec!["s1".into(), "s0".into()], None));
    let common = AgentFilter { words: words("agent"), ..AgentFilter::default() };
    let found = tenant.find_agents(&common, 3, None).await.unwrap();
    assert_eq!(
        (slugs(&found), found.stopped_at),
        (["s1001", "s1000", "s999"].map(str::to_owned).to_vec(), None)
    );
}

/// While a page is searched for, at every step of it, the newest agent goes, and all others move up.
#[tokio::test]
async fn a_search_that_ends_early_loses_none_when_agents_go_meanwhile() {
    for steps in 0..5 {
        let world = world();
        let (_, tenant) = account(&world, 1).await;
        fill(&tenant, (0..1_002).map(|n| (n, "Agent"))).await;
        world.database().with(|db| {
            db.execute("UPDATE agents SET status = 'draft' WHERE slug IN ('s0', 's1')", []).unwrap();
        });
        let newest = tenant.find_agents(&AgentFilter::default(), 1, None).await.unwrap().agents.remove(0);
        let filter =
            AgentFilter { status: Some(Status::Draft), label: Some("all".into()), ..AgentFilter::default() };
        let goes = async {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
            crate::archive(&tenant, &newest).await.unwrap();
        };
        let ((), first) = tokio::join!(goes, tenant.find_agents(&filter, 9, None));
        let first = first.unwrap();
        let second = tenant.find_agents(&filter, 9, first.stopped_at).await.unwrap();
        assert_eq!([slugs(&first), slugs(&second)].concat(), ["s1", "s0"], "{steps}");
    }
}

/// Definitions may have half a megabyte each.
#[tokio::test]
async fn a_page_ends_where_its_definitions_would_take_too_much() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    fill(&tenant, (0..30).map(|n| (n, "Agent"))).await;
    let long =
        "UPDATE agents SET definition = json_set(definition, '$.instructions', printf('%.*c', 300000, 'x'))";
    world.database().with(|db| db.execute(long, []).unwrap());
    let filters = [
        AgentFilter::default(),
        AgentFilter { status: Some(Status::Active), ..AgentFilter::default() },
        AgentFilter { label: Some("all".into()), ..AgentFilter::default() },
        AgentFilter { words: words("agent"), ..AgentFilter::default() },
    ];
    for filter in filters {
        let (mut all, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = tenant.find_agents(&filter, 201, after).await.unwrap();
            let bytes: usize = page.agents.iter().map(|agent| agent.definition.instructions.len()).sum();
            assert!(bytes < 4_500_000, "{filter:?}: {bytes}");
            all.extend(slugs(&page));
            (after, pages) = (page.stopped_at, pages + 1);
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<String> = (0..30).rev().map(|n| format!("s{n}")).collect();
        assert_eq!((all, pages), (expected, 3), "{filter:?}");
    }
}

/// Nobody is asked for a key, so that no more than one page's rows may be read.
#[tokio::test]
async fn what_strangers_search_ends_and_goes_on_where_it_ended() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    fill(&tenant, (0..1_300).map(|n| (n, if n == 0 { "Beta" } else { "Alpha" }))).await;
    world.database().with(|db| {
        let public = "UPDATE agents SET definition = json_set(definition, '$.access', 'public')";
        db.execute(public, []).unwrap();
    });
    let filter = AgentFilter { words: words("beta"), ..AgentFilter::default() };
    for callable in [Callable::Public, Callable::All] {
        let first = tenant.find_callable(&filter, &callable, 9, None).await.unwrap();
        assert_eq!(slugs(&first), [""; 0]);
        let place = first.stopped_at.expect("it has not been through all of them");
        let second = tenant.find_callable(&filter, &callable, 9, Some(place)).await.unwrap();
        assert_eq!((slugs(&second), second.stopped_at), (vec!["s0".to_owned()], None));
        let page = tenant.find_callable(&AgentFilter::default(), &callable, 3, None).await.unwrap();
        assert_eq!(slugs(&page), ["s1299", "s1298", "s1297"]);
        assert!(page.agents.iter().all(|agent| agent.definition.instructions == "-"));
    }
}
