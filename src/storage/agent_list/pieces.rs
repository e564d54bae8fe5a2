//! What the statements of [`super`] are made of.

/// The rest of an index, newest first: ?3 and ?4 are the position, ?5 and ?6 what the index is asked for.
macro_rules! rest_of {
    ($id:literal, $rows:literal) => {
        concat!(
            "SELECT created_at, ",
            $id,
            " AS id FROM ",
            $rows,
            " AND (created_at, ",
            $id,
            ") < (?3, ?4)
            ORDER BY created_at DESC, ",
            $id,
            " DESC"
        )
    };
}

/// Whether an agent has words that begin like each of this JSON array.
macro_rules! has_words {
    ($words:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM json_each(",
            $words,
            ") AS wanted WHERE NOT EXISTS (
                SELECT 1 FROM agent_words AS found WHERE found.account_id = ?1 AND found.agent_id = a.id
                    AND found.word >= wanted.value AND found.word < wanted.value || char(1114111)))"
        )
    };
}

/// Of at most ?2 agents of the next ?7 rows that have the words ?8, the status ?9 and the type ?10, and for which `$also` is
/// true, these `$columns`.
macro_rules! walk {
    ($columns:expr, $also:expr, $id:literal, $rows:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (",
            rest_of!($id, $rows),
            " LIMIT ?7) AS w
            CROSS JOIN agents AS a ON a.account_id = ?1 AND a.id = w.id
            WHERE (?9 IS NULL OR a.status = ?9) AND (?10 IS NULL OR a.type = ?10)",
            $also,
            " AND ",
            has_words!("?8"),
            " LIMIT ?2"
        )
    };
}

/// A row without its definition.
macro_rules! thin {
    () => {
        "a.id, a.slug, a.version, a.status, a.budget_limit, a.budget_period, a.budget_action, a.created_at, a.updated_at,
            a.archived_at"
    };
}

/// The agents that `$found` names, in its order, with their definitions: half a megabyte each is possible, and 200 a page, so
/// that after the first a definition is empty where those before it have 4 million characters.
macro_rules! whole {
    ($found:expr) => {
        concat!(
            "SELECT ",
            thin!(),
            ", a.labels, CASE WHEN sized.before < 4000000 THEN a.definition ELSE '' END AS definition FROM (
                SELECT id, sum(size) OVER (ROWS UNBOUNDED PRECEDING) - size AS before FROM (",
            $found,
            ")) AS sized
            CROSS JOIN agents AS a ON a.account_id = ?1 AND a.id = sized.id"
        )
    };
}

/// Agents that were found by `$rows`, whole.
macro_rules! agents {
    ($id:literal, $rows:literal) => {
        whole!(walk!("a.id, length(a.definition) AS size", "", $id, $rows))
    };
}

/// The position of the ?2-th of the next rows, counted from 0.
macro_rules! place {
    ($id:literal, $rows:literal) => {
        concat!(rest_of!($id, $rows), " LIMIT 1 OFFSET ?2")
    };
}

/// What a client is shown of an agent: its definition is cut down.
macro_rules! card {
    () => {
        concat!(
            thin!(),
            ", json_set(json_remove(a.definition, '$.config', '$.tools', '$.handoff_targets'), '$.instructions', '-') AS definition"
        )
    };
}

/// Whether its calls are answered.
macro_rules! answers {
    () => {
        " AND a.status IN ('published', 'active', 'deprecated')"
    };
}
