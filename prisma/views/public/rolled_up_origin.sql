-- Report sources that rollups refer to. Maintenance keeps them even if no report refers to them any more.
CREATE OR REPLACE VIEW public.rolled_up_origin AS
SELECT o.origin_id FROM public.installation_day_events e CROSS JOIN LATERAL unnest(e.origins) AS o(origin_id);
