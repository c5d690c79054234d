-- Erasures: what was asked, how far it is, what it removed; and who is suppressed from then on.

-- Installations whose events are not stored any more, known by a keyed hash of their id only.
CREATE TABLE suppression (
  installation_hash  bytea          PRIMARY KEY,
  suppressed_at      timestamptz(3) NOT NULL
);

CREATE TABLE erasure (
  erasure_id       uuid           PRIMARY KEY,
  mode             text           NOT NULL,  -- erase, erase_and_suppress, suppress, lift
  state            text           NOT NULL,  -- requested, suppressing, erasing, verifying, complete, failed
  installations    integer        NOT NULL,
  idempotency_key  text           UNIQUE,
  requested_at     timestamptz(3) NOT NULL,
  suppressed_at    timestamptz(3),
  erased_at        timestamptz(3),
  completed_at     timestamptz(3),
  removed          jsonb          NOT NULL DEFAULT '{}',  -- rows by table
  verified         jsonb,                                 -- rows left by table: all 0
  certificate      jsonb,
  attempts         integer        NOT NULL DEFAULT 0,
  failure          text,
  -- Whoever works on it renews this; when it is over, another one goes on.
  claimed_until    timestamptz(3)
);
CREATE INDEX erasure_requested_at_erasure_id_idx ON erasure (requested_at, erasure_id);

-- The ids themselves, until they are erased; then only their hashes are left.
CREATE TABLE erasure_target (
  installation_id  uuid NOT NULL,
  erasure_id       uuid NOT NULL,
  PRIMARY KEY (installation_id, erasure_id)
);
CREATE INDEX erasure_target_erasure_id_idx ON erasure_target (erasure_id);
CREATE TABLE erasure_subject (
  installation_hash  bytea NOT NULL,
  erasure_id         uuid  NOT NULL,
  PRIMARY KEY (installation_hash, erasure_id)
);

-- The snapshots that the reports of an erasure pointed at, until those that nobody else points at are
-- collected. Nothing in them names an installation.
CREATE TABLE erasure_snapshot (
  erasure_id   uuid NOT NULL,
  snapshot_id  uuid NOT NULL,
  PRIMARY KEY (erasure_id, snapshot_id)
);

-- Raised when snapshots are collected: a worker that remembers which ones are there has to look again.
CREATE TABLE snapshot_epoch (
  only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  epoch     bigint  NOT NULL
);
INSERT INTO snapshot_epoch (epoch) VALUES (1);

-- Who may administer: tokens by their SHA-256 only.
CREATE TABLE admin_token (
  token_id    uuid           PRIMARY KEY,
  name        text           NOT NULL UNIQUE,
  digest      bytea          NOT NULL UNIQUE,
  scopes      text[]         NOT NULL,
  created_at  timestamptz(3) NOT NULL,
  expires_at  timestamptz(3),
  revoked_at  timestamptz(3)
);

-- What administrators did. Rows are only ever added; an installation is known by its keyed hash.
CREATE TABLE audit_log (
  audit_id           bigint         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at                 timestamptz(3) NOT NULL DEFAULT now(),
  actor              text           NOT NULL,
  act                text           NOT NULL,
  outcome            text           NOT NULL,
  installation_hash  bytea,
  detail             jsonb          NOT NULL DEFAULT '{}'
);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log is only added to.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
