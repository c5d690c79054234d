import { randomUUID } from 'node:crypto';
import { KEY_LIKE, NOT_A_NUMBER, NUMBER_LIKE, NUMBERS, places } from './planted-places.js';
import { NUMBER, type Place, type Planter } from './planted.js';

const AROUND: Place[] = [
  ...places('userId anonymousId messageId timestamp type event name category groupId previousId'),
  ...places('integrations/all context/ip context/userAgent context/locale context/os/name'),
  ...places('context/page/path context/page/title context/page/url context/page/referrer'),
  ...places('context/page/search context/traits/email context/library/version _metadata/host'),
  ...places('traits/email traits/name traits/company/name unheard'),
  ['{}', 'a text'],
  ['context/{}', 3],
  ['traits/{}', 3],
];

const ANYWHERE: Place[] = [
  ...places('properties/clusterId properties/note properties/deep/er/note properties/list/0'),
  ['properties/customerKey/x'],
  ['properties/list', ['{}', { '{}': ['{}', 7] }]],
  ['properties/account_ids', [[NUMBER], { n: NUMBER }], NOT_A_NUMBER],
  ['properties/{}', 3],
  ['properties/{}', 'a text'],
  ['properties/{}', { '{}': 3 }],
  ['properties/deep/{}', 3],
  ['properties/node_count_{}.total', 3],
];

/** Places where a rule allows some text. */
const DESCRIPTION: Place[] = [
  ...places('properties/environmentVersion properties/version properties/variant'),
  ...places('properties/provider properties/platform properties/source'),
  ['properties/customerKey', '{}', KEY_LIKE],
  ['properties/licenseId', '{}', KEY_LIKE],
];

const HEALTH: Place[] = [
  ['properties/+', { 'health-unit-{}-total': 3, 'health-unit-{}-unhealthy': 0 }],
  ['properties/health-unit-{}-service-total', 7],
  ['properties/health-unit-{}-total', '{}'],
  ['properties/health-unit-a-service-total'],
  ['properties/health-unit-b-service-total', { '{}': '{}' }],
  ['properties/health-unit-c', { 'd-service-total': '{}' }],
];

const MESOS: Place[] = [
  ['properties/frameworks', '{}'],
  ['properties/frameworks', ['{}']],
  ['properties/frameworks', [{ name: '{}' }, { name: '{} cluster' }, { name: '{}', role: '{}' }]],
  ['properties/frameworks', [{ name: 'a' }, { '{}': '{}', name: 7, user: '{}', hostname: '{}' }]],
  ...places('properties/task_count properties/agents_active'),
  ['properties/cpu_total', '{}', NUMBER_LIKE],
  ['properties/mem_used', ['{}']],
];

const DEFINITION = { name: 'kafka', version: '1.0' };
const PACKAGES: Place[] = [
  ['properties/package_list', '{}'],
  ['properties/package_list', ['{}', { name: 'kafka' }]],
  ['properties/package_list', { '{}': '{}' }],
  ...[{ name: '{}' }, { name: '{} x' }, { appId: '{}' }, { '{}': '{}', name: 'kafka' }].map(
    (item): Place => ['properties/package_list', [item, { name: 'kafka' }]],
  ),
  ...[{ name: '{}' }, { version: '{}' }, { maintainer: '{}' }, { '{}': 7 }].map((item): Place => {
    const packageDefinition = { ...DEFINITION, ...item };
    const full = { appId: '{}', packageInformation: { packageDefinition, '{}': '{}' } };
    return ['properties/package_list', [full, { name: 'kafka' }]];
  }),
];

const UI: Place[] = [
  ...places('properties/path properties/appVersion properties/version properties/clusterId'),
  ['properties/path', '/services/detail/{}'],
  ['properties/path', '/users/{}/edit?name={}#{}'],
  ['properties/path', '#/nodes/{}'],
  ['properties/path', ['{}']],
  ...places('properties/title properties/url properties/referrer properties/search'),
  ...places('properties/email properties/deep/name'),
  ['properties/{}', 3],
  ['properties/{}', 'a text'],
];

const cluster = (event: string, properties: object) => () => ({
  type: 'track',
  event,
  properties: { clusterId: randomUUID(), environmentVersion: '1.13.0', ...properties },
});

const health = cluster('health', {
  'health-unit-a-service-total': 3,
  'health-unit-a-service-unhealthy': 1,
});
const mesos = cluster('mesos_track', { cpu_total: 4, frameworks: [{ name: 'marathon' }] });
const packages = cluster('package_list', { package_list: [{ name: 'kafka', version: '1.0' }] });
const later = cluster('dcos_upgrade', { nodes: 3 });

const ui = (type: string, event?: string) => () => ({
  ...{ type, event, userId: 'u', anonymousId: randomUUID() },
  context: { library: { name: 'analytics.js' } },
  properties: { clusterId: randomUUID(), path: '/nodes', appVersion: '1.10.0' },
});

/** Events as sent by Segment's clients, with an identifier in each. */
export function plantSegment(planter: Planter): object[] {
  const plant = (base: () => object, into: Place[], ways?: 4) =>
    planter.plantInto('segment', base, into, ways);
  return [
    ...plant(health, [...DESCRIPTION, ...HEALTH], 4),
    ...plant(mesos, MESOS, 4),
    ...plant(packages, PACKAGES, 4),
    ...plant(health, [...AROUND, ...ANYWHERE, ...NUMBERS]),
    ...plant(later, [...ANYWHERE, ...NUMBERS, ...DESCRIPTION]),
    ...plant(cluster('health', {}), DESCRIPTION),
    ...planter.plantNames('segment', health, 100),
    ...plant(ui('page'), [...AROUND, ...UI]),
    ...plant(ui('track', 'dcos_login'), UI),
    ...plant(ui('identify'), UI),
    ...['identify', 'screen', 'group', 'alias'].flatMap((type) =>
      plant(ui(type), AROUND.slice(0, 10)),
    ),
  ];
}
