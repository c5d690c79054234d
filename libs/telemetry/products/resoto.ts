import type { MetricDeclaration, ProductDeclaration } from './declaration.js';

const count = (name: string, about: string): MetricDeclaration => ({
  name,
  kind: 'count',
  unit: '1',
  about,
});

const flag = (name: string, about: string): MetricDeclaration => ({
  name,
  kind: 'flag',
  unit: '1',
  about,
});

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
  about: 'What was executed.',
  types: ['Workflow', 'Job'],
};

const error = (about: string): ProductDeclaration['events'][string] => ({
  about,
  store: 'error',
  error: { kind: 'kind', message: 'message', count: 'count' },
});

/**
 * Resoto and its successor Fix Inventory, which report through PostHog's clients. Kinds and counters
 * that are not declared here are kept under their own names.
 * Source: github.com/someengineering/resoto, resotocore/analytics; docs, "Telemetry".
 */
export const resoto: ProductDeclaration = {
  product: 'resoto',
  about: 'Resoto and Fix Inventory: usage and errors of the cloud inventory.',
  // It reports what happens. An inventory collects on a schedule, at the latest every week: so a week and
  // a day.
  cadence: { every: 'event', silentAfterDays: 8 },
  installation: { version: 'version', platform: 'system', source: 'source' },
  // The number of nodes of an account, whose number or name is in the middle.
  collapse: ['node_count_*.'],
  // PostHog's own properties, the process' id, and the time at which the installation was made.
  ignore: ['run_id', 'session_id', 'created_at'],
  events: {
    'system.installed': {
      about: 'An installation was made.',
      store: 'usage',
      metrics: [
        each('installations', 'Installations made.'),
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
        { ...count('mem_available', 'Memory that is free for use.'), kind: 'bytes', unit: 'By' },
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
          ...count('instances_long_running', 'Stopped instances that had run for over an hour.'),
          perEvent: { property: 'total_seconds', moreThan: 3600 },
        },
        duration('total_seconds', 'How long the instance had run.'),
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
      about: 'A line was executed in the command line.',
      store: 'usage',
      metrics: [
        count('commands', 'Executed CLI commands.'),
        count('command_lines', 'Executed lines; several commands may be piped in one.'),
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
        count('active', 'Subscribers that are connected.'),
      ],
    },
    'worker-queue.info': {
      about: 'The workers of an instance.',
      store: 'usage',
      metrics: [
        count('worker_count', 'Connected workers.'),
        count('worker_tasks_count', 'Kinds of task that the workers can do.'),
        count('outstanding_tasks', 'Tasks under way.'),
        count('unassigned_tasks', 'Tasks that no worker has taken.'),
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
          about: 'What started it.',
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
        each('jobs_completed', 'Executed jobs and workflows, by their outcome.'),
        duration('duration', 'How long it took.'),
        count('step_count', 'Its steps.'),
        TASK_KINDS,
      ],
    },
    'graphdb.graph-merged': {
      about: 'What was collected was merged into the graph.',
      store: 'usage',
      metrics: [
        { name: 'providers', kind: 'counts', unit: '1', about: 'Merges by cloud provider.' },
        flag('batch', 'It was merged as a batch, to be committed later.'),
        count('nodes', 'Nodes in the merged part.'),
        count('edges', 'Edges in the merged part.'),
        count('updated_roots', 'Roots of merged parts.'),
        count('updated', 'Updates in all.'),
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
      about: 'The first user was created. Name, company and e-mail address are not kept.',
      store: 'usage',
      metrics: [each('first_users_created', 'Installations whose first user was created.')],
    },
    'usage-metrics.turned-off': {
      about: 'Telemetry was turned off.',
      store: 'usage',
      consent: 'opted_out',
      metrics: [each('opt_outs', 'Installations that turned telemetry off.')],
    },
    'error.client': error('A request was wrong.'),
    'error.server': error('A request failed.'),
    'error.action': error('A step of a workflow failed.'),
    $identify: { about: 'An installation shows itself.', store: 'usage' },
    $exception: {
      about: 'An exception that PostHog’s client caught.',
      store: 'error',
      error: { list: '$exception_list', kind: 'type', message: 'value' },
    },
  },
};
