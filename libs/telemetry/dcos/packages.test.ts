import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PackageSnapshot } from '../report.js';
import { readPackageList } from './packages.js';

/** A package as each form of the list shows it; only the last one names its version. */
const forms = {
  documents: (name: string) => ({ name }),
  '1.8': (name: string) => ({ appId: `/${name}` }),
  '1.10': (name: string, version: string) => ({
    appId: '/what the user wrote',
    packageInformation: { packageDefinition: { name, version } },
  }),
};

describe('an installed package', () => {
  test.each([
    ['the documents', { name: 'kafka' }, 'kafka', ''],
    ['the documents, with a version', { name: 'kafka', version: '1.1' }, 'kafka', ''],
    ['1.8', { appId: '/kafka' }, 'kafka', ''],
    ['1.8, without its slash', { appId: 'marathon-user\n' }, 'marathon-user', ''],
    ['1.10', forms['1.10']('kafka', '2.10.0-1.0.0'), 'kafka', '2.10.0-1.0.0'],
    ['1.10, of a name of one’s own', forms['1.10']('my-tool', 'v1'), 'my-tool', 'v1'],
    ['1.8, in its beta', { appId: '/beta-kafka' }, 'beta-kafka', ''],
    ['1.10, no version', { packageInformation: { packageDefinition: { name: 'a' } } }, 'a', ''],
    ['1.10, an empty version', forms['1.10']('a', ''), 'a', ''],
    ['1.10, a null for a version', forms['1.10']('a', null as never), 'a', ''],
    ['1.10, no definition', { appId: '/kafka', packageInformation: null }, 'kafka', ''],
    ['1.10, an empty definition', { appId: '/kafka', packageInformation: {} }, 'kafka', ''],
  ])('in the form of %s is %j', (_, item, name, version) => {
    const { snapshot, defects } = read([item]);
    expect(snapshot).toMatchObject({ packages: [name], versions: [version], instances: [1] });
    expect(defects).toEqual([]);
  });

  test('has the package’s name, not the name that the user gave the app', () => {
    const { snapshot } = read([{ appId: '/kafka', name: 'spark' }, forms['1.10']('hdfs', '1')]);
    expect(snapshot.packages).toEqual(['hdfs', 'spark']);
  });

  test.each([
    '/prod/kafka',
    '/Kafka',
    '/kafka of alice@example.com',
    '/-kafka',
    '//kafka',
    '/',
    '',
    '/プロド',
    '/kafka\u0000',
    '/node-7.corp.example.com',
    '/10.0.0.5',
    '/kafka2',
    '/alices-kafka',
    '/alice',
    '/15551234567',
    '/70b28f00-e38f-41b2-a723-aab344f535b9',
    `/${'x'.repeat(129)}`,
  ])('is not an app id like %j, for that is the text of a user', (appId) => {
    const { snapshot, defects } = read([{ appId: '/spark' }, { appId }]);
    expect(snapshot.packages).toEqual(['spark']);
    expect(defects).toEqual([{ path: 'package_list[1].appId', reason: 'not_a_package_name' }]);
  });

  test.each([
    [null, '', 'not_an_object'],
    ['kafka', '', 'not_an_object'],
    [['kafka'], '', 'not_an_object'],
    [{}, '.appId', 'not_text'],
    [{ appId: 7 }, '.appId', 'not_text'],
    [{ name: null }, '.name', 'not_text'],
    [{ name: '\n' }, '.name', 'malformed'],
    [{ name: 'x'.repeat(129) }, '.name', 'too_long'],
    [forms['1.10']('', '1'), '.packageInformation.packageDefinition.name', 'malformed'],
    [forms['1.10']('a', 7 as never), '.packageInformation.packageDefinition.version', 'not_text'],
    [forms['1.10']('a', '\n'), '.packageInformation.packageDefinition.version', 'malformed'],
    [
      forms['1.10']('a', 'x'.repeat(129)),
      '.packageInformation.packageDefinition.version',
      'too_long',
    ],
  ])('is not %j, which costs itself and nothing else', (item, path, reason) => {
    const { snapshot, defects } = read([{ name: 'spark' }, item, { name: 'hdfs' }]);
    expect(snapshot.packages).toEqual(['hdfs', 'spark']);
    expect(defects).toEqual([{ path: `package_list[1]${path}`, reason }]);
  });
});

describe('the name of a package', () => {
  test.each([
    ...['kafka', 'marathon-lb', 'arangodb3', 'beta-hdfs', 'dcos-enterprise-cli', 'mesos-dns'],
    ...['akka.cluster', 'percona_mongo', 'data-science-engine', 'MyTool', 'c++', 'x'.repeat(128)],
  ])('may be %s', (name) => {
    const { snapshot, defects } = read([{ name }]);
    expect(snapshot.packages).toEqual([name]);
    expect(defects).toEqual([]);
  });

  test.each([
    ...['alice@example.com', 'https://alice', 'node-7.corp.example.com', 'gitlab.corp', '10.0.0.5'],
    ...['kafka on 10.0.0.5', 'fe80::1', '/home/alice', 'prod/alice', 'C:\\alice', 'k 15551234567'],
    ...['00-1b-63-84-45-e6', '70b28f00-e38f-41b2-a723-aab344f535b9', '9f86d081884c7d65', '😀'],
    ...['-kafka', '<b>', 'Data Science Engine', 'Kafka of Alice', 'プロド', 'kafka-プロド'],
  ])('is not %s, which may be identifying', (name) => {
    for (const [item, path] of [
      [{ name }, '.name'],
      [forms['1.10'](name, '1.0'), '.packageInformation.packageDefinition.name'],
    ] as const) {
      const { snapshot, defects } = read([{ name: 'spark' }, item]);
      expect(snapshot.packages).toEqual(['spark']);
      expect(defects).toEqual([{ path: `package_list[1]${path}`, reason: 'identifying' }]);
    }
  });
});

describe('the version of a package', () => {
  test.each([
    ...[
      '1.564',
      '0.9.2.0',
      '1.1.19.1-0.10.1.0',
      '2.10.0-1.0.0',
      '1.3.0-SNAPSHOT',
      '0.9.0-RC3',
      '1.5.0-db83ac7',
    ],
    ...['1.5.0-multi-roles-v2', 'v1.7.2', '20160315', '2.0.0+build.7', '1.0~rc1', '3'],
    ...['alpha', 'beta-1.2', 'rc.1', 'stub-universe', 'latest', 'master', 'stable', 'Nightly'],
  ])('may be %s', (version) => {
    const { snapshot, defects } = read([forms['1.10']('kafka', version)]);
    expect(snapshot.versions).toEqual([version]);
    expect(defects).toEqual([]);
  });

  test.each([
    ...['alice', 'of alice', '1.0 of alice', 'alice@example.com', '1.0@alice', '/home/1', '1/0'],
    ...['10.0.0.5', '192.168.100.1', '15551234567', 'プロド', '1.0 😀', '<1>'],
    ...['v10.0.0.5', 'victor', 'devon', 'dev-alice.example.com', 'master.corp.example.com'],
    ...['1.0-node-7.corp.example.com', '00-1b-63-84-45-e6', '70b28f00-e38f-41b2-a723-aab344f535b9'],
  ])('is not %s', (version) => {
    const { snapshot, defects } = read([{ name: 'spark' }, forms['1.10']('kafka', version)]);
    expect(snapshot).toMatchObject({ packages: ['spark'], versions: [''] });
    const path = 'package_list[1].packageInformation.packageDefinition.version';
    expect(defects).toEqual([{ path, reason: 'malformed' }]);
  });
});

describe('the list', () => {
  test('is counted by name and version in canonical order, whatever the order and form of the items', () => {
    fc.assert(
      fc.property(lists, fc.nat(), (list, turn) => {
        const { snapshot, defects } = read(list.map(({ item }) => item));
        const installed = list.map(({ name, version }) => [name, version]);
        const distinct = new Map(installed.map((it) => [it.join(' '), it]));
        const expected = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(snapshot.packages).toEqual(expected.map(([, [name]]) => name));
        expect(snapshot.versions).toEqual(expected.map(([, [, version]]) => version));
        expect(snapshot.instances).toEqual(
          expected.map(([key]) => installed.filter((it) => it.join(' ') === key).length),
        );
        expect(defects).toEqual([]);
        const turned = [...list.slice(turn % 5), ...list.slice(0, turn % 5)].reverse();
        expect(read(turned.map(({ item }) => item)).snapshot).toEqual(snapshot);
      }),
    );
  });

  test('of the same packages has the same id in all forms without versions', () => {
    const names = ['marathon', 'arangodb'];
    const [documents, agents] = [names.map(forms.documents), names.map(forms['1.8'])];
    const withVersions = names.map((name) => forms['1.10'](name, '1.0'));
    expect(read(agents).snapshot).toEqual(read(documents).snapshot);
    expect(read(withVersions).snapshot.id).not.toBe(read(documents).snapshot.id);
  });

  test('has an id that depends on names, versions and numbers only', () => {
    const id = (...items: unknown[]) => read(items).snapshot.id;
    const [a1, a2, b1] = [
      forms['1.10']('a', '1'),
      forms['1.10']('a', '2'),
      forms['1.10']('b', '1'),
    ];
    const ids = [id(), id(a1), id(a2), id(b1), id(a1, a1), id(a1, a2), id(a1, b1)];
    expect(new Set(ids).size).toBe(ids.length);
    expect(id({ ...a1, appId: '/other' })).toBe(id(a1));
  });

  test.each([[[]], [null]])('may be empty, which means that nothing is installed: %j', (list) => {
    const { snapshot, defects } = read(list);
    expect(snapshot).toMatchObject({ kind: 'packages', packages: [], versions: [], instances: [] });
    expect(defects).toEqual([]);
  });

  test.each(['kafka', 7, true, { name: 'kafka' }])('is not %j', (list) => {
    expect(readPackageList({ package_list: list })).toEqual({
      content: null,
      defects: [{ path: 'package_list', reason: 'not_a_list' }],
    });
  });

  test('is not read as empty if it is missing or has no valid item', () => {
    expect(readPackageList({ clusterId: 'x' })).toEqual({ content: null, defects: [] });
    expect(readPackageList({ package_list: [{ appId: '/prod/kafka' }, 7] })).toEqual({
      content: null,
      defects: [
        { path: 'package_list[0].appId', reason: 'not_a_package_name' },
        { path: 'package_list[1]', reason: 'not_an_object' },
      ],
    });
  });
});

function read(list: unknown) {
  const { content, defects } = readPackageList({ package_list: list });
  return { snapshot: content!.snapshot as PackageSnapshot, defects };
}

/** Few names and versions, so that some meet; each package in any of the forms. */
const lists = fc.array(
  fc
    .tuple(
      fc.constantFrom('kafka', 'beta-kafka', 'spark', 'marathon-lb', 'arangodb3'),
      fc.constantFrom('1.0', '2.0', '10.0-beta+x'),
      fc.constantFrom<keyof typeof forms>('documents', '1.8', '1.10'),
    )
    .map(([name, version, form]) => ({
      name,
      version: form === '1.10' ? version : '',
      item: forms[form](name, version),
    })),
);
