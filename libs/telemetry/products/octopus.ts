import type { MetricDeclaration, MetricKind, ProductDeclaration } from './declaration.js';

type Row = [name: string, kind: MetricKind, since: string, about: string, types?: string[]];

/** The default units of the kinds. */
const UNITS: Record<MetricKind, string> = {
  count: '1',
  counts: '1',
  ratio: 'percent',
  bytes: 'By',
  duration: 's',
  flag: '1',
  date: 'seconds since 1970',
};

const TARGETS = [
  'listening_tentacle',
  'polling_tentacle',
  'offline_drop',
  'azure_web_app',
  'azure_cloud_service',
  'kubernetes',
  'ssh',
];

/** In the order of the documented table. */
const ROWS: readonly Row[] = [
  ['environments', 'count', '<2.6', 'Environments.'],
  ['machines', 'count', '<2.6', 'Machines.'],
  ['deployment_targets', 'counts', '<2.6', 'Deployment targets by type.', TARGETS],
  ['projects', 'count', '<2.6', 'Projects.'],
  ['deployment_steps', 'counts', '<2.6', 'Deployment steps by type.'],
  ['releases_90_days', 'count', '<2.6', 'Releases created in the last 90 days.'],
  ['deployments_90_days', 'count', '<2.6', 'Deployments in the last 90 days.'],
  ['users', 'count', '<2.6', 'Users.'],
  ['memory', 'bytes', '2.6', 'Memory used by Octopus.'],
  ['cpu', 'ratio', '2.6', 'Average CPU usage of Octopus, relative to the whole machine.'],
  ['channels', 'count', '3.2', 'Channels in use.'],
  ['tenants', 'count', '3.4', 'Tenants.'],
  ['tenant_tags', 'count', '3.4', 'Tenant tags.'],
  ['certificates', 'count', '3.11.2', 'Certificates.'],
  ['first_deployment', 'duration', '3.12', 'Time from the installation to the first deployment.'],
  ['lets_encrypt', 'flag', '3.15', 'Let’s Encrypt is in use.'],
  ['guest_account', 'flag', '3.16.1', 'The guest account is in use.'],
  ['community_steps', 'counts', '2018.2.2', 'Community steps by type.'],
  ['azure_accounts', 'count', '2018.2.2', 'Azure accounts.'],
  ['aws_accounts', 'count', '2018.2.2', 'AWS accounts.'],
  ['built_in_worker_account', 'flag', '2018.2.2', 'The built-in worker runs as a custom account.'],
  ['workers', 'count', '2018.2.2', 'Workers, excluding the built-in one.'],
  ['release_note_templates', 'count', '2019.4.0', 'Projects that use release note templates.'],
  ['last_metadata_event', 'date', '2019.4.0', 'The last metadata event.'],
  ['monthly_active_users', 'count', '2019.5.1', 'Users who were active in the last month.'],
  ['server_os', 'counts', '2019.5.4', 'Servers by operating system.'],
  ['target_os', 'counts', '2019.5.4', 'Targets by operating system.'],
  ['issue_trackers', 'counts', '2019.4', 'Issue trackers in use by type.'],
  ['runbooks', 'count', '2019.10', 'Runbooks.'],
  ['runbook_runs', 'count', '2019.10', 'Runbook runs.'],
  ['runbook_snapshots', 'count', '2019.10', 'Runbook snapshots.'],
  ['runbook_triggers', 'count', '2019.10', 'Runbook triggers.'],
  ['container', 'flag', '2020.1.21', 'The server runs in a container.'],
  ['step_options', 'counts', '2020.2.5', 'Steps by configuration option.'],
  ['database_calls', 'counts', '2020.2.14', 'Database calls by type and result code.'],
  ['api_calls', 'counts', '2020.2.14', 'API calls by type and result code.'],
  ['internal_events', 'counts', '2020.3.0', 'Internal events by kind: deprecated code, errors.'],
  [
    'structured_variable_steps',
    'count',
    '2020.4.0',
    'Steps that use Structured Configuration Variables.',
  ],
  [
    'structured_variable_files',
    'counts',
    '2020.4.0',
    'Files with Structured Configuration Variables, by extension.',
  ],
  ['target_architecture', 'counts', '2021.1.0', 'Targets by system architecture.'],
  ['version_controlled_projects', 'count', '2021.2.0', 'Version-controlled projects.'],
];

/** Durations of calls per type, like their counts. */
const CALL_DURATIONS: readonly MetricDeclaration[] = [
  ['database_call_duration', 'Time spent in database calls, by type and result code.'],
  ['api_call_duration', 'Time spent in API calls, by type and result code.'],
].map(([name = '', about = '']) => ({
  name,
  kind: 'counts',
  unit: 's',
  since: '2020.2.14',
  about,
}));

const metrics = [
  ...ROWS.map(([name, kind, since, about, types]) => ({
    ...{ name, kind, unit: UNITS[kind], since, about },
    ...(types && { types }),
  })),
  ...CALL_DURATIONS,
];

/**
 * Octopus Server. Its payload is not public. This declaration has a metric for every row of the documented table, with
 * the version in which it appeared.
 * Source: Octopus' documentation, "Telemetry".
 */
export const octopus: ProductDeclaration = {
  product: 'octopus',
  about: 'Octopus Server: aggregate metrics of an installation.',
  // Daily. Three days, because two reports in a row may be lost.
  cadence: { every: 'day', silentAfterDays: 3 },
  installation: { version: 'version', licenseSha1: 'license_serial_sha1' },
  events: {
    telemetry: {
      about: 'The state of an installation.',
      store: 'metrics',
      describes: true,
      metrics,
      resources: {
        memUsedMb: { property: 'memory', unit: 'bytes' },
        cpuPercent: { property: 'cpu', unit: 'percent' },
      },
    },
  },
};
