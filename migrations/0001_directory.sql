-- The directory: accounts, who may act for them, and what their agents are.
--
-- Applied forward by `wrangler d1 migrations apply`; the way back is down/0001_directory.sql.
-- Never edited once released: a change is a new migration.
--
-- Conventions. Every tenant table starts its primary key with account_id, so a row of one account cannot be
-- addressed without naming that account. Times are integer milliseconds since the epoch, money is integer
-- nano-dollars (1 USD = 10^9), a price is integer nano-dollars per million tokens; all of them stay under 2^53
-- because D1 hands numbers over as f64. Ids are UUIDv7 text, so ordering by id is ordering by age. Tables with
-- short rows are WITHOUT ROWID: the primary key is the table, which saves the second write of an index.

-- The tenants. Everything but the platform catalogue belongs to exactly one.
CREATE TABLE accounts (
    id         TEXT PRIMARY KEY NOT NULL,
    -- How URLs name the account: /accounts/{slug}/agents/….
    slug       TEXT NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 64 AND slug NOT GLOB '*[^a-z0-9-]*'),
    name       TEXT NOT NULL CHECK (length(name) > 0),
    plan       TEXT NOT NULL DEFAULT 'standard'
               CHECK (plan IN ('budget', 'standard', 'professional', 'enterprise')),
    -- A suspended account keeps its rows; its calls are refused at admission.
    status     TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    updated_at INTEGER NOT NULL CHECK (updated_at >= created_at)
) STRICT, WITHOUT ROWID;

-- The people of an account.
CREATE TABLE members (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id         TEXT NOT NULL,
    email      TEXT NOT NULL CHECK (length(email) > 0),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- One person is one member, however the address is capitalized.
CREATE UNIQUE INDEX members_email ON members (account_id, email COLLATE NOCASE);

-- API keys. The secret is never stored: a key is found by its digest. Rows outlive revocation, because the
-- ledger and agent_versions name them.
CREATE TABLE keys (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL CHECK (length(name) > 0),
    -- admin writes configuration, member reads it, caller only calls agents.
    role       TEXT NOT NULL CHECK (role IN ('admin', 'member', 'caller')),
    -- JSON array of the agent ids a caller is confined to; NULL is every agent of the account.
    agents     TEXT CHECK (agents IS NULL OR (role = 'caller' AND json_valid(agents) AND json_type(agents) = 'array')),
    -- SHA-256 of the whole key, 64 lower-case hex digits. UNIQUE is also the index of authentication.
    digest     TEXT NOT NULL UNIQUE CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
    -- What a list shows in place of the key, as `retinue_ab…wxyz`.
    hint       TEXT NOT NULL,
    -- The key fails from this moment on; NULL never expires.
    expires_at INTEGER CHECK (expires_at >= 0),
    revoked_at INTEGER CHECK (revoked_at >= created_at),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- The account's own upstream APIs. A name without a row here may still be a provider of the platform.
CREATE TABLE providers (
    account_id     TEXT NOT NULL REFERENCES accounts (id),
    -- The part of a model line before the colon.
    name           TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40 AND name NOT GLOB '*[^a-z0-9-]*'),
    wire           TEXT NOT NULL CHECK (wire IN ('openai', 'anthropic', 'gemini', 'workers-ai')),
    -- NULL is the documented URL of a well-known provider, or none at all (workers-ai goes by binding).
    base_url       TEXT CHECK (length(base_url) > 0),
    -- The provider key, AES-256-GCM under MASTER_KEY, bound to account and name; nonce and ciphertext in base64.
    key_nonce      TEXT,
    key_ciphertext TEXT,
    -- All that is ever shown of the key again; fewer characters when the key is short.
    key_last4      TEXT CHECK (length(key_last4) <= 4),
    created_at     INTEGER NOT NULL CHECK (created_at >= 0),
    updated_at     INTEGER NOT NULL CHECK (updated_at >= created_at),
    PRIMARY KEY (account_id, name),
    CHECK ((key_nonce IS NULL) = (key_ciphertext IS NULL) AND (key_nonce IS NULL) = (key_last4 IS NULL))
) STRICT, WITHOUT ROWID;

-- The models of the platform: one copy for every account, seeded from catalogue/models.json. A model without a
-- row, here or in models, has no price and is refused where a budget applies.
CREATE TABLE catalogue (
    provider                TEXT NOT NULL CHECK (length(provider) BETWEEN 1 AND 40),
    -- The provider's own name of the model, as `gpt-4.1-mini` or `@cf/meta/llama-3.1-8b-instruct`.
    code                    TEXT NOT NULL CHECK (length(code) > 0),
    -- For people; NULL shows the code.
    name                    TEXT,
    input_price             INTEGER NOT NULL CHECK (input_price BETWEEN 0 AND 9007199254740991),
    output_price            INTEGER NOT NULL CHECK (output_price BETWEEN 0 AND 9007199254740991),
    -- Input tokens that the provider served from its cache; NULL charges them as other input.
    cached_input_price      INTEGER CHECK (cached_input_price BETWEEN 0 AND 9007199254740991),
    -- Input tokens that the provider wrote to its cache, which some charge above other input, unasked; NULL
    -- charges them as other input.
    cache_write_price       INTEGER CHECK (cache_write_price BETWEEN 0 AND 9007199254740991),
    -- A request with more input tokens than this is charged wholly at the long prices; NULL has one tier.
    long_context_tokens     INTEGER CHECK (long_context_tokens > 0),
    long_input_price        INTEGER CHECK (long_input_price BETWEEN 0 AND 9007199254740991),
    long_output_price       INTEGER CHECK (long_output_price BETWEEN 0 AND 9007199254740991),
    -- NULL charges these as other long input.
    long_cached_input_price INTEGER CHECK (long_cached_input_price BETWEEN 0 AND 9007199254740991),
    long_cache_write_price  INTEGER CHECK (long_cache_write_price BETWEEN 0 AND 9007199254740991),
    -- The most input tokens a request may carry; at many models the output must fit in it as well.
    context_tokens          INTEGER NOT NULL CHECK (context_tokens > 0),
    max_output_tokens       INTEGER NOT NULL CHECK (max_output_tokens > 0),
    -- JSON array of words: images, tools, json_schema, streaming, reasoning, ….
    capabilities            TEXT NOT NULL CHECK (json_valid(capabilities) AND json_type(capabilities) = 'array'),
    -- The day these prices were read, YYYY-MM-DD.
    priced_on               TEXT NOT NULL CHECK (priced_on GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
    PRIMARY KEY (provider, code),
    CHECK ((long_context_tokens IS NULL) = (long_input_price IS NULL)
       AND (long_context_tokens IS NULL) = (long_output_price IS NULL)
       AND (long_cached_input_price IS NULL OR long_context_tokens IS NOT NULL)
       AND (long_cache_write_price IS NULL OR long_context_tokens IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- The account's own models and prices; a row here wins over the catalogue's row of the same provider and code.
-- Columns mean what they mean there.
CREATE TABLE models (
    account_id              TEXT NOT NULL REFERENCES accounts (id),
    provider                TEXT NOT NULL CHECK (length(provider) BETWEEN 1 AND 40),
    code                    TEXT NOT NULL CHECK (length(code) > 0),
    name                    TEXT,
    input_price             INTEGER NOT NULL CHECK (input_price BETWEEN 0 AND 9007199254740991),
    output_price            INTEGER NOT NULL CHECK (output_price BETWEEN 0 AND 9007199254740991),
    cached_input_price      INTEGER CHECK (cached_input_price BETWEEN 0 AND 9007199254740991),
    cache_write_price       INTEGER CHECK (cache_write_price BETWEEN 0 AND 9007199254740991),
    long_context_tokens     INTEGER CHECK (long_context_tokens > 0),
    long_input_price        INTEGER CHECK (long_input_price BETWEEN 0 AND 9007199254740991),
    long_output_price       INTEGER CHECK (long_output_price BETWEEN 0 AND 9007199254740991),
    long_cached_input_price INTEGER CHECK (long_cached_input_price BETWEEN 0 AND 9007199254740991),
    long_cache_write_price  INTEGER CHECK (long_cache_write_price BETWEEN 0 AND 9007199254740991),
    context_tokens          INTEGER NOT NULL CHECK (context_tokens > 0),
    max_output_tokens       INTEGER NOT NULL CHECK (max_output_tokens > 0),
    capabilities            TEXT NOT NULL CHECK (json_valid(capabilities) AND json_type(capabilities) = 'array'),
    updated_at              INTEGER NOT NULL CHECK (updated_at >= 0),
    PRIMARY KEY (account_id, provider, code),
    CHECK ((long_context_tokens IS NULL) = (long_input_price IS NULL)
       AND (long_context_tokens IS NULL) = (long_output_price IS NULL)
       AND (long_cached_input_price IS NULL OR long_context_tokens IS NOT NULL)
       AND (long_cache_write_price IS NULL OR long_context_tokens IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Names (`fast`, `smart`) that stand for a model line in the account's agents.
CREATE TABLE aliases (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL CHECK (length(name) > 0),
    line       TEXT NOT NULL CHECK (length(line) > 0),
    updated_at INTEGER NOT NULL CHECK (updated_at >= 0),
    PRIMARY KEY (account_id, name)
) STRICT, WITHOUT ROWID;

-- The agents, each as its newest version. Columns are what the directory filters, joins or constrains by;
-- definition is the whole configuration. A table with rowid: definitions are too long to live in a key's tree.
CREATE TABLE agents (
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    id            TEXT NOT NULL,
    slug          TEXT NOT NULL CHECK (length(slug) BETWEEN 1 AND 64 AND slug NOT GLOB '*[^a-z0-9-]*'),
    name          TEXT NOT NULL CHECK (length(name) > 0),
    -- key: a key of the account is needed. public: anyone may call, so a budget must bound it.
    access        TEXT NOT NULL CHECK (access IN ('key', 'public')),
    version       INTEGER NOT NULL CHECK (version >= 1),
    -- JSON object.
    definition    TEXT NOT NULL CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    -- Nano-dollars per period. What was spent of it is the account object's to know.
    budget_limit  INTEGER CHECK (budget_limit BETWEEN 0 AND 9007199254740991),
    budget_period TEXT CHECK (budget_period IN ('day', 'month', 'total')),
    -- block refuses what would pass the limit; notify lets it through and records the crossing.
    budget_action TEXT CHECK (budget_action IN ('block', 'notify')),
    created_at    INTEGER NOT NULL CHECK (created_at >= 0),
    updated_at    INTEGER NOT NULL CHECK (updated_at >= created_at),
    -- Deleting archives: the ledger still names the agent, its slug is free again.
    archived_at   INTEGER CHECK (archived_at >= created_at),
    PRIMARY KEY (account_id, id),
    CHECK ((budget_limit IS NULL) = (budget_period IS NULL) AND (budget_limit IS NULL) = (budget_action IS NULL)),
    CHECK (access <> 'public' OR budget_limit IS NOT NULL OR archived_at IS NOT NULL)
) STRICT;

-- Resolving a call's slug, and its uniqueness among the agents in use.
CREATE UNIQUE INDEX agents_slug ON agents (account_id, slug) WHERE archived_at IS NULL;

-- Listing newest first, a page from where the last one ended: (created_at, id) < (?, ?), read backwards.
CREATE INDEX agents_newest ON agents (account_id, created_at, id) WHERE archived_at IS NULL;

-- Every configuration an agent ever had; rows are only ever added.
CREATE TABLE agent_versions (
    account_id TEXT NOT NULL,
    agent_id   TEXT NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    -- JSON object, as agents.definition was at this version.
    definition TEXT NOT NULL CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    -- The id of the key that wrote it, or 'operator'; NULL is the platform itself.
    created_by TEXT,
    PRIMARY KEY (account_id, agent_id, version),
    FOREIGN KEY (account_id, agent_id) REFERENCES agents (account_id, id)
) STRICT;
