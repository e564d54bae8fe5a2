//! Rows for every table, migration by migration: what a directory in use looks like, with texts that are easily broken.

/// After migration n stands what `FILLS[n - 1]` adds: rows that only the schema of n can hold.
pub const FILLS: [&str; 11] = [
    DIRECTORY,
    DEFINITIONS,
    COUNTS,
    SWEEP,
    DECLARATIONS,
    SCOPES,
    DIALECT,
    FLAGS,
    PUBLIC_AGENTS,
    AUDIO_PRICES,
    KEPT,
];

const DIRECTORY: &str = r#"
INSERT INTO accounts (id, slug, name, plan, status, created_at, updated_at) VALUES
    ('a1', 'acme', 'Acme''s "Inc."; -- not a comment', 'enterprise', 'active', 1, 9007199254740991),
    ('a2', 'beta', 'line' || char(10) || 'break, and \n its escape; \r' || char(13), 'budget', 'suspended', 2, 3),
    ('a3', 'gamma', 'BEGIN TRANSACTION; 日本 😀 COMMIT;', 'standard', 'active', 3, 3);
INSERT INTO members (account_id, id, email, name, role, created_at) VALUES
    ('a1', 'm1', 'Ann@example.com', '', 'admin', 1),
    ('a1', 'm2', 'bob@example.com', 'Bob', 'member', 2);
INSERT INTO keys (account_id, id, name, role, agents, digest, hint, expires_at, revoked_at, created_at) VALUES
    ('a1', 'k1', 'laptop', 'admin', NULL, printf('%064x', 1), 'retinue_ab…wxyz', NULL, NULL, 1),
    ('a1', 'k2', 'site', 'caller', '["g1"]', printf('%064x', 2), 'retinue_cd…stuv', 99, 98, 1),
    ('a2', 'k1', 'old', 'member', NULL, printf('%064x', 3), '', 0, NULL, 0);
INSERT INTO providers (account_id, name, wire, base_url, key_nonce, key_ciphertext, key_last4, created_at, updated_at) VALUES
    ('a1', 'openai', 'openai', NULL, 'bm9uY2U=', 'Y2lwaGVydGV4dA==', 'wxyz', 1, 2),
    ('a1', 'local', 'openai', 'http://127.0.0.1:8080/v1', NULL, NULL, NULL, 1, 1);
INSERT INTO catalogue (provider, code, name, input_price, output_price, context_tokens, max_output_tokens, capabilities,
    priced_on) VALUES ('openai', 'of-old', 'Of old', 0, 9007199254740991, 1, 1, '[]', '2020-01-01');
INSERT INTO models (account_id, provider, code, name, input_price, output_price, cached_input_price, cache_write_price,
    long_context_tokens, long_input_price, long_output_price, long_cached_input_price, long_cache_write_price, context_tokens,
    max_output_tokens, capabilities, updated_at) VALUES
    ('a1', 'local', 'm', NULL, 1, 2, 0, 3, 9, 2, 4, 1, 5, 1000, 100, '["streaming","tools"]', 7),
    ('a1', 'local', 'n', 'N', 1, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1000, 100, '[]', 8);
INSERT INTO aliases VALUES ('a1', 'fast', 'local:m?temperature=0.2, local:n', 5);
INSERT INTO agents (account_id, id, slug, name, access, version, definition, budget_limit, budget_period, budget_action,
    created_at, updated_at, archived_at) VALUES
    ('a1', 'g1', 'triage', 'Triage Agent', 'key', 2, '{"instructions":"one\ntwo"}', NULL, NULL, NULL, 1, 4, NULL),
    ('a1', 'g2', 'open-door', 'Ünïcode', 'public', 1, '{}', 9007199254740991, 'month', 'notify', 2, 2, NULL),
    ('a1', 'g3', 'triage', 'Of before', 'public', 1, '{}', NULL, NULL, NULL, 1, 2, 3);
INSERT INTO agent_versions VALUES
    ('a1', 'g1', 1, '{"instructions":"one"}', 1, 'k1'),
    ('a1', 'g1', 2, '{"instructions":"one\ntwo"}', 4, 'operator'),
    ('a1', 'g2', 1, '{}', 2, NULL);
"#;

const DEFINITIONS: &str = r#"
UPDATE accounts SET variables = '{"tone":"warm"}', settings = '{"locale":"de"}' WHERE id = 'a1';
UPDATE members SET profile = '{"settings":{"agent_prompts":{"triage":"Be brief."}}}', updated_at = 9 WHERE id = 'm1';
UPDATE members SET inactive_at = 9 WHERE id = 'm2';
UPDATE agents SET type = 'sales', status = 'deprecated', labels = '["team-a"]' WHERE id = 'g1';
UPDATE agents SET status = 'published' WHERE id = 'g2';
INSERT INTO keys (account_id, id, name, role, digest, hint, created_at, member_id, inactive_at) VALUES
    ('a1', 'k3', 'hers', 'member', printf('%064x', 4), '', 5, 'm1', NULL),
    ('a1', 'k4', 'his', 'member', printf('%064x', 5), '', 5, 'm2', 9);
INSERT INTO agents (account_id, id, slug, name, access, version, definition, created_at, updated_at, status) VALUES
    ('a1', 'g4', 'sketch', 'Sketch', 'key', 1, '{}', 5, 6, 'draft'),
    ('a1', 'g5', 'resting', 'Resting', 'key', 1, '{}', 5, 7, 'inactive');
INSERT INTO agent_labels VALUES ('a1', 'team-a', 1, 'g1');
INSERT OR IGNORE INTO agent_words VALUES ('a1', 'sketch', 'g4');
INSERT INTO agent_handoffs VALUES ('a1', 'g1', 'g2'), ('a1', 'g2', 'g1');
INSERT INTO platform_templates VALUES ('of-old', 'Of old', NULL, '{}', 1, 1);
INSERT INTO templates VALUES ('a1', 'ours', 'Ours', 'one' || char(10) || 'two, \n not three', '{"type":"own"}', 0, 1, 2);
INSERT INTO changes VALUES
    ('a1', 'c1', 4, 'k1', 'update', 'agent', 'g1', '{"instructions":"one"}', '{"instructions":"one\ntwo"}'),
    ('a1', 'c2', 5, 'operator', 'delete', 'alias', 'slow', '{}', NULL);
"#;

const COUNTS: &str = r#"
INSERT INTO accounts (id, slug, name, created_at, updated_at) VALUES ('a4', 'delta', 'Counted from its first day', 5, 5);
INSERT INTO agents (account_id, id, slug, name, access, version, definition, created_at, updated_at) VALUES
    ('a4', 'g1', 'one', 'One', 'key', 1, '{}', 5, 5), ('a4', 'g2', 'two', 'Two', 'key', 1, '{}', 5, 5);
INSERT INTO members (account_id, id, email, name, role, created_at) VALUES ('a4', 'm1', 'dee@example.com', '', 'admin', 5);
INSERT INTO keys (account_id, id, name, role, digest, hint, created_at) VALUES
    ('a4', 'k1', 'hers', 'admin', printf('%064x', 6), '', 5);
INSERT INTO providers (account_id, name, wire, created_at, updated_at) VALUES ('a4', 'openai', 'openai', 5, 5);
INSERT INTO aliases VALUES ('a4', 'fast', 'local:m', 5);
"#;

const SWEEP: &str = "INSERT INTO sweep (id, after) VALUES (1, 'a1')";

const DECLARATIONS: &str = r#"
INSERT INTO declarations (account_id, kind, name, body, created_at, updated_at) VALUES
    ('a1', 'gadget', 'torch', '{"weight":5}', 1, 2), ('a1', 'gadget', 'axe', '{}', 3, 3), ('a4', 'gadget', 'axe', '{}', 3, 3);
DELETE FROM declarations WHERE account_id = 'a4';
UPDATE account_counts SET revision = 7 WHERE account_id = 'a1';
INSERT INTO declaration_outbox VALUES ('a1', 'gadget', 'torch', 7), ('a4', 'gadget', 'axe', 1);
UPDATE plans SET declarations = '{"gadget":4}' WHERE plan = 'budget';
"#;

const SCOPES: &str = r#"
INSERT INTO keys (account_id, id, name, role, digest, hint, created_at, scopes) VALUES
    ('a4', 'k2', 'narrow', 'member', printf('%064x', 7), '', 5, '["agents:read","ledger:read"]'),
    ('a4', 'k3', 'narrow and revoked', 'caller', printf('%064x', 8), '', 5, '[]');
UPDATE keys SET revoked_at = 8 WHERE id = 'k3' AND account_id = 'a4';
"#;

const DIALECT: &str = r#"
UPDATE providers SET dialect = '{"system":"one"}' WHERE account_id = 'a1' AND name = 'local';
"#;

const FLAGS: &str = "
INSERT INTO flags (flag, is_on, percent, updated_at) VALUES ('batched_admissions', 0, 10, 5), ('of_a_newer_release', 1, 0, 6);
INSERT INTO account_flags (account_id, flag, is_on, updated_at) VALUES ('a1', 'batched_admissions', 1, 7);
INSERT INTO flag_rollout (id, after) VALUES (1, 'a2');
";

/// An index holds no rows of its own.
const PUBLIC_AGENTS: &str = "";

const AUDIO_PRICES: &str = "
UPDATE catalogue SET audio_input_price = 9007199254740991 WHERE code = 'of-old';
UPDATE models SET audio_input_price = 0 WHERE code = 'm';
";

const KEPT: &str = "UPDATE plans SET threads = 7, storage_mb = 0, runs_at_once = 9, memories = 11, keep_days = 30 WHERE plan = 'budget'";
