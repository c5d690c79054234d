-- Some versions of the DC/OS UI send each page view twice. A view of the same page by the same browser within two
-- seconds counts as a repetition, which does not depend on the order of arrival.
CREATE OR REPLACE VIEW fleet.ui_events AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       s.action AS event, nullif(s.path, '') AS path, nullif(s.app_version, '') AS app_version, r.user_key
  FROM public.ui_reading r
  JOIN public.origin l USING (origin_id)
  JOIN public.ui_snapshot s USING (snapshot_id)
 WHERE NOT EXISTS (
       SELECT FROM public.ui_reading e
        WHERE s.action = 'page_view'
          AND e.installation_id = r.installation_id AND e.visitor_key = r.visitor_key
          AND e.snapshot_id = r.snapshot_id
          AND e.observed_at BETWEEN r.observed_at - interval '2 seconds' AND r.observed_at
          AND (e.observed_at, e.event_key) < (r.observed_at, r.event_key));

COMMENT ON VIEW fleet.ui_events IS 'One row per event of a web UI. A page view that a browser sends again within two seconds is shown once.';
COMMENT ON COLUMN fleet.ui_events.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.ui_events.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.ui_events.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.ui_events.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.ui_events.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.ui_events.event IS 'What happened: page_view, login, logout or identify.';
COMMENT ON COLUMN fleet.ui_events.path IS 'The page''s path, without the query; a part that is not a word of the UI''s own routes is [id]. Null if not reported.';
COMMENT ON COLUMN fleet.ui_events.app_version IS 'The UI''s own version; null if not reported.';
COMMENT ON COLUMN fleet.ui_events.user_key IS 'The logged-in user, as a keyed hash that cannot be linked across installations: count(DISTINCT (installation_id, user_key)) counts users. Null if no user was logged in.';
