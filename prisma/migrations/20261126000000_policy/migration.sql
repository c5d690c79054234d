-- What administrators decide of products: who may send, how much, and what is dropped at the door.

-- Write keys by their SHA-256 only.
CREATE TABLE ingest_key (
  key_id       uuid           PRIMARY KEY,
  product      text           NOT NULL,
  name         text,
  digest       bytea          NOT NULL UNIQUE,
  hint         text           NOT NULL,  -- the key's last four characters, for people
  created_at   timestamptz(3) NOT NULL,
  created_by   text           NOT NULL,
  expires_at   timestamptz(3),
  revoked_at   timestamptz(3),
  replaced_by  uuid                      -- the key that a rotation made in its place
);
CREATE INDEX ingest_key_product_created_at_idx ON ingest_key (product, created_at);

-- What holds for a product; null where nothing was decided: no limit, kept as long as usual.
CREATE TABLE product_policy (
  product                         text    PRIMARY KEY,
  key_events_per_minute           integer,
  installation_events_per_minute  integer,
  self_erasure                    boolean NOT NULL DEFAULT false,
  retention_days                  integer
);

-- Events that are acknowledged and dropped: of this name, of this version of the product, or of both.
CREATE TABLE block_rule (
  block_id    uuid           PRIMARY KEY,
  product     text           NOT NULL,
  event       text,
  version     text,
  note        text,
  created_at  timestamptz(3) NOT NULL,
  created_by  text           NOT NULL,
  CHECK (event IS NOT NULL OR version IS NOT NULL)
);

-- Raised in the transaction of every change to the three tables above, which so come one after the other.
CREATE TABLE policy_revision (
  only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  revision  bigint  NOT NULL
);
INSERT INTO policy_revision (revision) VALUES (1);

ALTER TABLE ingest_tally ADD COLUMN blocked bigint NOT NULL DEFAULT 0;
CREATE OR REPLACE VIEW fleet.ingest_balance AS
SELECT product, hour,
       sum(accepted)::bigint AS accepted,
       sum(stored)::bigint AS stored,
       sum(duplicate)::bigint AS duplicate,
       sum(quarantined)::bigint AS quarantined,
       sum(suppressed)::bigint AS suppressed,
       sum(empty)::bigint AS empty,
       sum(accepted - stored - duplicate - quarantined - suppressed - empty - blocked)::bigint AS unaccounted,
       sum(blocked)::bigint AS blocked
  FROM public.ingest_tally
 GROUP BY product, hour;
COMMENT ON VIEW fleet.ingest_balance IS 'One row per product and hour of receipt: how many events were accepted and what became of them. accepted = stored + duplicate + quarantined + suppressed + empty + blocked.';
COMMENT ON COLUMN fleet.ingest_balance.suppressed IS 'Events of erased installations, and their own requests to be erased.';
COMMENT ON COLUMN fleet.ingest_balance.unaccounted IS 'accepted less the six fates: 0 when the books balance.';
COMMENT ON COLUMN fleet.ingest_balance.blocked IS 'Events that an administrator had blocked.';
