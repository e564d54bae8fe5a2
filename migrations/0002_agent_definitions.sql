-- What an account does with its agents before anyone calls them: types, lifecycle, labels, hand-offs, templates,
-- profiles, plans, and a log of every change.
--
-- The way back is down/0002_agent_definitions.sql. Code of the release before serves calls on this schema: every new
-- column of an old table has a default that means what was so before.
--
-- Conventions as in 0001; table catalogue is now seeded from seed/models.yaml.

-- What instructions may name, and whatever else the account keeps. JSON objects; a variable's value is a string.
ALTER TABLE accounts ADD COLUMN variables TEXT NOT NULL DEFAULT '{}'
    CHECK (json_valid(variables) AND json_type(variables) = 'object');
ALTER TABLE accounts ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'
    CHECK (json_valid(settings) AND json_type(settings) = 'object');

-- What each plan allows; NULL is no limit. Seeded from seed/plans.yaml, which wins over the rows below.
CREATE TABLE plans (
    plan             TEXT PRIMARY KEY NOT NULL CHECK (plan IN ('budget', 'standard', 'professional', 'enterprise')),
    -- Agents that are neither archived nor inactive.
    agents           INTEGER CHECK (agents >= 0),
    members          INTEGER CHECK (members >= 0),
    -- Keys that are neither revoked nor expired.
    keys             INTEGER CHECK (keys >= 0),
    calls_per_minute INTEGER CHECK (calls_per_minute >= 0),
    concurrent_calls INTEGER CHECK (concurrent_calls >= 0),
    -- Nano-dollars that all agents together may spend in a calendar month.
    monthly_spend    INTEGER CHECK (monthly_spend BETWEEN 0 AND 9007199254740991),
    -- JSON array of words: public_agents, own_templates, import_url.
    features         TEXT NOT NULL CHECK (json_valid(features) AND json_type(features) = 'array')
) STRICT, WITHOUT ROWID;

INSERT INTO plans (plan, agents, members, keys, calls_per_minute, concurrent_calls, monthly_spend, features) VALUES
    ('budget', 10, 3, 10, 60, 10, 50000000000, '[]'),
    ('standard', 2500, 50, 250, 6000, 1000, NULL, '["public_agents","own_templates","import_url"]'),
    ('professional', 25000, 500, 2500, 60000, 5000, NULL, '["public_agents","own_templates","import_url"]'),
    ('enterprise', NULL, NULL, NULL, NULL, NULL, NULL, '["public_agents","own_templates","import_url"]');

-- What a member has set: {"settings": {"agent_prompts": {agent slug: text}}}.
ALTER TABLE members ADD COLUMN profile TEXT NOT NULL DEFAULT '{}'
    CHECK (json_valid(profile) AND json_type(profile) = 'object');
ALTER TABLE members ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0 CHECK (updated_at >= 0);
-- Over the limit of a lower plan: neither the member nor its keys open anything until the plan has room again.
ALTER TABLE members ADD COLUMN inactive_at INTEGER CHECK (inactive_at >= 0);

-- The member that a key acts for; NULL is the account itself.
ALTER TABLE keys ADD COLUMN member_id TEXT;
-- Over the limit of a lower plan: the key opens nothing until the plan has room again.
ALTER TABLE keys ADD COLUMN inactive_at INTEGER CHECK (inactive_at >= 0);

-- The keys of a member, which end with it.
CREATE INDEX keys_member ON keys (account_id, member_id) WHERE member_id IS NOT NULL;

-- Counting against the plan: those that are in force, and those that come back when there is room.
CREATE INDEX keys_live ON keys (account_id, expires_at) WHERE revoked_at IS NULL AND inactive_at IS NULL;
CREATE INDEX keys_inactive ON keys (account_id, id) WHERE revoked_at IS NULL AND inactive_at IS NOT NULL;
CREATE INDEX members_active ON members (account_id, id) WHERE inactive_at IS NULL;
CREATE INDEX members_inactive ON members (account_id, id) WHERE inactive_at IS NOT NULL;

-- What the agent is for: a built-in word or the account's own.
ALTER TABLE agents ADD COLUMN type TEXT NOT NULL DEFAULT 'simple-chat' CHECK (length(type) BETWEEN 1 AND 64);
-- Where it is in its life; an archived agent keeps the status that it is restored to.
ALTER TABLE agents ADD COLUMN status TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('draft', 'published', 'active', 'inactive', 'deprecated'));
-- JSON array of words.
ALTER TABLE agents ADD COLUMN labels TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(labels) AND json_type(labels) = 'array');

-- Listing newest first by status, by type, by both; and the archived ones.
CREATE INDEX agents_status ON agents (account_id, status, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX agents_type ON agents (account_id, type, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX agents_status_type ON agents (account_id, status, type, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX agents_archived ON agents (account_id, created_at, id) WHERE archived_at IS NOT NULL;
-- Whose slug this was, when no agent in use has it.
CREATE INDEX agents_slug_archived ON agents (account_id, slug, archived_at) WHERE archived_at IS NOT NULL;

-- Agents by label, newest first.
CREATE TABLE agent_labels (
    account_id TEXT NOT NULL,
    label      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    agent_id   TEXT NOT NULL,
    PRIMARY KEY (account_id, label, created_at, agent_id),
    FOREIGN KEY (account_id, agent_id) REFERENCES agents (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_labels_agent ON agent_labels (account_id, agent_id);

-- Agents by the words of their name and slug, in lower case, for searching by how a word begins. Words and labels of
-- archived agents begin with U+0001, so that neither kind is read when the other is looked for.
CREATE TABLE agent_words (
    account_id TEXT NOT NULL,
    word       TEXT NOT NULL,
    agent_id   TEXT NOT NULL,
    PRIMARY KEY (account_id, word, agent_id),
    FOREIGN KEY (account_id, agent_id) REFERENCES agents (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_words_agent ON agent_words (account_id, agent_id);

-- Those of the agents there are: cut at blanks and hyphens.
INSERT OR IGNORE INTO agent_words (account_id, word, agent_id)
WITH RECURSIVE split (account_id, agent_id, drawer, word, rest) AS (
    SELECT account_id, id, iif(archived_at IS NULL, '', char(1)), '', lower(slug || '-' || replace(name, ' ', '-')) || '-'
    FROM agents
    UNION ALL
    SELECT account_id, agent_id, drawer, substr(rest, 1, instr(rest, '-') - 1), substr(rest, instr(rest, '-') + 1)
    FROM split WHERE rest <> ''
)
SELECT account_id, drawer || word, agent_id FROM split WHERE word <> '';

-- Who hands off to whom: what the newest definitions say, to be asked the other way round.
CREATE TABLE agent_handoffs (
    account_id TEXT NOT NULL,
    agent_id   TEXT NOT NULL,
    target_id  TEXT NOT NULL CHECK (target_id <> agent_id),
    PRIMARY KEY (account_id, agent_id, target_id),
    FOREIGN KEY (account_id, agent_id) REFERENCES agents (account_id, id),
    FOREIGN KEY (account_id, target_id) REFERENCES agents (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_handoffs_target ON agent_handoffs (account_id, target_id);

-- The platform's templates, one copy for every account, seeded from seed/templates/.
CREATE TABLE platform_templates (
    slug          TEXT PRIMARY KEY NOT NULL CHECK (length(slug) BETWEEN 1 AND 64 AND slug NOT GLOB '*[^a-z0-9-]*'),
    name          TEXT NOT NULL CHECK (length(name) > 0),
    description   TEXT,
    -- JSON object: the fields of an agent that it begins with.
    definition    TEXT NOT NULL CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    -- No longer offered to start from by those who choose today; agents made from it go on.
    is_deprecated INTEGER NOT NULL DEFAULT 0 CHECK (is_deprecated IN (0, 1)),
    updated_at    INTEGER NOT NULL CHECK (updated_at >= 0)
) STRICT;

-- The account's own; a row here wins over the platform's of the same slug. Columns mean what they mean there.
CREATE TABLE templates (
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    slug          TEXT NOT NULL CHECK (length(slug) BETWEEN 1 AND 64 AND slug NOT GLOB '*[^a-z0-9-]*'),
    name          TEXT NOT NULL CHECK (length(name) > 0),
    description   TEXT,
    definition    TEXT NOT NULL CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    is_deprecated INTEGER NOT NULL DEFAULT 0 CHECK (is_deprecated IN (0, 1)),
    created_at    INTEGER NOT NULL CHECK (created_at >= 0),
    updated_at    INTEGER NOT NULL CHECK (updated_at >= created_at),
    PRIMARY KEY (account_id, slug)
) STRICT;

-- Every write of an account's configuration; rows are only ever added, in one batch with what they tell of.
CREATE TABLE changes (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id         TEXT NOT NULL,
    at         INTEGER NOT NULL CHECK (at >= 0),
    -- The id of the key that wrote, or 'operator'.
    actor      TEXT NOT NULL,
    -- create, update, archive, restore, delete, revoke, ….
    action     TEXT NOT NULL,
    -- What was written: account, agent, alias, key, member, model, provider, template.
    subject    TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- JSON; NULL where there was, or is, nothing. Never a secret.
    before     TEXT CHECK (before IS NULL OR json_valid(before)),
    after      TEXT CHECK (after IS NULL OR json_valid(after)),
    PRIMARY KEY (account_id, id)
) STRICT;

-- The history of one thing, and of all things of a kind.
CREATE INDEX changes_subject ON changes (account_id, subject, subject_id, id);
CREATE INDEX changes_kind ON changes (account_id, subject, id);
