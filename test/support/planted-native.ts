import { randomUUID } from 'node:crypto';
import type { Kind } from './planted-kinds.js';
import { NUMBER, type Place, type Planter } from './planted.js';
import { KEY_LIKE, NOT_A_NUMBER, NUMBER_LIKE, places } from './planted-places.js';

const AROUND: Place[] = [
  ...places('id event version installationId product occurredAt unheard context/ip'),
  ['{}', 'a text'],
];

/** Excluded because forty hexadecimal digits may always be a digest. */
const DIGEST_LIKE: readonly Kind[] = ['session'];

const METRICS: Place[] = [
  ...places('properties/version properties/note properties/environments properties/lets_encrypt'),
  ...places('properties/last_metadata_event properties/issue_trackers properties/deployment_steps'),
  ['properties/license_serial_sha1', '{}', DIGEST_LIKE],
  ['properties/memory', '{}', NUMBER_LIKE],
  ['properties/issue_trackers', ['{}', 'jira']],
  ['properties/deployment_targets', { '{}': 3, ssh: 1 }],
  ['properties/deployment_steps', { '{}': 3 }],
  ['properties/deployment_steps', { ssh: '{}' }, NUMBER_LIKE],
  ['properties/api_calls', { projects: { '{}': 3 }, '{}': { '200': 17 } }],
  ['properties/database_calls', { a: { b: { c: { '{}': 3 } } } }],
  ['properties/unheard', { '{}': 3 }],
  ['properties/deployment_steps', { account_id: NUMBER, Job: 1 }, NOT_A_NUMBER],
  ['properties/deployment_targets', { phone: NUMBER, ssh: 1 }, NOT_A_NUMBER],
  ['properties/api_calls', { customer_no: { raw: NUMBER } }, NOT_A_NUMBER],
  ['properties/{}', 3],
  ['properties/{}', { '{}': 3 }],
  ['properties/{}', 'a text'],
];

const CLUSTERS: Place[] = [
  ['properties/health-unit-{}-total', 3],
  ...places('properties/note properties/variant'),
  ['properties/customerKey', '{}', KEY_LIKE],
  ['properties/{}', 3],
];

const ERRORS: Place[] = [
  ...places('properties/kind properties/message properties/note'),
  ['properties/{}', 3],
];

const COMPOSITE: Place[] = [
  ...places('cosmos/event cosmos/userId cosmos/properties/note unheard diagnostics mesos/event'),
  ['cosmos/properties/package_list', [{ appId: '{}' }, { name: '{}' }, { name: 'kafka' }]],
  ['cosmos/properties/{}', 3],
  ['mesos/properties/frameworks', [{ name: '{}' }]],
  ['mesos/properties/clusterId'],
];

/** Events that are called like a user. */
const LOGINS = 100;

const event = (product: string, name: string, properties: object) => () => ({
  ...{ installationId: randomUUID(), product, event: name, version: '1.0' },
  properties,
});

const telemetry = event('octopus', 'telemetry', { environments: 4 });
const later = event('octopus', 'later', { environments: 4 });
const health = event('dcos', 'health', { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 });
const failure = event('resoto', 'error.server', {});

/** Events in Muster's own dialect, by product of the required key. */
export function plantNative(planter: Planter): Record<string, object[]> {
  const plant = (base: () => object, into: Place[], ways?: 4) =>
    planter.plantInto('native', base, into, ways);
  return {
    octopus: [
      ...plant(telemetry, [...AROUND, ...METRICS], 4),
      ...plant(later, [...AROUND, ...METRICS]),
      ...planter.plantNames('native', later, LOGINS),
    ],
    dcos: [
      ...plant(health, [...AROUND, ...CLUSTERS]),
      ...planter.plantNames('native', health, LOGINS),
    ],
    resoto: plant(failure, [...AROUND, ...ERRORS]),
  };
}

const part = (name: string, properties: object) => ({
  event: name,
  properties: { clusterId: randomUUID(), ...properties },
});

const composite = () => ({
  cosmos: part('package_list', { package_list: [{ name: 'kafka' }] }),
  mesos: part('mesos_track', { cpu_total: 4 }),
});
const flat = () => ({ clusterId: randomUUID(), 'health-unit-a-total': 3 });
const printed = () => ({
  ...{ Event: 'health', UserId: 'u', ClusterId: randomUUID() },
  Properties: { clusterId: randomUUID(), 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 0 },
});

/** Reports as printed by DC/OS. */
export function plantReports(planter: Planter): object[] {
  return [
    ...planter.plantInto('composite report', composite, COMPOSITE),
    ...planter.plantInto('flat report', flat, [['clusterId'], ['{}', 3], ['note']]),
    ...planter.plantInto('printed report', printed, places('Event UserId ClusterId Properties/x')),
  ];
}

const PROPERTIES = 'properties/';

/** Payloads for `/api/telemetry/{id}/{date}`. */
export function plantDated(planter: Planter): object[] {
  const bare = METRICS.map(([path, content = '{}', except = []]): Place => [
    path.slice(PROPERTIES.length),
    content,
    except,
  ]);
  return planter.plantInto('dated report', () => ({ environments: 4 }), bare);
}
