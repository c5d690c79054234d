-- Replays and discards are claimed as erasures and purges are: by a token that a worker presumed dead loses.
ALTER TABLE quarantine_job ADD COLUMN claimed_by uuid;
