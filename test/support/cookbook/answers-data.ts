import { expect } from 'vitest';
import { AHEAD, at, day, id } from './times.js';
import { table, type Row } from './table.js';

/** Version 4.1.0 is one installation on one day. */
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

/** Matches a time in or after the hour in which the fleet was sent. */
const lately = expect.toSatisfy(
  (time: unknown) =>
    typeof time === 'string' && Date.parse(time) >= Date.parse(AHEAD) - 3 * 3_600_000,
  'a time after the fleet was sent',
) as unknown;

export const data = {
  'How fresh is the data of each product?': table(
    'product complete_until is_behind pending_days last_received_hour last_observed_at',
    ['dcos', lately, false, 0, lately, AHEAD],
    ['octopus', lately, false, 0, lately, at(1, '09:00')],
    ['resoto', lately, false, 0, lately, at(1, '12:00')],
  ),
  'Does every accepted event have a fate?': table(
    'product accepted stored duplicate quarantined suppressed empty blocked opted_out unaccounted',
    // 90 + 90 + 42 + 54 + 51 + 24 reports, 3 of clockOff and 9 of the UI. One is a duplicate, one
    // is unknown.
    ['dcos', 365, 363, 1, 1, 0, 0, 0, 0, 0],
    ['octopus', 75, 75, 0, 0, 0, 0, 0, 0, 0],
    // Its last event is after an opt-out.
    ['resoto', 18, 17, 0, 0, 0, 0, 0, 1, 0],
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
  'How many reports are repeated by several masters?': table(
    'product kind reports hourly_truths hours_with_several',
    ['dcos', 'health', 24, 14, 5],
    ['dcos', 'mesos_track', 10, 10, 0],
    ['dcos', 'package_list', 4, 4, 0],
  ),
  'What did an installation report in each hour?': table(
    'hour unit total unhealthy product_version',
    ...['10:00', '11:00', '12:00', '13:00', '14:00'].flatMap((hour) => [
      [at(1, hour), 'dcos-mesos-service', 5, 1, '2.1'],
      [at(1, hour), 'dcos-metrics-service', 5, 0, '2.1'],
    ]),
  ),
  'Which GUIDs seem to be cloned, over weeks?': table(
    'installation_id product days_with_several from_day to_day most_descriptions',
    [id.cloned, 'dcos', 2, day(2), day(1), 2],
  ),
  'Which GUIDs seem to be cloned, by their description?': table(
    'installation_id product returns lasted descriptions',
    [id.cloned, 'dcos', 4, '08:00:00', ['2.0 open aws', '2.1 open azure']],
  ),
  'Which GUIDs seem to be cloned, by their size?': table(
    'installation_id product returns lasted sizes',
    [id.cloned, 'dcos', 4, '08:00:00', 2],
  ),
  'Which clocks are off?': table('installation_id product corrected not_believed ahead', [
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

/** Every view with a time. A daily view is as fresh as its last refresh. */
function completeness(): Row[] {
  const daily = [
    ...[
      'daily_capacity',
      'daily_counters',
      'daily_dropped_properties',
      'daily_errors',
      'daily_fleet',
    ],
    ...[
      'daily_frameworks',
      'daily_metrics',
      'daily_mix',
      'daily_others',
      'daily_package_sets',
      'daily_packages',
    ],
    ...['daily_ui', 'daily_units', 'daily_usage', 'installation_days', 'installation_metric_days'],
    ...['installation_health_days', 'installation_unit_days', 'installation_upgrades'],
    'daily_upgrade_units',
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
    ['refusals', 'hour', false, lately],
  ];
  const rows = [...daily, ...lives, ...observed, ...occurred, ...others];
  return table(
    'view time_column is_daily complete_until',
    ...rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}
