import { event, type FleetEvent } from './event.js';
import { at, days, id } from './times.js';

const OCTOPUS = {
  a: { environments: 4, machines: 20, projects: 10, first_deployment: 3600, container: true },
  b: { environments: 2, machines: 5, projects: 3, first_deployment: 7200, container: false },
  c: { environments: 'four', machines: 50, projects: 7, first_deployment: 86_400, container: true },
};
const DEPRECATED = { internal_events: { deprecated: { legacy_api: 3 } } };

const octopus = (installationId: string, ago: number, version: string, properties: object) =>
  event({
    ...{ installationId, product: 'octopus', event: 'telemetry', occurredAt: at(ago, '09:00') },
    ...{ version, properties },
  });

export const octopusEvents: FleetEvent[] = [
  ...days(30, 8).map((ago) =>
    octopus(id.octopusA, ago, '2021.1.0', { ...OCTOPUS.a, ...DEPRECATED }),
  ),
  ...days(7, 1).map((ago) =>
    octopus(id.octopusA, ago, '2021.2.0', {
      ...OCTOPUS.a,
      ...DEPRECATED,
      spaces: 2,
      motto: 'we deploy',
    }),
  ),
  ...days(30, 1).map((ago) => octopus(id.octopusB, ago, '2021.1.0', OCTOPUS.b)),
  ...days(15, 1).map((ago) =>
    octopus(id.octopusC, ago, '2021.2.0', { ...OCTOPUS.c, motto: 'we ship' }),
  ),
];

const resoto =
  (installationId: string, version: string) =>
  (ago: number, time: string, name: string, properties: object = {}) =>
    event({
      ...{ installationId, product: 'resoto', event: name, occurredAt: at(ago, time) },
      ...{ version, properties },
    });
const d = resoto(id.resotoD, '4.0.0');
const e = resoto(id.resotoE, '4.1.0');
const NO_KEY = { kind: 'KeyError', message: 'no such key' };
const BOTH = { search: 1, count: 1 };

export const resotoEvents: FleetEvent[] = [
  d(8, '10:00', 'system.started'),
  d(8, '10:10', 'cli.command', { commands: 2, command_lines: 1, command_names: BOTH }),
  d(8, '10:20', 'task-handler.task-completed', { success: true, duration: 100, step_count: 2 }),
  d(8, '10:30', 'error.server', { ...NO_KEY, count: 1 }),
  d(1, '10:00', 'system.started'),
  d(1, '10:10', 'cli.command', { commands: 1, command_lines: 1, command_names: { search: 1 } }),
  d(1, '10:11', 'cli.command', {
    commands: 3,
    command_lines: 1,
    command_names: { search: 2, count: 1 },
  }),
  d(1, '10:20', 'task-handler.task-completed', { success: true, duration: 100, step_count: 2 }),
  d(1, '10:21', 'task-handler.task-completed', { success: false, duration: 300, step_count: 2 }),
  d(1, '10:30', 'error.server', { ...NO_KEY, count: 1 }),
  d(1, '10:31', 'error.server', { ...NO_KEY, count: 1 }),
  d(1, '12:00', 'system.stopped', { total_seconds: 7200 }),
  e(1, '10:00', 'system.started'),
  e(1, '10:30', 'error.server', { ...NO_KEY, count: 3 }),
  e(1, '10:31', 'error.client', { kind: 'ValueError', message: 'invalid request', count: 1 }),
  e(1, '10:40', 'system.stopped', { total_seconds: 60 }),
  e(1, '10:50', 'usage-metrics.turned-off'),
  // After the opt-out, so this is counted and not stored.
  e(1, '10:55', 'error.server', { ...NO_KEY, count: 5 }),
];
