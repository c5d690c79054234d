import type pg from 'pg';
import { addQuarantined, addTally } from './fates.js';
import {
  NEW_ERRORS,
  NEW_IN_NEWEST,
  OLD_ERRORS,
  OTHER_VERSIONS,
  RESOTO_CONTENTS,
} from './other-contents.js';

const NEWEST = OTHER_VERSIONS - 1;
/** New errors appear in the last six days. */
const NEW_HOURS = 6 * 24;

const versionOf = (member: string) =>
  `least(${NEWEST}, ${member} % ${OTHER_VERSIONS} + ($1::integer >= upgrades)::integer)`;
/** Whether an installation runs for the whole day from hour $1. */
const IS_ON = `$1::integer >= born AND $1::integer + 24 <= ends
  AND NOT ($1::integer >= pauses AND $1::integer < pauses + pause_hours)`;

/** One in twenty events is an error. Errors that are not new yet are replaced by older ones. */
const ERROR = `(SELECT CASE WHEN e < ${OLD_ERRORS} OR $1::integer >= $2::integer - ${NEW_HOURS} THEN e
                            WHEN e >= ${OLD_ERRORS + NEW_ERRORS} AND v < ${NEWEST} THEN e
                            ELSE e - ${OLD_ERRORS} END
                  FROM (SELECT pg_temp.number(i, $1::integer + n + 500, ${OLD_ERRORS + NEW_ERRORS + NEW_IN_NEWEST})) AS r(e))`;

/** Octopus reports its metrics once a day. Resoto reports events and occasional errors. */
const ARRIVING = `
  CREATE TEMP TABLE arriving_others AS
  SELECT 'octopus' AS product, md5('octopus installation ' || i)::uuid AS id,
         hashint8extended(i + 100000000, $1::integer) AS event_key, at, at AS observed_at, 7 AS kind, i, v,
         10000 + v AS origin_id, hashtextextended('octopus ' || i || ' ' || $1::integer, 0) AS snapshot_id, false AS opts_out
    FROM (SELECT *, ${versionOf('i / 10')} AS v,
                 to_timestamp($1::integer * 3600.0 + pg_temp.number(i, 3, 80000)) AS at
            FROM member WHERE i % 10 = 0 AND ${IS_ON}) AS octopus
   UNION ALL
  SELECT 'resoto', md5('resoto installation ' || i)::uuid,
         hashint8extended(i + 200000000, $1::integer * 100 + n), at, at, 5 + is_error::integer, i, v, 20000 + v,
         hashtextextended(CASE WHEN is_error THEN 'error ' || v || ' ' || ${ERROR}
                               ELSE 'resoto ' || v || ' ' || pg_temp.number(i, $1::integer + n, ${RESOTO_CONTENTS}) END, 0), false
    FROM (SELECT *, ${versionOf('i / 20')} AS v, pg_temp.number(i, $1::integer + n + 300, 20) = 0 AS is_error,
                 to_timestamp($1::integer * 3600.0 + pg_temp.number(i, n, 80000)) AS at
            FROM member, generate_series(1, 10) AS n WHERE i % 20 = 0 AND ${IS_ON}) AS resoto
   UNION ALL
  SELECT 'resoto', md5('resoto installation ' || i)::uuid, hashint8extended(i + 300000000, ends),
         to_timestamp(ends * 3600.0), to_timestamp(ends * 3600.0), 5, i, v, 20000 + v,
         hashtextextended('resoto ' || v || ' -1', 0), true
    FROM (SELECT *, ${versionOf('i / 20')} AS v FROM member
           WHERE i % 20 = 0 AND ends >= $1::integer AND ends < $1::integer + 24) AS leaving`;

/** Hardly any two reports of Octopus are equal. */
const METRICS = `
  INSERT INTO metric_snapshot (snapshot_id, metric_set_id, event, outcome, describes, figures, dropped)
  SELECT a.snapshot_id, s.metric_set_id, 'telemetry', '', true,
         ARRAY(SELECT least + pg_temp.number(i, rank * 100000 + lively * $1::integer / 24, below)
                 FROM unnest(s.least, s.below, s.lively) WITH ORDINALITY AS f(least, below, lively, rank)),
         s.dropped
    FROM arriving_others a JOIN octopus_set s USING (v)
   WHERE a.product = 'octopus'`;

const REPORTS = `
  INSERT INTO report (installation_id, event_key, received_at, observed_at, snapshot_id, origin_id, kind, clock)
  SELECT id, event_key, at, observed_at, snapshot_id, origin_id, kind, 0 FROM arriving_others`;

const figure = (name: string) => `s.figures[array_position(ms.metrics, '${name}')]`;
const RESOURCES = `
  INSERT INTO resource_reading (installation_id, event_key, received_at, observed_at, origin_id,
         cpu_total, cpu_percent, mem_total_mb, mem_used_mb)
  SELECT id, event_key, at, observed_at, origin_id, ${figure('cpu_count')}, ${figure('cpu')},
         ${figure('mem_total')} / 1048576,
         coalesce(${figure('memory')}, ${figure('mem_total')} - ${figure('mem_available')}) / 1048576
    FROM arriving_others JOIN metric_snapshot s USING (snapshot_id) JOIN metric_set ms USING (metric_set_id)
   WHERE s.describes`;

const CONSENTS = `
  INSERT INTO consent_event (installation_id, event_key, received_at, observed_at, product, opted_out)
  SELECT id, event_key, at, observed_at, product, true FROM arriving_others WHERE opts_out`;

/** One in 64, so that every fate occurs although there are few reports. */
const FATE_BITS = 63;

/**
 * Adds the reports of the Octopus and Resoto installations for 24 hours of a period that ends with
 * hour `end`.
 */
export async function addOtherDay(client: pg.ClientBase, start: number, end: number) {
  await client.query('DROP TABLE IF EXISTS arriving_others');
  await client.query(ARRIVING, [start, end]);
  await client.query(METRICS, [start]);
  for (const statement of [REPORTS, RESOURCES, CONSENTS]) await client.query(statement);
  await addQuarantined(client, 'arriving_others', FATE_BITS);
  await addTally(client, 'arriving_others', FATE_BITS);
}
