-- What analysts see: the schema fleet, and nothing else. The views run with their owner's rights.

CREATE SCHEMA fleet;
COMMENT ON SCHEMA fleet IS 'The fleet as its installations report it. Every view and column has a comment.';

CREATE VIEW fleet.installations AS
SELECT i.installation_id, i.product, nullif(o.version, '') AS version, nullif(o.variant, '') AS variant,
       nullif(o.provider, '') AS provider, nullif(o.platform, '') AS platform, nullif(o.source, '') AS source,
       i.customer_key, i.license_id, i.first_seen_at, i.last_seen_at
  FROM public.installation i LEFT JOIN public.origin o USING (origin_id);
COMMENT ON VIEW fleet.installations IS 'One row per installation and product: what is known of it.';
COMMENT ON COLUMN fleet.installations.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.installations.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.installations.version IS 'The version that its latest report named; null where it has only been seen by events of a UI.';
COMMENT ON COLUMN fleet.installations.variant IS 'The variant of the product; for DC/OS open or enterprise.';
COMMENT ON COLUMN fleet.installations.provider IS 'Where it runs, by its own account; for DC/OS aws, azure, on-prem, …';
COMMENT ON COLUMN fleet.installations.platform IS 'The platform, as newer DC/OS versions report it; null before.';
COMMENT ON COLUMN fleet.installations.source IS 'What kind of sender reports; for DC/OS the constant cluster.';
COMMENT ON COLUMN fleet.installations.customer_key IS 'The customer key of an enterprise installation; null where it has none.';
COMMENT ON COLUMN fleet.installations.license_id IS 'The licence of an enterprise installation; null where it has none.';
COMMENT ON COLUMN fleet.installations.first_seen_at IS 'The earliest observation of any of its events, duplicates left out.';
COMMENT ON COLUMN fleet.installations.last_seen_at IS 'The latest observation of any of its events, duplicates left out.';

CREATE VIEW fleet.reports AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui'])[r.kind] AS kind,
       (ARRAY['agent', 'corrected', 'received'])[r.clock + 1] AS clock
  FROM public.report r JOIN public.origin l USING (origin_id);
COMMENT ON VIEW fleet.reports IS 'One row per stored event: which kind of report, when, from which version.';
COMMENT ON COLUMN fleet.reports.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.reports.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.reports.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.reports.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.reports.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.reports.kind IS 'The kind of report: health, mesos_track, package_list or ui.';
COMMENT ON COLUMN fleet.reports.clock IS 'Where observed_at comes from: agent (its own clock), corrected (its clock was off and sentAt told by how much), received (it gave no time, or an unbelievable one: more than a day ahead or older than the retention).';

CREATE VIEW fleet.health_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       u.unit, nullif(u.unit_type, '') AS unit_type, u.total, u.unhealthy
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.health_snapshot s USING (snapshot_id)
  JOIN public.unit_set us USING (unit_set_id)
 CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy)
       AS u(unit, unit_type, total, unhealthy)
 WHERE r.kind = 1;
COMMENT ON VIEW fleet.health_readings IS 'One row per unit in a health report.';
COMMENT ON COLUMN fleet.health_readings.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.health_readings.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.health_readings.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.health_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.health_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.health_readings.unit IS 'The systemd unit, its dots as dashes: dcos-signal-timer.';
COMMENT ON COLUMN fleet.health_readings.unit_type IS 'The systemd type of the unit (service, timer, socket, …); null where its name ends in none.';
COMMENT ON COLUMN fleet.health_readings.total IS 'Nodes that the unit runs on.';
COMMENT ON COLUMN fleet.health_readings.unhealthy IS 'Nodes on which it is unhealthy. DC/OS 1.8 and 1.10 count every unit of a node with one sick unit: do not compare across versions.';

CREATE VIEW fleet.current_health AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       u.unit, nullif(u.unit_type, '') AS unit_type, u.total, u.unhealthy
  FROM (SELECT DISTINCT ON (r.installation_id, l.product)
               r.installation_id, l.product, l.version, r.observed_at, r.received_at, r.snapshot_id
          FROM public.report r JOIN public.origin l USING (origin_id)
         WHERE r.kind = 1
         ORDER BY r.installation_id, l.product, r.observed_at DESC, r.event_key DESC) r
  JOIN public.health_snapshot s USING (snapshot_id)
  JOIN public.unit_set us USING (unit_set_id)
 CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy)
       AS u(unit, unit_type, total, unhealthy);
COMMENT ON VIEW fleet.current_health IS 'One row per unit in the latest health report of each installation.';
COMMENT ON COLUMN fleet.current_health.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.current_health.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.current_health.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.current_health.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_health.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_health.unit IS 'The systemd unit, its dots as dashes: dcos-signal-timer.';
COMMENT ON COLUMN fleet.current_health.unit_type IS 'The systemd type of the unit (service, timer, socket, …); null where its name ends in none.';
COMMENT ON COLUMN fleet.current_health.total IS 'Nodes that the unit runs on.';
COMMENT ON COLUMN fleet.current_health.unhealthy IS 'Nodes on which it is unhealthy. DC/OS 1.8 and 1.10 count every unit of a node with one sick unit: do not compare across versions.';

CREATE VIEW fleet.resource_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       cpu_total, cpu_used, mem_total_mb, mem_used_mb,
       disk_total_mb, disk_used_mb, agents_active, agents_connected, task_count, framework_count
  FROM public.resource_reading r JOIN public.origin l USING (origin_id);
COMMENT ON VIEW fleet.resource_readings IS 'One row per report with resource figures. A figure that the report did not give is null.';
COMMENT ON COLUMN fleet.resource_readings.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.resource_readings.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.resource_readings.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.resource_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
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
COMMENT ON COLUMN fleet.resource_readings.framework_count IS 'Installed frameworks, as the agent counts them. DC/OS sends 0 for any figure that its source lacked.';

CREATE VIEW fleet.current_resources AS
SELECT DISTINCT ON (r.installation_id, l.product)
       r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       cpu_total, cpu_used, mem_total_mb, mem_used_mb,
       disk_total_mb, disk_used_mb, agents_active, agents_connected, task_count, framework_count
  FROM public.resource_reading r JOIN public.origin l USING (origin_id)
 ORDER BY r.installation_id, l.product, r.observed_at DESC, r.event_key DESC;
COMMENT ON VIEW fleet.current_resources IS 'One row per installation: the figures of its latest report that has some.';
COMMENT ON COLUMN fleet.current_resources.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.current_resources.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.current_resources.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.current_resources.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
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
COMMENT ON COLUMN fleet.current_resources.framework_count IS 'Installed frameworks, as the agent counts them. DC/OS sends 0 for any figure that its source lacked.';

CREATE VIEW fleet.package_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       p.package, nullif(p.version, '') AS version, p.instances
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.package_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.packages, s.versions, s.instances) AS p(package, version, instances)
 WHERE r.kind = 3;
COMMENT ON VIEW fleet.package_readings IS 'One row per package in a report.';
COMMENT ON COLUMN fleet.package_readings.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.package_readings.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.package_readings.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.package_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.package_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.package_readings.package IS 'The name of the package. DC/OS 1.8 gave only app ids: there it is the app id, where it has the form of a name.';
COMMENT ON COLUMN fleet.package_readings.version IS 'The version of the package; null where the agent named none.';
COMMENT ON COLUMN fleet.package_readings.instances IS 'How many times the report lists it.';

CREATE VIEW fleet.current_packages AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       p.package, nullif(p.version, '') AS version, p.instances
  FROM (SELECT DISTINCT ON (r.installation_id, l.product)
               r.installation_id, l.product, l.version, r.observed_at, r.received_at, r.snapshot_id
          FROM public.report r JOIN public.origin l USING (origin_id)
         WHERE r.kind = 3
         ORDER BY r.installation_id, l.product, r.observed_at DESC, r.event_key DESC) r
  JOIN public.package_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.packages, s.versions, s.instances) AS p(package, version, instances);
COMMENT ON VIEW fleet.current_packages IS 'One row per package in the latest package report of each installation.';
COMMENT ON COLUMN fleet.current_packages.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.current_packages.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.current_packages.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.current_packages.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_packages.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_packages.package IS 'The name of the package. DC/OS 1.8 gave only app ids: there it is the app id, where it has the form of a name.';
COMMENT ON COLUMN fleet.current_packages.version IS 'The version of the package; null where the agent named none.';
COMMENT ON COLUMN fleet.current_packages.instances IS 'How many times the report lists it.';

CREATE VIEW fleet.framework_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       f.framework, f.instances
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.framework_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.frameworks, s.instances) AS f(framework, instances)
 WHERE r.kind = 2;
COMMENT ON VIEW fleet.framework_readings IS 'One row per framework in a report.';
COMMENT ON COLUMN fleet.framework_readings.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.framework_readings.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.framework_readings.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.framework_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.framework_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.framework_readings.framework IS 'The name of the framework, as it registered with Mesos.';
COMMENT ON COLUMN fleet.framework_readings.instances IS 'How many times the report lists it.';

CREATE VIEW fleet.current_frameworks AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       f.framework, f.instances
  FROM (SELECT DISTINCT ON (r.installation_id, l.product)
               r.installation_id, l.product, l.version, r.observed_at, r.received_at, r.snapshot_id
          FROM public.report r JOIN public.origin l USING (origin_id)
         WHERE r.kind = 2
         ORDER BY r.installation_id, l.product, r.observed_at DESC, r.event_key DESC) r
  JOIN public.framework_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.frameworks, s.instances) AS f(framework, instances);
COMMENT ON VIEW fleet.current_frameworks IS 'One row per framework in the latest Mesos report of each installation.';
COMMENT ON COLUMN fleet.current_frameworks.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.current_frameworks.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.current_frameworks.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.current_frameworks.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_frameworks.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_frameworks.framework IS 'The name of the framework, as it registered with Mesos.';
COMMENT ON COLUMN fleet.current_frameworks.instances IS 'How many times the report lists it.';

CREATE VIEW fleet.ui_events AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       s.action AS event, nullif(s.path, '') AS path, nullif(s.app_version, '') AS app_version
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.ui_snapshot s USING (snapshot_id)
 WHERE r.kind = 4;
COMMENT ON VIEW fleet.ui_events IS 'One row per event of a web UI. Who it was is not stored.';
COMMENT ON COLUMN fleet.ui_events.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.ui_events.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.ui_events.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.ui_events.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.ui_events.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.ui_events.event IS 'What happened: page_view, login, logout or identify.';
COMMENT ON COLUMN fleet.ui_events.path IS 'The path of the page, without query; null where there is none.';
COMMENT ON COLUMN fleet.ui_events.app_version IS 'The version of the UI itself; null where it named none.';

CREATE VIEW fleet.defects AS
SELECT d.installation_id, l.product, nullif(l.version, '') AS product_version, d.observed_at, d.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui'])[d.kind] AS kind, d.path, d.reason
  FROM public.defect d JOIN public.origin l USING (origin_id);
COMMENT ON VIEW fleet.defects IS 'One row per reading that was left out of a stored event. The event itself is kept to be read again.';
COMMENT ON COLUMN fleet.defects.installation_id IS 'The GUID of the installation (for DC/OS: the cluster id).';
COMMENT ON COLUMN fleet.defects.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.defects.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.defects.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.defects.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.defects.kind IS 'The kind of report it was left out of.';
COMMENT ON COLUMN fleet.defects.path IS 'Where in the event''s properties it stands.';
COMMENT ON COLUMN fleet.defects.reason IS 'Why: not_a_number, negative, fractional, out_of_range, without_partner, unhealthy_exceeds_total, not_text, malformed, too_long, not_a_list, not_an_object, not_a_package_name, not_a_timestamp or too_many_defects.';

CREATE VIEW fleet.quarantined_events AS
SELECT installation_id, product, received_at, event, reason, path, NULL::text[] AS keys, 1::bigint AS event_count
  FROM public.quarantined_event
 UNION ALL
SELECT NULL, product, hour, NULL, reason, path, keys, event_count
  FROM public.unidentified_event;
COMMENT ON VIEW fleet.quarantined_events IS 'Events that were kept aside: one row per event of a known installation, and one per hour, reason and set of keys for events without one.';
COMMENT ON COLUMN fleet.quarantined_events.installation_id IS 'The installation; null where the event names none, or none that is a GUID.';
COMMENT ON COLUMN fleet.quarantined_events.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.quarantined_events.received_at IS 'When it was received; for events without an installation the beginning of the hour.';
COMMENT ON COLUMN fleet.quarantined_events.event IS 'The name of the event; null for events without an installation.';
COMMENT ON COLUMN fleet.quarantined_events.reason IS 'Why: installation_id_missing, installation_id_invalid, not_an_event, event_too_large, unknown_event, nothing_usable, normaliser_failed or refused_by_store.';
COMMENT ON COLUMN fleet.quarantined_events.path IS 'Where in the event the reason lies.';
COMMENT ON COLUMN fleet.quarantined_events.keys IS 'The names of the event''s properties; only for events without an installation.';
COMMENT ON COLUMN fleet.quarantined_events.event_count IS 'How many events the row stands for.';

CREATE VIEW fleet.ingest_balance AS
SELECT product, hour,
       sum(accepted)::bigint AS accepted,
       sum(stored)::bigint AS stored,
       sum(duplicate)::bigint AS duplicate,
       sum(quarantined)::bigint AS quarantined,
       sum(suppressed)::bigint AS suppressed,
       sum(empty)::bigint AS empty,
       sum(accepted - stored - duplicate - quarantined - suppressed - empty)::bigint AS unaccounted
  FROM public.ingest_tally
 GROUP BY product, hour;
COMMENT ON VIEW fleet.ingest_balance IS 'One row per product and hour of receipt: how many events were accepted and what became of them. accepted = stored + duplicate + quarantined + suppressed + empty.';
COMMENT ON COLUMN fleet.ingest_balance.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.ingest_balance.hour IS 'The hour of receipt.';
COMMENT ON COLUMN fleet.ingest_balance.accepted IS 'Events that were accepted, as ingest counted them.';
COMMENT ON COLUMN fleet.ingest_balance.stored IS 'Events whose rows are stored.';
COMMENT ON COLUMN fleet.ingest_balance.duplicate IS 'Repetitions of an event within 30 days.';
COMMENT ON COLUMN fleet.ingest_balance.quarantined IS 'Events kept aside; see fleet.quarantined_events.';
COMMENT ON COLUMN fleet.ingest_balance.suppressed IS 'Events of erased installations.';
COMMENT ON COLUMN fleet.ingest_balance.empty IS 'Requests without an event.';
COMMENT ON COLUMN fleet.ingest_balance.unaccounted IS 'accepted less the five fates: 0 when the books balance.';
