-- Opt-outs that arrived after so many later events that their transaction did not remove these: a worker removes them
-- in steps. An erasure that is limited to what was received until a time removes a row by received_at, the receive
-- time of the latest of its opt-outs.
CREATE TABLE opt_out_removal (
  installation_id  uuid           NOT NULL,
  product          text           NOT NULL,
  since            timestamptz(3) NOT NULL,  -- events from then on are judged again
  received_at      timestamptz(3) NOT NULL,
  requested_at     timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (installation_id, product)
);
CREATE INDEX opt_out_removal_requested_at_idx ON opt_out_removal (requested_at);
