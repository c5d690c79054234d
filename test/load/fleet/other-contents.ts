/** The content that Octopus and Resoto installations report: declared metrics, and errors. */
import { catalogueOf, ownDeclarations } from '#telemetry';
import { quoted } from './names.js';

/** Number of versions of Octopus, and of Resoto. */
export const OTHER_VERSIONS = 4;
const NEWEST = OTHER_VERSIONS - 1;

const ORIGINS = `
  INSERT INTO origin (origin_id, product, version, variant, provider, platform, source)
  SELECT 10000 + v, 'octopus', '2026.' || v + 1 || '.1', '', '', '', '' FROM generate_series(0, ${NEWEST}) AS v
   UNION ALL
  SELECT 20000 + v, 'resoto', '4.' || v || '.0', '', '', 'Linux', 'resotocore' FROM generate_series(0, ${NEWEST}) AS v`;

/** Dimensions of the metrics with several values. */
const DIMENSIONS: Readonly<Record<string, readonly string[]>> = {
  deployment_targets: [
    ...['listening_tentacle', 'polling_tentacle', 'offline_drop', 'azure_web_app'],
    ...['azure_cloud_service', 'kubernetes', 'ssh'],
  ],
  deployment_steps: [
    ...['script', 'package', 'iis', 'manual', 'email', 'terraform', 'helm', 'docker', 'health'],
  ],
  community_steps: ['slack', 'http', 'file', 'sql', '*'],
  server_os: ['windows', 'linux'],
  target_os: ['windows', 'linux', 'macos'],
  issue_trackers: ['jira', 'github', 'azure'],
  step_options: ['rolling', 'retry', 'timeout', 'container', 'condition', 'notes'],
  database_calls: ['read/ok', 'read/timeout', 'write/ok', 'write/timeout', 'write/deadlock'],
  api_calls: ['get/ok', 'get/error', 'post/ok', 'post/error', 'put/ok', 'delete/ok'],
  internal_events: [
    ...['deprecated/script', 'deprecated/api', 'deprecated/variables', 'error/timeout'],
    ...['error/database', 'error/network'],
  ],
  structured_variable_files: ['json', 'yaml', 'xml', 'properties'],
  target_architecture: ['x64', 'arm64', 'x86'],
  database_call_duration: ['read/ok', 'read/timeout', 'write/ok', 'write/timeout'],
  api_call_duration: ['get/ok', 'get/error', 'post/ok', 'post/error', 'put/ok', 'delete/ok'],
};
/** The first version with a metric. */
const SINCE: Readonly<Record<string, number>> = {
  version_controlled_projects: NEWEST,
  'internal_events deprecated/variables': 2,
};
const RANGES: Readonly<Record<string, [least: number, below: number]>> = {
  flag: [0, 2],
  date: [1_780_000_000, 40_000_000],
  duration: [600, 30 * 86_400],
  bytes: [500_000_000, 2_000_000_000],
  ratio: [1, 80],
};
/** Metrics that change every day. The others stay constant for an installation. */
const LIVELY = /^(cpu|memory|last_metadata_event|.*_90_days|.*_calls?(_duration)?)$/;

const METRIC_ROWS = catalogueOf(ownDeclarations)
  .filter(({ product, store }) => product === 'octopus' && store === 'metrics')
  .flatMap(({ metric, kind }) =>
    (DIMENSIONS[metric] ?? ['']).map((dimension) => {
      const [least, below] = RANGES[kind] ?? [0, 400];
      const since = SINCE[metric] ?? SINCE[`${metric} ${dimension}`] ?? 0;
      return `('${metric}', '${dimension}', ${least}, ${below}, ${LIVELY.test(metric)}, ${since})`;
    }),
  );

/** The metrics of each version and the ranges of their values, in storage order. */
const OCTOPUS_SETS = `
  CREATE TEMP TABLE octopus_set AS
  SELECT v, md5('octopus metrics ' || v)::uuid AS metric_set_id, array_agg(metric ORDER BY rank) AS metrics,
         array_agg(dimension ORDER BY rank) AS dimensions, array_agg(least::double precision ORDER BY rank) AS least,
         array_agg(below ORDER BY rank) AS below, array_agg(is_lively::integer ORDER BY rank) AS lively,
         CASE v WHEN ${NEWEST} THEN '{cloud_region,database_edition}' ELSE '{database_edition}' END::text[] AS dropped
    FROM (SELECT *, row_number() OVER (ORDER BY metric COLLATE "C", dimension COLLATE "C") AS rank
            FROM (VALUES ${METRIC_ROWS.join()}) AS m(metric, dimension, least, below, is_lively, since)) m
    JOIN generate_series(0, ${NEWEST}) AS v ON v >= since
   GROUP BY v`;

type Figure = [metric: string, dimension: string, least: number, below: number, since?: number];
type Event = [event: string, outcome: string, figures: readonly Figure[]];

const COMMANDS = [
  ...['search', 'count', 'list', 'aggregate', 'ancestors', 'format', 'head', 'jq', 'tag', 'set'],
];

/** Values with the same range are equal within an event. */
const EVENTS: readonly Event[] = [
  ...COMMANDS.map((command): Event => [
    'cli.command',
    '',
    [
      ['commands', '', 1, 5],
      ['command_lines', '', 1, 1],
      ['command_names', command, 1, 5],
    ],
  ]),
  [
    'system.started',
    '',
    [
      ['instances_started', '', 1, 1],
      ['inside_docker', '', 0, 2],
      ['cpu_count', '', 2, 30],
      ['mem_total', '', 8_000_000_000, 60_000_000],
      ['mem_available', '', 2_000_000_000, 50_000_000],
    ],
  ],
  [
    'system.stopped',
    '',
    [
      ['instances_stopped', '', 1, 1],
      ['duration_s', '', 5, 3500],
    ],
  ],
  [
    'system.stopped',
    '',
    [
      ['instances_stopped', '', 1, 1],
      ['instances_long_running', '', 1, 1],
      ['duration_s', '', 3601, 900_000],
    ],
  ],
  ...['schedule_trigger', 'manual'].map((reason): Event => [
    'task-handler.task-started',
    '',
    [
      ['jobs_started', '', 1, 1],
      ['reason', reason, 1, 1],
      ['kind', 'Workflow', 1, 1],
    ],
  ]),
  ...['succeeded', 'succeeded', 'failed'].map((outcome): Event => [
    'task-handler.task-completed',
    outcome,
    [
      ['jobs_completed', outcome, 1, 1],
      ['duration_s', '', 2, 4000],
      ['step_count', '', 1, 12],
      ['kind', 'Workflow', 1, 1],
    ],
  ]),
  [
    'graphdb.graph-merged',
    '',
    [
      ['providers', 'aws', 1, 3],
      ['nodes', '', 10, 90_000],
      ['edges', '', 20, 200_000],
      ['nodes_created', '', 0, 900],
      ['edges_deleted', '', 0, 800, NEWEST],
    ],
  ],
  ['model.info', '', [['model_count', '', 500, 400]]],
];

/** The events of a version. Each has twenty different values. */
export const RESOTO_CONTENTS = EVENTS.length * 20;

const EVENT_ROWS = EVENTS.flatMap(([event, outcome, figures], e) =>
  figures.map(
    ([metric, dimension, least, below, since = 0]) =>
      `(${e}, '${event}', '${outcome}', '${metric}', '${dimension}', ${least}, ${below}, ${since})`,
  ),
);

const RESOTO_SETS = `
  CREATE TEMP TABLE resoto_content AS
  SELECT v, n, event, outcome, array_agg(metric ORDER BY metric COLLATE "C", dimension COLLATE "C") AS metrics,
         array_agg(dimension ORDER BY metric COLLATE "C", dimension COLLATE "C") AS dimensions,
         array_agg((least + pg_temp.number(n, below, below))::double precision
                   ORDER BY metric COLLATE "C", dimension COLLATE "C") AS figures
    FROM (VALUES ${EVENT_ROWS.join()}) AS f(e, event, outcome, metric, dimension, least, below, since)
    JOIN generate_series(0, ${NEWEST}) AS v ON v >= since
    JOIN generate_series(0, ${RESOTO_CONTENTS - 1}) AS n ON n % ${EVENTS.length} = e
   GROUP BY v, n, event, outcome
   UNION ALL
  SELECT v, -1, 'usage-metrics.turned-off', '', '{opt_outs}', '{""}', '{1}' FROM generate_series(0, ${NEWEST}) AS v`;

const METRIC_SETS = `
  INSERT INTO metric_set
  SELECT metric_set_id, metrics, dimensions FROM octopus_set
   UNION
  SELECT md5(metrics::text || dimensions::text)::uuid, metrics, dimensions FROM resoto_content`;

const USAGE = `
  INSERT INTO metric_snapshot (snapshot_id, metric_set_id, event, outcome, describes, figures, dropped)
  SELECT hashtextextended('resoto ' || v || ' ' || n, 0), md5(metrics::text || dimensions::text)::uuid, event, outcome,
         event = 'system.started', figures,
         CASE WHEN event = 'cli.command' AND v = ${NEWEST} THEN '{arguments,shell}'
              WHEN event = 'cli.command' THEN '{arguments}' ELSE '{}' END::text[]
    FROM resoto_content`;

/** Some appear in the last days, and some of these only in the newest version. */
export const OLD_ERRORS = 60;
export const NEW_ERRORS = 4;
export const NEW_IN_NEWEST = 4;

const ERRORS = `
  INSERT INTO error_snapshot (snapshot_id, event, error_kind, fingerprint, message, occurrences, dropped)
  SELECT hashtextextended('error ' || v || ' ' || n, 0),
         (ARRAY['error.server', 'error.client', 'error.action'])[n % 3 + 1],
         (ARRAY[${quoted(['KeyError', 'TimeoutError', 'OSError', 'ValueError', 'ClientError'])}])[n % 5 + 1],
         left(md5('fingerprint ' || n), 16),
         (ARRAY[${quoted(['read', 'write', 'merge', 'collect', 'delete', 'parse', 'send', 'find', 'lock'])}])[n % 9 + 1]
         || ' the '
         || (ARRAY[${quoted(['graph', 'model', 'account', 'node', 'edge', 'config', 'token', 'queue'])}])[n % 8 + 1],
         1, CASE v WHEN ${NEWEST} THEN '{request,stack}' ELSE '{stack}' END::text[]
    FROM generate_series(0, ${NEWEST}) AS v,
         generate_series(0, ${OLD_ERRORS + NEW_ERRORS + NEW_IN_NEWEST - 1}) AS n`;

/** Statements to run in this order on one connection, after those of DC/OS. */
export const OTHER_CONTENTS = [ORIGINS, OCTOPUS_SETS, RESOTO_SETS, METRIC_SETS, USAGE, ERRORS];
