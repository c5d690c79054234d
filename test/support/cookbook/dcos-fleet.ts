import { event, type FleetEvent } from './event.js';
import { AHEAD, at, days, HOUR_MS, id } from './times.js';

/** The number of nodes of a unit, and of those on which it is unhealthy. */
type Units = Record<string, [total: number, unhealthy: number]>;

export interface Cluster {
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

/** The three reports of a day, at 10, 11 and 12. */
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
export const after: Cluster = { ...before, version: '2.1', units: of21([5, 1], [5, 0]) };
export const sick: Cluster = {
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

/** Three masters report health for five hours. The last one in each hour sees an unhealthy node. */
const mastersDay = (ago: number) => [
  ...['10', '11', '12', '13', '14'].flatMap((hour) => [
    health(manyMasters, at(ago, `${hour}:00`)),
    health(manyMasters, at(ago, `${hour}:01`)),
    health(manyMasters, at(ago, `${hour}:02`), of21([5, 1], [5, 0])),
  ]),
  resources(manyMasters, at(ago, '11:05'), ['marathon']),
  packages(manyMasters, at(ago, '12:05'), { spark: '3.0.0' }),
];

/** Two installations with the same GUID, which alternate every two hours. */
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

/**
 * A small fleet for which every result can be derived by hand. All events are on days before today,
 * at fixed hours, except for the installation with a wrong clock.
 */
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

/**
 * The batch of the installation whose clock is one hour behind, in Segment's dialect, which has
 * sentAt.
 */
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
