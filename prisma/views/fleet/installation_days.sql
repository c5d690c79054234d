-- A left join, so that the planner omits it from queries that do not need the origin.
CREATE OR REPLACE VIEW fleet.installation_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version, nullif(o.variant, '') AS variant,
       nullif(o.provider, '') AS provider, nullif(o.platform, '') AS platform,
       d.reports, bit_count(d.hours::bit(24))::int AS reporting_hours,
       d.day::timestamp AT TIME ZONE 'UTC' + d.first_ms * interval '1 millisecond' AS first_observed_at,
       d.day::timestamp AT TIME ZONE 'UTC' + d.last_ms * interval '1 millisecond' AS last_observed_at,
       d.cpu_total, d.cpu_used, d.cpu_percent, d.mem_total_mb, d.mem_used_mb, d.disk_total_mb, d.disk_used_mb,
       d.agents_active, d.agents_connected, d.task_count, d.framework_count,
       coalesce(d.ui_users, 0) AS ui_users, coalesce(d.ui_logins, 0) AS ui_logins,
       coalesce(d.ui_logouts, 0) AS ui_logouts, coalesce(d.ui_page_views, 0) AS ui_page_views,
       d.origins AS descriptions
  FROM public.installation_day d LEFT JOIN public.origin o USING (origin_id);

COMMENT ON VIEW fleet.installation_days IS 'One row per installation, product and day on which it sent something. Kept longer than the reports.';
COMMENT ON COLUMN fleet.installation_days.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_days.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.installation_days.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.installation_days.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.installation_days.variant IS 'The variant of the product in the last report of the day; null if not reported.';
COMMENT ON COLUMN fleet.installation_days.provider IS 'Where it runs, by the last report of the day; null if not reported.';
COMMENT ON COLUMN fleet.installation_days.platform IS 'The platform in the last report of the day; null if not reported.';
COMMENT ON COLUMN fleet.installation_days.reports IS 'Stored reports and events.';
COMMENT ON COLUMN fleet.installation_days.reporting_hours IS 'In how many of the 24 hours it sent something. Several masters that report in the same hour count once.';
COMMENT ON COLUMN fleet.installation_days.first_observed_at IS 'The first observation of the day.';
COMMENT ON COLUMN fleet.installation_days.last_observed_at IS 'The last observation of the day.';
COMMENT ON COLUMN fleet.installation_days.cpu_total IS 'CPUs available, in cores. This and the other resource values are from the day''s last report that has any; null if a value is missing in it.';
COMMENT ON COLUMN fleet.installation_days.cpu_used IS 'CPUs allocated, in cores.';
COMMENT ON COLUMN fleet.installation_days.cpu_percent IS 'Average CPU usage, in percent of the whole machine; null if the product reports cores instead.';
COMMENT ON COLUMN fleet.installation_days.mem_total_mb IS 'Memory available, in MB.';
COMMENT ON COLUMN fleet.installation_days.mem_used_mb IS 'Memory allocated, in MB.';
COMMENT ON COLUMN fleet.installation_days.disk_total_mb IS 'Disk space available, in MB.';
COMMENT ON COLUMN fleet.installation_days.disk_used_mb IS 'Disk space allocated, in MB.';
COMMENT ON COLUMN fleet.installation_days.agents_active IS 'Active agent nodes.';
COMMENT ON COLUMN fleet.installation_days.agents_connected IS 'Connected agent nodes.';
COMMENT ON COLUMN fleet.installation_days.task_count IS 'Running tasks.';
COMMENT ON COLUMN fleet.installation_days.framework_count IS 'Installed frameworks, as the agent counts them.';
COMMENT ON COLUMN fleet.installation_days.ui_users IS 'Different users of its web UI.';
COMMENT ON COLUMN fleet.installation_days.ui_logins IS 'Logins to its web UI.';
COMMENT ON COLUMN fleet.installation_days.ui_logouts IS 'Logouts from its web UI.';
COMMENT ON COLUMN fleet.installation_days.ui_page_views IS 'Page views of its web UI; one that a browser sends again within two seconds counts once.';
COMMENT ON COLUMN fleet.installation_days.descriptions IS 'How many different descriptions (version, variant, provider, platform and source together) the day''s reports contain, except those of a web UI: 2 on the day of an upgrade; more than 1 on many days if two installations share a GUID. Null on days that were aggregated before this was counted and whose reports are gone.';
