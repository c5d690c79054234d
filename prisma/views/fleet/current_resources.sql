CREATE OR REPLACE VIEW fleet.current_resources AS
SELECT DISTINCT ON (installation_id, product)
       installation_id, product, nullif(version, '') AS product_version, observed_at, received_at,
       cpu_total, cpu_used, mem_total_mb, mem_used_mb, disk_total_mb, disk_used_mb,
       agents_active, agents_connected, task_count, framework_count, cpu_percent
  FROM (SELECT r.*, o.product, o.version
          FROM public.installation_latest l
          JOIN public.resource_reading r USING (installation_id, event_key, received_at)
          JOIN public.origin o ON o.origin_id = r.origin_id
         WHERE l.kind = 0
           AND NOT EXISTS (SELECT FROM public.changed_days() AS c(day) WHERE c.day = (l.observed_at AT TIME ZONE 'UTC')::date)
         UNION ALL
        SELECT r.*, o.product, o.version
          FROM public.changed_days() AS c(day)
          JOIN public.resource_reading r ON r.observed_at >= c.day::timestamp AT TIME ZONE 'UTC'
                                        AND r.observed_at < (c.day + 1)::timestamp AT TIME ZONE 'UTC'
          JOIN public.origin o ON o.origin_id = r.origin_id) r
 ORDER BY installation_id, product, observed_at DESC, event_key DESC;

COMMENT ON VIEW fleet.current_resources IS 'One row per installation: the resource values of its latest report that has any.';
COMMENT ON COLUMN fleet.current_resources.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.current_resources.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.current_resources.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.current_resources.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_resources.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_resources.cpu_total IS 'CPUs available, in cores.';
COMMENT ON COLUMN fleet.current_resources.cpu_used IS 'CPUs allocated, in cores.';
COMMENT ON COLUMN fleet.current_resources.mem_total_mb IS 'Memory available, in MB.';
COMMENT ON COLUMN fleet.current_resources.mem_used_mb IS 'Memory allocated, in MB.';
COMMENT ON COLUMN fleet.current_resources.disk_total_mb IS 'Disk space available, in MB.';
COMMENT ON COLUMN fleet.current_resources.disk_used_mb IS 'Disk space allocated, in MB.';
COMMENT ON COLUMN fleet.current_resources.agents_active IS 'Active agent nodes.';
COMMENT ON COLUMN fleet.current_resources.agents_connected IS 'Connected agent nodes.';
COMMENT ON COLUMN fleet.current_resources.task_count IS 'Running tasks.';
COMMENT ON COLUMN fleet.current_resources.framework_count IS 'Installed frameworks, as the agent counts them. DC/OS sends 0 for each value that its source lacks.';
COMMENT ON COLUMN fleet.current_resources.cpu_percent IS 'Average CPU usage, in percent of the whole machine; null if the product reports cores instead.';
