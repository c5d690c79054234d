import type { MetricDeclaration, ProductDeclaration } from './declaration.js';

const one =
  (kind: 'count' | 'flag') =>
  (name: string, about: string): MetricDeclaration => ({ name, kind, unit: '1', about });
const count = one('count');
const flag = one('flag');

const each = (name: string, about: string): MetricDeclaration => ({
  ...count(name, about),
  perEvent: true,
});

const duration = (property: string, about: string): MetricDeclaration => ({
  name: 'duration_s',
  property,
  kind: 'duration',
  unit: 's',
  about,
});

const TASK_KINDS: MetricDeclaration = {
  name: 'kind',
  kind: 'counts',
  unit: '1',
  about: 'Executed tasks by kind.',
  types: ['Workflow', 'Job'],
};

const error = (about: string): ProductDeclaration['events'][string] => ({
  about,
  store: 'error',
  error: { kind: 'kind', message: 'message', count: 'count' },
});

/**
 * Resoto and its successor Fix Inventory, which report through PostHog's clients. Undeclared events and counters are
 * stored under their own names.
 * Source: github.com/someengineering/resoto, resotocore/analytics; docs, "Telemetry".
 */
export const resoto: ProductDeclaration = {
  product: 'resoto',
  about: 'Resoto and Fix Inventory: usage and errors of the cloud inventory.',
  // It reports events. An inventory collects at least every week, hence a week and a day.
  cadence: { every: 'event', silentAfterDays: 8 },
  installation: { version: 'version', platform: 'system', source: 'source' },
  // The number of nodes of an account. The `*` is the account's number or name.
  collapse: ['node_count_*.'],
  // The ids of the process and the session, and the creation time of the installation.
  ignore: ['run_id', 'session_id', 'created_at'],
  events: {
    'system.installed': {
      about: 'An installation was created.',
      store: 'usage',
      metrics: [
        each('installations', 'Created installations.'),
        flag('docker_install', 'It was installed with Docker.'),
        flag('k8s_install', 'It was installed in Kubernetes.'),
        flag('helm_install', 'It was installed with Helm.'),
        flag('pip_install', 'It was installed with pip.'),
      ],
    },
    'system.started': {
      about: 'A resotocore instance was started.',
      store: 'usage',
      describes: true,
      metrics: [
        each('instances_started', 'Started instances.'),
        flag('inside_docker', 'The instance runs in a container.'),
        count('cpu_count', 'CPUs of the machine.'),
        { ...count('mem_total', 'Memory of the machine.'), kind: 'bytes', unit: 'By' },
        { ...count('mem_available', 'Available memory.'), kind: 'bytes', unit: 'By' },
      ],
      resources: {
        cpuTotal: { property: 'cpu_count', unit: 'cores' },
        memTotalMb: { property: 'mem_total', unit: 'bytes' },
        memUsedMb: { property: 'mem_total', minus: 'mem_available', unit: 'bytes' },
      },
    },
    'system.stopped': {
      about: 'A resotocore instance was stopped.',
      store: 'usage',
      metrics: [
        each('instances_stopped', 'Stopped instances.'),
        {
          ...count(
            'instances_long_running',
            'Stopped instances that had run for more than an hour.',
          ),
          perEvent: { property: 'total_seconds', moreThan: 3600 },
        },
        duration('total_seconds', 'Run time of the instance.'),
      ],
    },
    'system.configuration-changed': {
      about: 'A configuration was changed.',
      store: 'usage',
      metrics: [each('configurations_changed', 'Changed configurations.')],
    },
    'system.configuration-deleted': {
      about: 'A configuration was deleted.',
      store: 'usage',
      metrics: [each('configurations_deleted', 'Deleted configurations.')],
    },
    'cli.command': {
      about: 'A command line was executed.',
      store: 'usage',
      metrics: [
        count('commands', 'Executed CLI commands.'),
        count('command_lines', 'Executed command lines; one may pipe several commands.'),
        {
          name: 'command_names',
          kind: 'counts',
          unit: '1',
          about: 'Executed CLI commands by name.',
        },
      ],
    },
    'model.info': {
      about: 'The data model of an instance.',
      store: 'usage',
      metrics: [count('model_count', 'Kinds in the model.')],
    },
    'subscriber.info': {
      about: 'The subscribers of an instance.',
      store: 'usage',
      metrics: [
        count('subscriber_count', 'Subscribers.'),
        count('active', 'Connected subscribers.'),
      ],
    },
    'worker-queue.info': {
      about: 'The workers of an instance.',
      store: 'usage',
      metrics: [
        count('worker_count', 'Connected workers.'),
        count('worker_tasks_count', 'Kinds of tasks that the workers support.'),
        count('outstanding_tasks', 'Tasks in progress.'),
        count('unassigned_tasks', 'Tasks that are not assigned to a worker.'),
      ],
    },
    'task-handler.task-started': {
      about: 'A job or workflow was started.',
      store: 'usage',
      metrics: [
        each('jobs_started', 'Started jobs and workflows.'),
        {
          name: 'reason',
          kind: 'counts',
          unit: '1',
          about: 'Started jobs and workflows by trigger.',
          types: ['schedule_trigger', 'event_trigger', 'manual', 'direct'],
        },
        TASK_KINDS,
      ],
    },
    'task-handler.task-completed': {
      about: 'A job or workflow was executed.',
      store: 'usage',
      outcome: { property: 'success', values: { true: 'succeeded', false: 'failed' } },
      metrics: [
        each('jobs_completed', 'Executed jobs and workflows, by outcome.'),
        duration('duration', 'Run time of the job or workflow.'),
        count('step_count', 'Steps of the job or workflow.'),
        TASK_KINDS,
      ],
    },
    'graphdb.graph-merged': {
      about: 'Collected resources were merged into the graph.',
      store: 'usage',
      metrics: [
        { name: 'providers', kind: 'counts', unit: '1', about: 'Merges by cloud provider.' },
        flag('batch', 'The merge was a batch that is committed later.'),
        count('nodes', 'Nodes in the merged part.'),
        count('edges', 'Edges in the merged part.'),
        count('updated_roots', 'Roots of merged parts.'),
        count('updated', 'Total updates.'),
        count('nodes_created', 'Nodes created.'),
        count('nodes_updated', 'Nodes updated.'),
        count('nodes_deleted', 'Nodes deleted.'),
        count('edges_created', 'Edges created.'),
        count('edges_updated', 'Edges updated.'),
        count('edges_deleted', 'Edges deleted.'),
      ],
    },
    'report.benchmark': { about: 'A benchmark was checked.', store: 'usage' },
    'user.created': {
      about: 'A user was created.',
      store: 'usage',
      metrics: [each('users_created', 'Created users.')],
    },
    'user.created.first': {
      about: 'The first user was created. The name, company and e-mail address are not stored.',
      store: 'usage',
      metrics: [each('first_users_created', 'Installations whose first user was created.')],
    },
    'usage-metrics.turned-off': {
      about: 'Telemetry was turned off.',
      store: 'usage',
      consent: 'opted_out',
      metrics: [each('opt_outs', 'Installations that turned telemetry off.')],
    },
    'error.client': error('A request was invalid.'),
    'error.server': error('A request failed.'),
    'error.action': error('A step of a workflow failed.'),
    $identify: { about: 'Identifies an installation.', store: 'usage' },
    $exception: {
      about: 'An exception that PostHog’s client caught.',
      store: 'error',
      error: { list: '$exception_list', kind: 'type', message: 'value' },
    },
  },
};
