-- Many erasures at once: who is suppressed is written down with the request, and workers take groups.

-- False where only an erasure that is under way asks for it.
ALTER TABLE suppression ADD COLUMN is_lasting boolean NOT NULL DEFAULT true;
UPDATE suppression s SET is_lasting = false
  FROM erasure_subject u JOIN erasure e USING (erasure_id)
 WHERE u.installation_hash = s.installation_hash AND e.mode = 'erase'
   AND e.state NOT IN ('complete', 'failed') AND s.suppressed_at >= e.requested_at;

-- Requests from before, which nobody has begun.
INSERT INTO suppression
SELECT u.installation_hash, min(e.requested_at), bool_or(e.mode <> 'erase')
  FROM erasure_subject u JOIN erasure e USING (erasure_id)
 WHERE e.mode <> 'lift' AND e.state NOT IN ('complete', 'failed')
 GROUP BY 1
    ON CONFLICT DO NOTHING;

-- Whose claim it is: a worker that was taken for dead does nothing more to it.
ALTER TABLE erasure ADD COLUMN claimed_by uuid;
CREATE INDEX erasure_state_requested_at_idx ON erasure (state, requested_at);
