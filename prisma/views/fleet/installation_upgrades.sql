CREATE OR REPLACE VIEW fleet.installation_upgrades AS
SELECT u.installation_id, u.product, u.day, f.version AS from_version, t.version AS to_version,
       u.previous_day, u.next_day
  FROM public.installation_upgrade u
  JOIN public.origin f ON f.origin_id = u.from_origin_id
  JOIN public.origin t ON t.origin_id = u.to_origin_id;

COMMENT ON VIEW fleet.installation_upgrades IS 'One row per installation and day on which its version differs from the last day before: upgrades and downgrades. Days without a reported version are ignored.';
COMMENT ON COLUMN fleet.installation_upgrades.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_upgrades.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.installation_upgrades.day IS 'The first day (UTC) that ended with the new version.';
COMMENT ON COLUMN fleet.installation_upgrades.from_version IS 'The product version on the last day before that has one.';
COMMENT ON COLUMN fleet.installation_upgrades.to_version IS 'The product version on this day, from its last report.';
COMMENT ON COLUMN fleet.installation_upgrades.previous_day IS 'The last day before it that has a version.';
COMMENT ON COLUMN fleet.installation_upgrades.next_day IS 'The first day after it that has a version; null if there is no such day yet.';
