-- Erasures are remembered outside the database as well, in a signed chain of entries.

-- Up to which entry this database knows all erasures. A restored database has an earlier place.
CREATE TABLE ledger_place (
  only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  sequence  bigint  NOT NULL,
  hash      text    NOT NULL
);
INSERT INTO ledger_place (sequence, hash) VALUES (0, repeat('0', 64));

ALTER TABLE erasure
  -- The latest entry about it: its kind, sequence and hash.
  ADD COLUMN ledger             jsonb,
  -- When it was taken over from the ledger, because this database had forgotten it.
  ADD COLUMN reapplied_at       timestamptz(3),
  -- No job in Redis holds its events since then, but Redis' append-only file was not rewritten since.
  ADD COLUMN log_pending_since  timestamptz(3),
  -- When that file had been rewritten; or why it will not be: off, not_permitted.
  ADD COLUMN log_rewritten_at   timestamptz(3),
  ADD COLUMN log_not_rewritten  text,
  -- What was signed after the certificate.
  ADD COLUMN addendum           jsonb;
CREATE INDEX erasure_log_pending_since_idx ON erasure (log_pending_since);

-- Only what was received until then is removed, and nothing is suppressed; everything where it is null.
ALTER TABLE erasure_target ADD COLUMN received_until timestamptz(3);
