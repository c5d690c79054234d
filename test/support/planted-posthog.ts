import { randomUUID } from 'node:crypto';
import type { Place, Planter } from './planted.js';
import { NUMBER_LIKE, NUMBERS, places } from './planted-places.js';

const AROUND: Place[] = [
  ...places('distinct_id uuid event timestamp offset type library context/ip $set/email $set/name'),
  ...places('$set_once/host $ip unheard'),
  ['{}', 'a text'],
  ['$set/{}', 3],
];

/** Places where a rule allows some text. */
const RULED: Place[] = [
  ...places('properties/version properties/system properties/source'),
  ['properties/{}', 3],
  ['properties/{}', { '{}': 3, deep: { '{}': 3 } }],
  ['properties/labels', { '{}': 3 }],
];

const ANYWHERE: Place[] = [
  ...places('properties/platform properties/run_id properties/session_id properties/created_at'),
  ...places('properties/$current_url properties/$ip properties/$useragent properties/$referrer'),
  ...places('properties/$set/email properties/distinct_id properties/page properties/note'),
  ...places('properties/name properties/company properties/email properties/deep/er/note'),
  ...places('properties/graph'),
  ['properties/list', ['{}', 7, { '{}': '{}' }]],
  ['properties/{}', 'a text'],
  ['properties/{}', true],
  ['properties/$feature/{}', 3],
  ['properties/$feature/{}'],
  ...NUMBERS,
];

const COMMANDS: Place[] = [
  ['properties/command_names', ['{}', 'search']],
  ['properties/command_names', { '{}': 3 }],
  ['properties/command_names', { '{}': { '{}': 3 } }],
  ['properties/command_names', { search: '{}' }, NUMBER_LIKE],
  ['properties/command_names', '{}'],
  ['properties/command_names', [['{}'], { '{}': '{}' }]],
  ['properties/used_aliases', ['{}']],
  ['properties/predicate_names', ['{}']],
  ['properties/commands', '{}'],
  ['properties/commands', { '{}': '{}' }],
];

const MERGES: Place[] = [
  ['properties/providers', ['{}']],
  ['properties/providers', { '{}': 3 }],
  ['properties/providers', '{}'],
  ['properties/node_count_{}.total', 1200],
  ['properties/node_count_{}.aws_ec2_instance', 42],
  ['properties/node_count_{}', 42],
  ['properties/node_count_x.{}', 42],
  ['properties/batch', '{}'],
];

const TASKS: Place[] = [
  ...places('properties/task_descriptor_id properties/task_descriptor_name properties/kind'),
  ...places('properties/reason properties/success properties/step_count'),
  ['properties/duration', '{}', NUMBER_LIKE],
  ['properties/kind', ['{}']],
];

const STARTS: Place[] = [
  ['properties/inside_docker'],
  ['properties/cpu_count', '{}', NUMBER_LIKE],
  ['properties/mem_total', '{}', NUMBER_LIKE],
];

/** Error messages with an identifier. */
const SENTENCES = [
  ...['{}', "'{}' not found", 'could not reach {}: timeout', 'no access for {}.', '({})', '"{}'],
  ...['user={} failed', 'Error at {}, line 7', '{}:443 refused', '<{}>', 'the {}’s cluster'],
];

const ERRORS: Place[] = [
  ...SENTENCES.map((text): Place => ['properties/message', text]),
  ...places('properties/kind properties/count properties/workflow properties/message/text'),
  ['properties/message', ['{}']],
];

const EXCEPTIONS: Place[] = [
  ['properties/$exception_list', '{}'],
  ['properties/$exception_list', ['{}']],
  ['properties/$exception_list', [{ type: '{}', value: '{}', '{}': '{}' }, { value: '{}' }]],
  ['properties/$exception_list', [{ type: 'Error', stacktrace: { frames: [{ filename: '{}' }] } }]],
  ...SENTENCES.map((value): Place => ['properties/$exception_list', [{ type: 'Error', value }]]),
];

const of =
  (event: string, properties: object = {}) =>
  () => ({ event, distinct_id: randomUUID(), properties: { source: 'resotocore', ...properties } });

/** Events as sent by PostHog's clients, with an identifier in each. */
export function plantPosthog(planter: Planter): object[] {
  const plant = (name: string, properties: object, into: Place[], ways?: 4) =>
    planter.plantInto(`posthog ${name}`, of(name, properties), into, ways);
  const failed = { version: '3.9.0', kind: 'KeyError' };
  return [
    ...plant('system.started', { version: '3.9.0' }, [...RULED, ...STARTS], 4),
    ...plant('cli.command', { commands: 2 }, COMMANDS, 4),
    ...plant('graphdb.graph-merged', { providers: ['aws'], nodes: 7 }, MERGES, 4),
    ...plant('error.server', failed, ERRORS, 4),
    ...plant('$exception', {}, EXCEPTIONS, 4),
    ...plant('task-handler.task-completed', { success: true }, TASKS),
    ...plant('task-handler.task-started', { kind: 'Job' }, TASKS),
    ...plant('system.started', { version: '3.9.0' }, [...AROUND, ...ANYWHERE]),
    ...plant('user.created.first', {}, ANYWHERE),
    ...plant('error.client', failed, RULED),
    ...plant('$exception', {}, [...RULED, ...ANYWHERE]),
    ...plant('$identify', {}, [...AROUND, ...RULED]),
    ...plant('of.a-later-version', { clicks: 2 }, [...AROUND, ...RULED, ...ANYWHERE, ...COMMANDS]),
    ...plant('usage-metrics.turned-off', {}, RULED),
    ...planter.plantNames('posthog', of('', { clicks: 2 }), 100),
  ];
}
