-- The way back from 0002_agent_definitions.sql. What only the newer schema could say is lost: labels, statuses, types,
-- variables, templates, profiles, the change log. An agent that was not to be called is archived, lest it be.
DROP TABLE changes;
DROP TABLE templates;
DROP TABLE platform_templates;
DROP TABLE agent_handoffs;
DROP TABLE agent_words;
DROP TABLE agent_labels;
DROP INDEX agents_slug_archived;
DROP INDEX agents_archived;
DROP INDEX agents_status_type;
DROP INDEX agents_type;
DROP INDEX agents_status;
UPDATE agents SET archived_at = max(updated_at, created_at)
    WHERE archived_at IS NULL AND status IN ('draft', 'inactive');
ALTER TABLE agents DROP COLUMN labels;
ALTER TABLE agents DROP COLUMN status;
ALTER TABLE agents DROP COLUMN type;
DROP INDEX members_inactive;
DROP INDEX members_active;
DROP INDEX keys_inactive;
DROP INDEX keys_live;
DROP INDEX keys_member;
UPDATE keys SET revoked_at = max(inactive_at, created_at) WHERE inactive_at IS NOT NULL AND revoked_at IS NULL;
ALTER TABLE keys DROP COLUMN inactive_at;
ALTER TABLE keys DROP COLUMN member_id;
ALTER TABLE members DROP COLUMN inactive_at;
ALTER TABLE members DROP COLUMN updated_at;
ALTER TABLE members DROP COLUMN profile;
DROP TABLE plans;
ALTER TABLE accounts DROP COLUMN settings;
ALTER TABLE accounts DROP COLUMN variables;
