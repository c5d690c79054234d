CREATE OR REPLACE VIEW fleet.resource_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       r.cpu_total, r.cpu_used, r.mem_total_mb, r.mem_used_mb, r.disk_total_mb, r.disk_used_mb,
       r.agents_active, r.agents_connected, r.task_count, r.framework_count, r.cpu_percent
  FROM public.resource_reading r JOIN public.origin l USING (origin_id);

COMMENT ON VIEW fleet.resource_readings IS 'One row per report with resource values. A value that the report does not contain is null.';
COMMENT ON COLUMN fleet.resource_readings.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.resource_readings.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.resource_readings.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.resource_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.resource_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.resource_readings.cpu_total IS 'CPUs available, in cores.';
COMMENT ON COLUMN fleet.resource_readings.cpu_used IS 'CPUs allocated, in cores.';
COMMENT ON COLUMN fleet.resource_readings.mem_total_mb IS 'Memory available, in MB.';
COMMENT ON COLUMN fleet.resource_readings.mem_used_mb IS 'Memory allocated, in MB.';
COMMENT ON COLUMN fleet.resource_readings.disk_total_mb IS 'Disk space available, in MB.';
COMMENT ON COLUMN fleet.resource_readings.disk_used_mb IS 'Disk space allocated, in MB.';
COMMENT ON COLUMN fleet.resource_readings.agents_active IS 'Active agent nodes.';
COMMENT ON COLUMN fleet.resource_readings.agents_connected IS 'Connected agent nodes.';
COMMENT ON COLUMN fleet.resource_readings.task_count IS 'Running tasks.';
COMMENT ON COLUMN fleet.resource_readings.framework_count IS 'Installed frameworks, as the agent counts them. DC/OS sends 0 for each value that its source lacks.';
COMMENT ON COLUMN fleet.resource_readings.cpu_percent IS 'Average CPU usage, in percent of the whole machine; null if the product reports cores instead.';
