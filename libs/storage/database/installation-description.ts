import { reportKinds } from '#telemetry';

/** Kinds whose every report describes its installation. For metrics, the snapshot decides. */
const DESCRIBING = [reportKinds.health, reportKinds.mesos_track, reportKinds.package_list];

/** What an installation `i` is described by: the latest of its reports that describe it. */
export const DESCRIPTION_OF_INSTALLATION = `
         (SELECT r.observed_at, r.event_key, r.origin_id
            FROM report r JOIN origin o USING (origin_id)
           WHERE r.installation_id = i.installation_id AND o.product = i.product
            AND (r.kind IN (${DESCRIBING.join()}) OR EXISTS (
                SELECT FROM metric_snapshot m WHERE m.snapshot_id = r.snapshot_id AND m.describes))
           ORDER BY r.observed_at DESC, r.event_key DESC LIMIT 1)`;
