-- What an account has of what there may be only so many of, so that neither a new one nor a look at the account reads them
-- all; agents by name, so that a copy finds a free one; and an account's models by what they can do.
--
-- The way back is down/0003_counts.sql. Code of the release before serves calls, and writes, on this schema: the database
-- keeps the counts by itself. Not counted here: keys that expire, since that is nobody's write.
--
-- Each trigger is one line with BEGIN and END in capitals and one statement between them: D1 cuts a remote migration into
-- statements by itself, and is known to cut others apart.

CREATE TABLE account_counts (
    account_id   TEXT PRIMARY KEY NOT NULL REFERENCES accounts (id),
    -- Neither archived nor inactive.
    agents       INTEGER NOT NULL DEFAULT 0 CHECK (agents >= 0),
    -- Not inactive.
    members      INTEGER NOT NULL DEFAULT 0 CHECK (members >= 0),
    -- Neither revoked nor inactive, and without an end.
    lasting_keys INTEGER NOT NULL DEFAULT 0 CHECK (lasting_keys >= 0),
    providers    INTEGER NOT NULL DEFAULT 0 CHECK (providers >= 0),
    aliases      INTEGER NOT NULL DEFAULT 0 CHECK (aliases >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO account_counts (account_id, agents, members, lasting_keys, providers, aliases)
SELECT id,
    (SELECT count(*) FROM agents WHERE account_id = accounts.id AND archived_at IS NULL AND status <> 'inactive'),
    (SELECT count(*) FROM members WHERE account_id = accounts.id AND inactive_at IS NULL),
    (SELECT count(*) FROM keys
        WHERE account_id = accounts.id AND revoked_at IS NULL AND inactive_at IS NULL AND expires_at IS NULL),
    (SELECT count(*) FROM providers WHERE account_id = accounts.id),
    (SELECT count(*) FROM aliases WHERE account_id = accounts.id)
FROM accounts;

CREATE TRIGGER count_account AFTER INSERT ON accounts BEGIN INSERT INTO account_counts (account_id) VALUES (new.id); END;

CREATE TRIGGER count_agent AFTER INSERT ON agents WHEN new.archived_at IS NULL AND new.status <> 'inactive' BEGIN UPDATE account_counts SET agents = agents + 1 WHERE account_id = new.account_id; END;
CREATE TRIGGER count_changed_agent AFTER UPDATE OF archived_at, status ON agents WHEN (new.archived_at IS NULL AND new.status <> 'inactive') <> (old.archived_at IS NULL AND old.status <> 'inactive') BEGIN UPDATE account_counts SET agents = agents + (new.archived_at IS NULL AND new.status <> 'inactive') - (old.archived_at IS NULL AND old.status <> 'inactive') WHERE account_id = new.account_id; END;
CREATE TRIGGER count_deleted_agent AFTER DELETE ON agents WHEN old.archived_at IS NULL AND old.status <> 'inactive' BEGIN UPDATE account_counts SET agents = agents - 1 WHERE account_id = old.account_id; END;

CREATE TRIGGER count_member AFTER INSERT ON members WHEN new.inactive_at IS NULL BEGIN UPDATE account_counts SET members = members + 1 WHERE account_id = new.account_id; END;
CREATE TRIGGER count_changed_member AFTER UPDATE OF inactive_at ON members WHEN (new.inactive_at IS NULL) <> (old.inactive_at IS NULL) BEGIN UPDATE account_counts SET members = members + (new.inactive_at IS NULL) - (old.inactive_at IS NULL) WHERE account_id = new.account_id; END;
CREATE TRIGGER count_deleted_member AFTER DELETE ON members WHEN old.inactive_at IS NULL BEGIN UPDATE account_counts SET members = members - 1 WHERE account_id = old.account_id; END;

CREATE TRIGGER count_key AFTER INSERT ON keys WHEN new.revoked_at IS NULL AND new.inactive_at IS NULL AND new.expires_at IS NULL BEGIN UPDATE account_counts SET lasting_keys = lasting_keys + 1 WHERE account_id = new.account_id; END;
CREATE TRIGGER count_changed_key AFTER UPDATE OF revoked_at, inactive_at, expires_at ON keys WHEN (new.revoked_at IS NULL AND new.inactive_at IS NULL AND new.expires_at IS NULL) <> (old.revoked_at IS NULL AND old.inactive_at IS NULL AND old.expires_at IS NULL) BEGIN UPDATE account_counts SET lasting_keys = lasting_keys + (new.revoked_at IS NULL AND new.inactive_at IS NULL AND new.expires_at IS NULL) - (old.revoked_at IS NULL AND old.inactive_at IS NULL AND old.expires_at IS NULL) WHERE account_id = new.account_id; END;
CREATE TRIGGER count_deleted_key AFTER DELETE ON keys WHEN old.revoked_at IS NULL AND old.inactive_at IS NULL AND old.expires_at IS NULL BEGIN UPDATE account_counts SET lasting_keys = lasting_keys - 1 WHERE account_id = old.account_id; END;

CREATE TRIGGER count_provider AFTER INSERT ON providers BEGIN UPDATE account_counts SET providers = providers + 1 WHERE account_id = new.account_id; END;
CREATE TRIGGER count_deleted_provider AFTER DELETE ON providers BEGIN UPDATE account_counts SET providers = providers - 1 WHERE account_id = old.account_id; END;

CREATE TRIGGER count_alias AFTER INSERT ON aliases BEGIN UPDATE account_counts SET aliases = aliases + 1 WHERE account_id = new.account_id; END;
CREATE TRIGGER count_deleted_alias AFTER DELETE ON aliases BEGIN UPDATE account_counts SET aliases = aliases - 1 WHERE account_id = old.account_id; END;

-- The words of models.capabilities, one a row.
CREATE TABLE model_capabilities (
    account_id TEXT NOT NULL,
    capability TEXT NOT NULL,
    provider   TEXT NOT NULL,
    code       TEXT NOT NULL,
    PRIMARY KEY (account_id, capability, provider, code),
    FOREIGN KEY (account_id, provider, code) REFERENCES models (account_id, provider, code) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX model_capabilities_model ON model_capabilities (account_id, provider, code);

INSERT OR IGNORE INTO model_capabilities (account_id, capability, provider, code)
SELECT account_id, value, provider, code FROM models, json_each(models.capabilities);

CREATE TRIGGER list_model AFTER INSERT ON models BEGIN INSERT OR IGNORE INTO model_capabilities (account_id, capability, provider, code) SELECT new.account_id, value, new.provider, new.code FROM json_each(new.capabilities); END;
CREATE TRIGGER unlist_changed_model BEFORE UPDATE OF capabilities ON models BEGIN DELETE FROM model_capabilities WHERE account_id = old.account_id AND provider = old.provider AND code = old.code; END;
CREATE TRIGGER list_changed_model AFTER UPDATE OF capabilities ON models BEGIN INSERT OR IGNORE INTO model_capabilities (account_id, capability, provider, code) SELECT new.account_id, value, new.provider, new.code FROM json_each(new.capabilities); END;

CREATE INDEX agents_name ON agents (account_id, name) WHERE archived_at IS NULL;
