import { expect } from 'vitest';
import { at, AHEAD, day, id } from './cookbook-fleet.js';

type Row = Record<string, unknown>;

/** Rows by the names of their columns, and the values of each. */
export function table(columns: string, ...rows: unknown[][]): Row[] {
  const names = columns.split(' ');
  return rows.map((values) =>
    Object.fromEntries(names.map((name, column) => [name, values[column]])),
  );
}

const FINGERPRINT = expect.stringMatching(/^[0-9a-f]{8,}$/) as unknown;

/** Each day of ten: the active ones of DC/OS, with who was born, fell silent and came back. */
const LAST_TEN_DAYS = [
  ['dcos', 10, 3, 0, 0, 0],
  ['dcos', 9, 4, 0, 0, 1], // `returned` is back
  ['dcos', 8, 4, 0, 0, 0],
  ['dcos', 7, 4, 0, 0, 0], // the last day of `silent`
  ['dcos', 6, 3, 0, 0, 0],
  ['dcos', 5, 3, 0, 1, 0], // two days later
  ['dcos', 4, 3, 0, 0, 0],
  ['dcos', 3, 4, 1, 0, 0], // `manyMasters` is born
  ['dcos', 2, 5, 1, 0, 0], // `cloned` is born
  ['dcos', 1, 5, 0, 0, 0],
  ...[10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((ago) => ['octopus', ago, 3, 0, 0, 0]),
  ['resoto', 8, 1, 1, 0, 0],
  ['resoto', 1, 2, 1, 0, 0],
].map(([product, ago, ...counts]) => [day(Number(ago)), product, ...counts]);

const INSTALLATIONS = {
  'How many installations of each product and version are there now?': table(
    'product version installations',
    ['dcos', '2.1', 5], // upgraded, returned, manyMasters, cloned, clockOff
    ['dcos', '2.0', 1], // sick
    ['octopus', '2021.2.0', 2],
    ['octopus', '2021.1.0', 1],
    ['resoto', '4.0.0', 1],
    ['resoto', '4.1.0', 1],
  ),
  'How has the number of installations of each version changed?': table(
    'day product product_version active',
    [day(22), 'dcos', '2.0', 2],
    [day(22), 'dcos', '2.1', 1],
    [day(22), 'octopus', '2021.1.0', 2],
    [day(15), 'dcos', '2.0', 3],
    [day(15), 'octopus', '2021.1.0', 2],
    [day(15), 'octopus', '2021.2.0', 1],
    [day(8), 'dcos', '2.0', 2],
    [day(8), 'dcos', '2.1', 2],
    [day(8), 'octopus', '2021.1.0', 2],
    [day(8), 'octopus', '2021.2.0', 1],
    [day(8), 'resoto', '4.0.0', 1],
    [day(1), 'dcos', '2.0', 1],
    [day(1), 'dcos', '2.1', 4],
    [day(1), 'octopus', '2021.1.0', 1],
    [day(1), 'octopus', '2021.2.0', 2],
    [day(1), 'resoto', '4.0.0', 1],
    [day(1), 'resoto', '4.1.0', 1],
  ),
  'How many were born, active, gone silent and returned on each day?': table(
    'day product active born gone_silent returned',
    ...LAST_TEN_DAYS,
  ),
  'Which installations have gone silent lately?': table(
    'installation_id product last_version last_day active_days',
    [id.silent, 'dcos', '2.0', day(7), 14],
  ),
  'Which installations have returned after a silence?': table(
    'installation_id product first_day last_day active_days returns',
    [id.returned, 'dcos', day(28), day(1), 18, 1],
  ),
  'How many of each first version were still active one, two and three weeks later?': table(
    'product first_version installations after_1_week of_1_week after_2_weeks of_2_weeks after_3_weeks of_3_weeks',
    ['dcos', '2.0', 3, 3, 3, 2, 3, 2, 2], // `silent` lived for 13 days
    ['dcos', '2.1', 3, 1, 1, 1, 1, 1, 1], // two are younger than a week
    ['octopus', '2021.1.0', 2, 2, 2, 2, 2, 2, 2],
    ['octopus', '2021.2.0', 1, 1, 1, 1, 1, 0, 0],
    ['resoto', '4.0.0', 1, 1, 1, 0, 0, 0, 0],
    ['resoto', '4.1.0', 1, 0, 0, 0, 0, 0, 0],
  ),
  'How many of those born in a week were still active in later weeks?': table(
    'product week_begin weeks_later installations share',
    ...[0, 1, 2, 3, 4].map((later) => ['dcos', day(35), later, 2, 1]),
    ...[0, 1, 2, 3].map((later) => ['dcos', day(28), later, 1, 1]),
    ['dcos', day(21), 0, 1, 1],
    ['dcos', day(21), 1, 1, 1],
    ['dcos', day(21), 2, 1, 0], // `silent`
    ['dcos', day(7), 0, 2, 1],
    ...[0, 1, 2, 3, 4].map((later) => ['octopus', day(35), later, 2, 1]),
    ...[0, 1, 2].map((later) => ['octopus', day(21), later, 1, 1]),
    ['resoto', day(14), 0, 1, 1],
    ['resoto', day(14), 1, 1, 1],
    ['resoto', day(7), 0, 1, 1],
  ),
  'Which upgrades do installations make?': table(
    'product from_version to_version upgrades',
    ['dcos', '2.0', '2.1', 1],
    ['octopus', '2021.1.0', '2021.2.0', 1],
  ),
  'How many installations have turned telemetry off?': table(
    'product installations opted_out',
    ['dcos', 7, 0],
    ['octopus', 3, 0],
    ['resoto', 2, 1],
  ),
};

// Yesterday: upgraded has kafka and cassandra, sick kafka and spark, returned all three, manyMasters spark.
const PACKAGES = {
  'Which packages are the most popular?': table(
    'package installations share',
    ['kafka', 3, 0.75],
    ['spark', 3, 0.75],
    ['cassandra', 2, 0.5],
  ),
  'How is a package being adopted?': table(
    'day package_version installations instances',
    [day(22), '1.0.0', 2, 2],
    [day(22), '1.1.0', 1, 1],
    [day(15), '1.0.0', 2, 2],
    [day(8), '1.0.0', 1, 1],
    [day(8), '1.1.0', 2, 2],
    [day(1), '1.0.0', 1, 1],
    [day(1), '1.1.0', 2, 2],
  ),
  'What is installed together with a package?': table(
    'package together share lift',
    ['cassandra', 2, 0.667, 1.33], // 2 · 4 / (3 · 2)
    ['spark', 2, 0.667, 0.89], // 2 · 4 / (3 · 3)
  ),
  'Which pairs of packages are installed together most often?': table(
    'one other installations',
    ['cassandra', 'kafka', 2],
    ['kafka', 'spark', 2],
    ['cassandra', 'spark', 1],
  ),
  'Which frameworks are registered, and how does that change?': table(
    'framework installations four_weeks_ago',
    ['marathon', 5, 2],
    ['kafka', 1, 0],
    ['metronome', 1, 1],
  ),
};

const RELIABILITY = {
  'Which units are unhealthy in the largest share of installations?': table(
    'product_version unit installations unhealthy share share_of_nodes',
    ['2.0', 'dcos-mesos-service', 1, 1, 1, 0.667], // 2 of 3 nodes
    ['2.1', 'dcos-mesos-service', 4, 2, 0.5, 0.08], // 2 of 5 + 10 + 5 + 5
    ['2.1', 'dcos-metrics-service', 4, 1, 0.25, 0.2], // 5 of the same
  ),
  'How does the health of a unit change from week to week?': table(
    'product_version week_begin share',
    ['2.0', day(28), 0.5], // 7 of 14 days of installations: sick
    ['2.0', day(21), 0.35], // 7 of 7 + 7 + 6
    ['2.0', day(14), 0.389], // 7 of 4 + 7 + 7
    ['2.0', day(7), 0.875], // 7 of 7 + 1
    ['2.1', day(28), 0],
    ['2.1', day(21), 0],
    ['2.1', day(14), 0.6], // 3 of 3 + 2
    ['2.1', day(7), 0.526], // 7 + 3 of 7 + 7 + 3 + 2
  ),
  'Which units got worse after an upgrade?': table(
    'from_version to_version unit upgraded unhealthy_before unhealthy_after',
    ['2.0', '2.1', 'dcos-mesos-service', 1, 0, 1],
  ),
  'Which installations are the worst?': table(
    'installation_id product_version unhealthy_units units unhealthy_nodes',
    [id.returned, '2.1', 1, 2, 5],
    [id.sick, '2.0', 1, 2, 2],
    [id.upgraded, '2.1', 1, 2, 1],
    [id.manyMasters, '2.1', 1, 2, 1],
  ),
  'How has one installation fared?': table(
    'day product_version unit unhealthy total',
    ...[7, 6, 5, 4, 3, 2, 1].map((ago) => [day(ago), '2.1', 'dcos-metrics-service', 5, 10]),
  ),
};

const CAPACITY = {
  'How large are installations?': table(
    'product figure installations median p90 p99',
    ['dcos', 'agents_active', 5, 5, 10, 10], // 2, 5, 5, 5, 10
    ['dcos', 'cpu_total', 5, 40, 80, 80],
    ['dcos', 'disk_total_mb', 5, 2_000_000, 4_000_000, 4_000_000],
    ['dcos', 'mem_total_mb', 5, 160_000, 320_000, 320_000],
  ),
  'How are installations distributed by size?': table(
    'at_least below installations',
    [2, 4, 1],
    [4, 8, 3],
    [8, 16, 1],
  ),
  "How much of the fleet's capacity is in use, and how does that change?": table(
    'day cpus agents cpu_share mem_share disk_share',
    [day(22), 128, 17, 0.484, 0.484, 0.336], // upgraded, sick, returned
    [day(15), 56, 9, 0.464, 0.464, 0.486], // upgraded, sick, silent
    [day(8), 136, 19, 0.485, 0.485, 0.334], // these four
    [day(1), 208, 27, 0.442, 0.442, 0.351], // upgraded, sick, returned, manyMasters, cloned
  ),
  'Which installations are the largest?': table(
    'installation_id product_version provider agents_active cpu_total mem_total_mb disk_total_mb',
    [id.returned, '2.1', 'gcp', 10, 80, 320_000, 4_000_000],
    [id.upgraded, '2.1', 'aws', 5, 40, 160_000, 2_000_000],
    [id.manyMasters, '2.1', 'aws', 5, 40, 160_000, 2_000_000],
    [id.cloned, '2.1', 'azure', 5, 40, 160_000, 2_000_000],
    [id.sick, '2.0', 'azure', 2, 8, 32_000, 100_000],
  ),
  'How many machines do Octopus servers manage?': table(
    'product_version installations total median p90 greatest',
    ['2021.1.0', 1, 5, 5, 5, 5],
    ['2021.2.0', 2, 70, 20, 50, 50],
  ),
};

const nothingSaid = (product: string, installations: number) =>
  ['platform', 'provider', 'variant'].map((what) => [product, what, null, installations, 1]);

const MIX = {
  'What is the mix of providers, platforms and variants?': table(
    'product what value installations share',
    ['dcos', 'platform', null, 5, 1],
    ['dcos', 'provider', 'aws', 2, 0.4],
    ['dcos', 'provider', 'azure', 2, 0.4],
    ['dcos', 'provider', 'gcp', 1, 0.2],
    ['dcos', 'variant', 'open', 3, 0.6],
    ['dcos', 'variant', 'enterprise', 2, 0.4],
    ...nothingSaid('octopus', 3),
    ...nothingSaid('resoto', 2),
  ),
  'How does the mix of providers change?': table(
    'day provider installations share',
    [day(22), 'aws', 1, 0.333],
    [day(22), 'azure', 1, 0.333],
    [day(22), 'gcp', 1, 0.333],
    [day(15), 'aws', 2, 0.667],
    [day(15), 'azure', 1, 0.333],
    [day(8), 'aws', 2, 0.5],
    [day(8), 'azure', 1, 0.25],
    [day(8), 'gcp', 1, 0.25],
    [day(1), 'aws', 2, 0.4],
    [day(1), 'azure', 2, 0.4],
    [day(1), 'gcp', 1, 0.2],
  ),
  'Which variant runs where?': table(
    'product_version variant provider installations',
    ['2.0', 'open', 'azure', 1],
    ['2.1', 'enterprise', 'aws', 2],
    ['2.1', 'open', 'azure', 1],
    ['2.1', 'open', 'gcp', 1],
  ),
};

const USAGE = {
  'How many instances are started, and how many run for long?': table(
    'week_begin started stopped long_running',
    [day(14), 1, 0, 0],
    [day(7), 2, 2, 1],
  ),
  'Which CLI commands are used?': table('command used events', ['search', 4, 3], ['count', 2, 2]),
  'How do jobs end, and how long do they take?': table(
    'product_version outcome jobs mean_duration_s',
    ['4.0.0', 'failed', 1, 300],
    ['4.0.0', 'succeeded', 2, 100],
  ),
  'What happens, and how often?': table(
    'product event outcome events most_installations',
    ['resoto', 'cli.command', null, 2, 1],
    ['resoto', 'system.started', null, 2, 2],
    ['resoto', 'system.stopped', null, 2, 2],
    ['resoto', 'task-handler.task-completed', 'failed', 1, 1],
    ['resoto', 'task-handler.task-completed', 'succeeded', 1, 1],
    ['resoto', 'usage-metrics.turned-off', null, 1, 1],
  ),
  'What do the metrics of the Octopus catalogue say?': table(
    'metric unit dimension installations total least greatest',
    ['container', '1', null, 3, 2, 0, 1],
    ['environments', '1', null, 2, 6, 2, 4],
    ['first_deployment', 's', null, 3, 97_200, 3600, 86_400],
    ['internal_events', '1', 'deprecated/legacy_api', 1, 3, 3, 3],
    ['machines', '1', null, 3, 75, 5, 50],
    ['projects', '1', null, 3, 20, 3, 10],
  ),
  'How long does it take to the first deployment?': table(
    'product_version installations p25_hours median_hours p90_hours',
    ['2021.1.0', 1, 2, 2, 2],
    ['2021.2.0', 2, 1, 1, 24],
  ),
  'Which features are switched on?': table('metric switched_on installations share', [
    'container',
    2,
    3,
    0.667,
  ]),
  'Which deprecated features are still in use?': table(
    'product_version feature installations calls',
    ['2021.2.0', 'deprecated/legacy_api', 1, 3],
  ),
};

const UI = {
  'How many logins, page views and users are there a day?': table(
    'day product installations users logins page_views',
    [day(2), 'dcos', 1, 1, 0, 1],
    [day(1), 'dcos', 2, 3, 3, 3],
  ),
  'How many different users were there in the last week?': table('product users on_several_days', [
    'dcos',
    3,
    1,
  ]),
  'Which pages are viewed?': table(
    'product path views installations',
    ['dcos', '/nodes', 2, 1],
    ['dcos', '/services', 1, 1],
  ),
};

const NO_KEY = ['KeyError', 'no such key', FINGERPRINT];
const INVALID = ['ValueError', 'invalid request', FINGERPRINT];

const ERRORS = {
  'Which kinds of error does each version have?': table(
    'product product_version kind errors a_day',
    ['resoto', '4.0.0', 'KeyError', 3, 1.5], // on two days
    ['resoto', '4.1.0', 'KeyError', 3, 3],
    ['resoto', '4.1.0', 'ValueError', 1, 1],
  ),
  'Which errors are the most frequent?': table(
    'product event kind message fingerprint errors most_installations versions',
    ['resoto', 'error.server', ...NO_KEY, 6, 1, ['4.0.0', '4.1.0']],
    ['resoto', 'error.client', ...INVALID, 1, 1, ['4.1.0']],
  ),
  'Which errors are new?': table(
    'product product_version kind message fingerprint first_day errors is_new',
    ['resoto', '4.1.0', ...INVALID, day(1), 1, true],
    ['resoto', '4.1.0', ...NO_KEY, day(1), 3, false],
  ),
};

/** A hand-made list: what is new or gone in 4.1.0, of which one installation has reported one day. */
const RESOTO_CHANGES = [
  ['cli.command', 'counter', 'command_lines', 'gone'],
  ['cli.command', 'counter', 'command_names', 'gone'],
  ['cli.command', 'counter', 'commands', 'gone'],
  ['system.stopped', 'counter', 'instances_long_running', 'gone'],
  ['task-handler.task-completed', 'counter', 'duration_s', 'gone'],
  ['task-handler.task-completed', 'counter', 'jobs_completed', 'gone'],
  ['task-handler.task-completed', 'counter', 'step_count', 'gone'],
  ['usage-metrics.turned-off', 'counter', 'opt_outs', 'new'],
  ['cli.command', 'event', 'cli.command', 'gone'],
  ['task-handler.task-completed', 'event', 'task-handler.task-completed', 'gone'],
  ['usage-metrics.turned-off', 'event', 'usage-metrics.turned-off', 'new'],
].map((change) => ['resoto', '4.0.0', '4.1.0', ...change]);

/** A time in the hour in which the fleet was sent, or later. */
const lately = expect.toSatisfy(
  (time: unknown) =>
    typeof time === 'string' && Date.parse(time) >= Date.parse(AHEAD) - 3 * 3_600_000,
  'a time after the fleet was sent',
) as unknown;

const DATA = {
  'How fresh is the data of each product?': table(
    'product complete_until is_behind pending_days last_received_hour last_observed_at',
    ['dcos', lately, false, 0, lately, AHEAD],
    ['octopus', lately, false, 0, lately, at(1, '09:00')],
    ['resoto', lately, false, 0, lately, at(1, '12:00')],
  ),
  'Was everything stored that was accepted?': table(
    'product accepted stored duplicate quarantined suppressed empty unaccounted',
    // 90 + 90 + 42 + 54 + 51 + 24 reports, 3 of clockOff and 9 of the UI; one sent twice, one unheard of.
    ['dcos', 365, 363, 1, 1, 0, 0, 0],
    ['octopus', 75, 75, 0, 0, 0, 0, 0],
    ['resoto', 17, 17, 0, 0, 0, 0, 0],
  ),
  'Which installations have gaps?': table(
    'installation_id product days hours missing_hours',
    [id.upgraded, 'dcos', 7, 21, 147],
    [id.sick, 'dcos', 7, 21, 147],
    [id.returned, 'dcos', 7, 21, 147],
    [id.manyMasters, 'dcos', 3, 15, 57],
    [id.cloned, 'dcos', 2, 12, 36],
  ),
  'When exactly did one installation report nothing?': table('silent_from silent_until', [
    at(2, '12:00'),
    at(1, '10:00'),
  ]),
  'How many reports are copies by several masters?': table(
    'product kind reports hourly_truths hours_with_several',
    ['dcos', 'health', 24, 14, 5],
    ['dcos', 'mesos_track', 10, 10, 0],
    ['dcos', 'package_list', 4, 4, 0],
  ),
  'What is the one truth of each hour of an installation?': table(
    'hour unit total unhealthy product_version',
    ...['10:00', '11:00', '12:00', '13:00', '14:00'].flatMap((hour) => [
      [at(1, hour), 'dcos-mesos-service', 5, 1, '2.1'],
      [at(1, hour), 'dcos-metrics-service', 5, 0, '2.1'],
    ]),
  ),
  'Whose GUID seems to be cloned, by its description?': table(
    'installation_id product returns lasted descriptions',
    [id.cloned, 'dcos', 4, '08:00:00', ['2.0 open aws', '2.1 open azure']],
  ),
  'Whose GUID seems to be cloned, by its size?': table(
    'installation_id product returns lasted sizes',
    [id.cloned, 'dcos', 4, '08:00:00', 2],
  ),
  'Whose clocks are off?': table('installation_id product corrected not_believed ahead', [
    id.clockOff,
    'dcos',
    1,
    1,
    1,
  ]),
  'Which names are new or gone in a version?': table(
    'product previous_version product_version event kind field change',
    ['dcos', '2.0', '2.1', 'health', 'unit', 'dcos-log-service', 'gone'],
    ['dcos', '2.0', '2.1', 'health', 'unit', 'dcos-metrics-service', 'new'],
    ['octopus', '2021.1.0', '2021.2.0', 'telemetry', 'metric', 'spaces', 'new'],
    ...RESOTO_CHANGES,
  ),
  'Which properties with text are new in a version?': table(
    'product product_version event key most_installations is_new',
    ['octopus', '2021.2.0', 'telemetry', 'motto', 2, true],
  ),
  'Which keys have changed their type?': table(
    'product product_version kind path reason reports installations is_new',
    ['octopus', '2021.2.0', 'metrics', 'environments', 'not_a_number', 7, 1, true],
    ['dcos', '2.0', 'mesos_track', 'task_count', 'not_a_number', 1, 1, true],
  ),
  'Up to when is each view complete?': completeness(),
};

/** Every view that has a time. A view of days is as fresh as its last refresh. */
function completeness(): Row[] {
  const daily = [
    ...[
      'daily_capacity',
      'daily_counters',
      'daily_dropped_properties',
      'daily_errors',
      'daily_fleet',
    ],
    ...['daily_frameworks', 'daily_metrics', 'daily_mix', 'daily_package_sets', 'daily_packages'],
    ...['daily_ui', 'daily_units', 'daily_usage', 'installation_days', 'installation_metric_days'],
    'installation_unit_days',
  ].map((view) => [view, 'day', true, lately]);
  const lives = ['installation_lives', 'product_versions', 'version_fields'].map((view) => [
    ...[view, 'last_day', true, lately],
  ]);
  const observed = [
    ...['current_frameworks', 'current_health', 'current_metrics', 'current_packages'],
    ...['current_resources', 'defects', 'framework_readings', 'health_readings', 'metric_readings'],
    ...['package_readings', 'report_origins', 'reports', 'resource_readings'],
  ].map((view) => [view, 'observed_at', false, lately]);
  const occurred = ['error_reports', 'ui_events', 'usage_counters', 'usage_events'].map((view) => [
    ...[view, 'occurred_at', false, lately],
  ]);
  const others = [
    ['dropped_properties', 'last_seen_at', false, lately],
    ['ingest_balance', 'hour', false, lately],
    ['installations', 'last_seen_at', false, lately],
    ['quarantined_events', 'received_at', false, lately],
  ];
  const rows = [...daily, ...lives, ...observed, ...occurred, ...others];
  return table(
    'view time_column is_daily complete_until',
    ...rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

/** By question, what the fleet's answer is: worked out from what it does, not taken from the output. */
export const ANSWERS: Readonly<Record<string, Row[]>> = {
  ...INSTALLATIONS,
  ...PACKAGES,
  ...RELIABILITY,
  ...CAPACITY,
  ...MIX,
  ...USAGE,
  ...UI,
  ...ERRORS,
  ...DATA,
};
