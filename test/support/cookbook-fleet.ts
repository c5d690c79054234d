/**
 * A small fleet whose every answer can be worked out by hand. All that it does it does on days before
 * today, at fixed hours, but for the one whose clock is off.
 */
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const NOW = Date.now();
export const TODAY = Math.floor(NOW / DAY_MS) * DAY_MS;
/** By its own clock, the one that is ahead reports then. */
export const AHEAD = new Date(NOW + 2 * HOUR_MS).toISOString();

const guid = (digit: string) => `${digit}0000000-0000-4000-8000-000000000000`;
export const id = {
  upgraded: guid('1'),
  sick: guid('2'),
  silent: guid('3'),
  returned: guid('4'),
  manyMasters: guid('5'),
  cloned: guid('6'),
  clockOff: guid('7'),
};
const [octopusA, octopusB, octopusC, resotoD, resotoE] = ['a', 'b', 'c', 'd', 'e'].map(guid);

/** The day so many days ago, as text. */
export const day = (ago: number) => new Date(TODAY - ago * DAY_MS).toISOString().slice(0, 10);
/** The time so many days ago, at `10:05`. */
export const at = (ago: number, time: string) =>
  `${day(ago)}T${time}${time.length === 5 ? ':00' : ''}.000Z`;
/** From so many days ago to so many days ago, both included. */
const days = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, n) => from - n);

export interface FleetEvent {
  id: string;
  installationId: string | undefined;
  product: string;
  event: string;
  occurredAt: string;
  version: string;
  properties: object;
}

let made = 0;
const event = (rest: Omit<FleetEvent, 'id'>): FleetEvent => ({
  id: `event ${(made += 1)}`,
  ...rest,
});

/** Nodes that a unit runs on, and those on which it is unhealthy. */
type Units = Record<string, [total: number, unhealthy: number]>;

interface Cluster {
  id: string;
  version: string;
  variant: string;
  provider: string;
  units: Units;
  size: typeof SMALL;
}

const SMALL = {
  ...{ cpu_total: 8, cpu_used: 4, mem_total: 32_000, mem_used: 16_000 },
  ...{ disk_total: 100_000, disk_used: 20_000, agents_active: 2 },
};
const MIDDLE = {
  ...{ cpu_total: 40, cpu_used: 20, mem_total: 160_000, mem_used: 80_000 },
  ...{ disk_total: 2_000_000, disk_used: 1_000_000, agents_active: 5 },
};
const LARGE = {
  ...{ cpu_total: 80, cpu_used: 40, mem_total: 320_000, mem_used: 160_000 },
  ...{ disk_total: 4_000_000, disk_used: 1_000_000, agents_active: 10 },
};

const of20 = (mesos: [number, number], log: [number, number]): Units => ({
  'dcos-mesos-service': mesos,
  'dcos-log-service': log,
});
const of21 = (mesos: [number, number], metrics: [number, number]): Units => ({
  'dcos-mesos-service': mesos,
  'dcos-metrics-service': metrics,
});

function dcos(cluster: Cluster, name: string, occurredAt: string, properties: object): FleetEvent {
  const { version, variant, provider } = cluster;
  return event({
    ...{ installationId: cluster.id, product: 'dcos', event: name, occurredAt, version },
    properties: { environmentVersion: version, variant, provider, ...properties },
  });
}

function health(cluster: Cluster, occurredAt: string, units = cluster.units): FleetEvent {
  const properties = Object.entries(units).flatMap(([unit, [total, unhealthy]]) => [
    [`health-unit-${unit}-total`, total],
    [`health-unit-${unit}-unhealthy`, unhealthy],
  ]);
  return dcos(cluster, 'health', occurredAt, Object.fromEntries(properties));
}

function resources(
  cluster: Cluster,
  occurredAt: string,
  frameworks: string[],
  more = {},
): FleetEvent {
  const named = frameworks.map((name) => ({ name }));
  return dcos(cluster, 'mesos_track', occurredAt, { ...cluster.size, frameworks: named, ...more });
}

function packages(cluster: Cluster, occurredAt: string, list: Record<string, string>): FleetEvent {
  const packages = Object.entries(list).map(([name, version]) => ({
    appId: `/${name}`,
    packageInformation: { packageDefinition: { name, version } },
  }));
  return dcos(cluster, 'package_list', occurredAt, { package_list: packages });
}

/** The three reports of a day: at 10, 11 and 12. */
function daily(cluster: Cluster, ago: number, frameworks: string[], list: Record<string, string>) {
  return [
    health(cluster, at(ago, '10:00')),
    resources(cluster, at(ago, '11:00'), frameworks),
    packages(cluster, at(ago, '12:00'), list),
  ];
}

const before: Cluster = {
  ...{ id: id.upgraded, version: '2.0', variant: 'enterprise', provider: 'aws' },
  ...{ units: of20([5, 0], [5, 0]), size: MIDDLE },
};
const after: Cluster = { ...before, version: '2.1', units: of21([5, 1], [5, 0]) };
const sick: Cluster = {
  ...{ id: id.sick, version: '2.0', variant: 'open', provider: 'azure' },
  ...{
    units: of20([3, 2], [3, 0]),
    size: { ...SMALL, cpu_used: 2, mem_used: 8000, disk_used: 50_000 },
  },
};
const silent: Cluster = {
  ...{ id: id.silent, version: '2.0', variant: 'open', provider: 'aws' },
  ...{ units: of20([3, 0], [3, 0]), size: SMALL },
};
const returned: Cluster = {
  ...{ id: id.returned, version: '2.1', variant: 'open', provider: 'gcp' },
  ...{ units: of21([10, 0], [10, 5]), size: LARGE },
};
const manyMasters: Cluster = {
  ...{ id: id.manyMasters, version: '2.1', variant: 'enterprise', provider: 'aws' },
  units: of21([5, 0], [5, 0]),
  size: { ...MIDDLE, cpu_used: 10, mem_used: 40_000, disk_used: 500_000 },
};
const onePlace: Cluster = { ...silent, id: id.cloned };
const otherPlace: Cluster = {
  ...{ id: id.cloned, version: '2.1', variant: 'open', provider: 'azure' },
  ...{ units: of21([5, 0], [5, 0]), size: MIDDLE },
};
const clockOff: Cluster = { ...manyMasters, id: id.clockOff };

const NOT_A_COUNT = { task_count: 'many' };

/** Three masters report the health of five hours; the last one of each hour sees a sick node. */
const mastersDay = (ago: number) => [
  ...['10', '11', '12', '13', '14'].flatMap((hour) => [
    health(manyMasters, at(ago, `${hour}:00`)),
    health(manyMasters, at(ago, `${hour}:01`)),
    health(manyMasters, at(ago, `${hour}:02`), of21([5, 1], [5, 0])),
  ]),
  resources(manyMasters, at(ago, '11:05'), ['marathon']),
  packages(manyMasters, at(ago, '12:05'), { spark: '3.0.0' }),
];

/** Two places with one GUID, by turns, every two hours. */
const clonedDay = (ago: number) =>
  ['06', '08', '10', '12', '14', '16'].flatMap((hour, turn) => {
    const place = turn % 2 === 0 ? onePlace : otherPlace;
    return [
      health(place, at(ago, `${hour}:00`)),
      resources(place, at(ago, `${hour}:30`), ['marathon']),
    ];
  });

const OLD = { kafka: '1.0.0' };
const NEW = { kafka: '1.1.0', cassandra: '2.0.0' };

export const dcosEvents: FleetEvent[] = [
  ...days(30, 11).flatMap((ago) => daily(before, ago, ['marathon', 'metronome'], OLD)),
  ...days(10, 1).flatMap((ago) => daily(after, ago, ['marathon', 'metronome'], NEW)),
  ...days(30, 2).flatMap((ago) => daily(sick, ago, ['marathon'], { ...OLD, spark: '3.0.0' })),
  health(sick, at(1, '10:00')),
  resources(sick, at(1, '11:00'), ['marathon'], NOT_A_COUNT),
  packages(sick, at(1, '12:00'), { ...OLD, spark: '3.0.0' }),
  ...days(20, 7).flatMap((ago) => daily(silent, ago, ['marathon'], {})),
  ...[...days(28, 20), ...days(9, 1)].flatMap((ago) =>
    daily(returned, ago, ['marathon', 'kafka'], { ...NEW, spark: '3.0.0' }),
  ),
  ...days(3, 1).flatMap(mastersDay),
  ...days(2, 1).flatMap(clonedDay),
  health(clockOff, '2001-01-01T00:00:00.000Z'),
  health(clockOff, AHEAD),
  dcos(sick, 'unheard_of', at(1, '13:00'), {}),
];

/** Of the one whose clock is an hour behind, in Segment's dialect, which tells when it was sent. */
export const skewedBatch = () => {
  const sentAt = new Date(Date.now() - HOUR_MS).toISOString();
  const { installationId, event: name, properties } = health(clockOff, sentAt);
  return {
    sentAt,
    batch: [
      {
        ...{ type: 'track', event: name, messageId: 'skewed', timestamp: sentAt },
        properties: { clusterId: installationId, ...properties },
      },
    ],
  };
};

const OCTOPUS = {
  a: { environments: 4, machines: 20, projects: 10, first_deployment: 3600, container: true },
  b: { environments: 2, machines: 5, projects: 3, first_deployment: 7200, container: false },
  c: { environments: 'four', machines: 50, projects: 7, first_deployment: 86_400, container: true },
};
const DEPRECATED = { internal_events: { deprecated: { legacy_api: 3 } } };

const octopus = (
  installationId: string | undefined,
  ago: number,
  version: string,
  properties: object,
) =>
  event({
    ...{ installationId, product: 'octopus', event: 'telemetry', occurredAt: at(ago, '09:00') },
    ...{ version, properties },
  });

export const octopusEvents: FleetEvent[] = [
  ...days(30, 8).map((ago) => octopus(octopusA, ago, '2021.1.0', { ...OCTOPUS.a, ...DEPRECATED })),
  ...days(7, 1).map((ago) =>
    octopus(octopusA, ago, '2021.2.0', {
      ...OCTOPUS.a,
      ...DEPRECATED,
      spaces: 2,
      motto: 'we deploy',
    }),
  ),
  ...days(30, 1).map((ago) => octopus(octopusB, ago, '2021.1.0', OCTOPUS.b)),
  ...days(15, 1).map((ago) =>
    octopus(octopusC, ago, '2021.2.0', { ...OCTOPUS.c, motto: 'we ship' }),
  ),
];

const resoto =
  (installationId: string | undefined, version: string) =>
  (ago: number, time: string, name: string, properties: object = {}) =>
    event({
      ...{ installationId, product: 'resoto', event: name, occurredAt: at(ago, time) },
      ...{ version, properties },
    });
const d = resoto(resotoD, '4.0.0');
const e = resoto(resotoE, '4.1.0');
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
  e(1, '10:40', 'usage-metrics.turned-off'),
  e(1, '10:50', 'system.stopped', { total_seconds: 60 }),
];

/** A call of the UI as analytics.js sends it: `page`, or a `track` of an event. */
function call(
  cluster: Cluster,
  time: string,
  user: string,
  what: { path: string } | { event: string },
) {
  return {
    ...{
      type: 'path' in what ? 'page' : 'track',
      messageId: `call ${(made += 1)}`,
      timestamp: time,
    },
    ...{ userId: `${user}@example.com`, anonymousId: `browser-of-${user}` },
    ...('event' in what && { event: what.event }),
    properties: {
      ...{ clusterId: cluster.id, version: cluster.version, appVersion: cluster.version },
      ...('path' in what && { path: what.path }),
    },
  };
}

export const uiBatch = {
  batch: [
    call(after, at(2, '10:05'), 'one', { path: '/nodes' }),
    call(after, at(1, '10:05'), 'one', { event: 'dcos_login' }),
    call(after, at(1, '10:06'), 'one', { path: '/services' }),
    call(after, at(1, '10:06:01'), 'one', { path: '/services' }),
    call(after, at(1, '10:07'), 'one', { path: '/nodes' }),
    call(after, at(1, '10:10'), 'other', { event: 'dcos_login' }),
    call(after, at(1, '10:11'), 'other', { path: '/nodes' }),
    call(sick, at(1, '10:05'), 'one', { event: 'dcos_login' }),
    call(sick, at(1, '10:20'), 'one', { event: 'dcos_logout' }),
  ],
};
