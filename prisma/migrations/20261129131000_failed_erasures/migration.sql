-- An erasure that keeps failing for a reason of its own is failed. Outages of a dependency are not counted.
ALTER TABLE erasure ADD COLUMN own_failures integer NOT NULL DEFAULT 0;
