-- An erasure that was interrupted continues with the first step that is not done.
ALTER TABLE erasure ADD COLUMN steps_done text[] NOT NULL DEFAULT '{}';
