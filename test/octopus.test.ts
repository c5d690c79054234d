import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogueOf, ownDeclarations } from '#telemetry';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';

const KEY = { headers: { authorization: 'Bearer wk_octopus' } };
const SHA1 = createHash('sha1').update('a serial number').digest('hex');

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
});

afterAll(() => muster.stop());

const PROPERTIES = {
  license_serial_sha1: SHA1,
  environments: 4,
  deployment_targets: { listening_tentacle: 12, kubernetes: 3, ssh: null },
  deployment_steps: { 'Octopus.Script': 40, 'Octopus.AzureWebApp': 2 },
  memory: 1_572_864_000,
  cpu: 12.5,
  lets_encrypt: true,
  guest_account: false,
  first_deployment: 86_400,
  last_metadata_event: '2026-10-01',
  issue_trackers: ['jira', 'github'],
  api_calls: { projects: { '200': 17, '404': 1 } },
};

const event = (installationId: string, properties: object) => ({
  ...{ installationId, product: 'octopus', event: 'telemetry', version: '2021.2.7428' },
  properties,
});

async function send(installationId: string, properties: object) {
  const answer = await muster.post('/v1/events', event(installationId, properties), KEY);
  expect(answer.status).toBe(202);
  await muster.drained();
}

async function readings(installationId: string, columns = 'metric, dimension, value') {
  return muster.analyst(
    `SELECT ${columns} FROM fleet.current_metrics WHERE installation_id = $1
      ORDER BY metric, dimension`,
    [installationId],
  );
}

test('each metric of a payload is a reading with its unit, and missing metrics are absent', async () => {
  const id = randomUUID();
  await send(id, PROPERTIES);
  const rows = await readings(id, 'product_version, metric, dimension, value, unit, is_known');
  const of = (metric: string, value: number, unit = '1', dimension: string | null = null) => ({
    ...{ product_version: '2021.2.7428', metric, dimension, value, unit, is_known: true },
  });
  expect(rows).toEqual([
    of('api_calls', 17, '1', 'projects/200'),
    of('api_calls', 1, '1', 'projects/404'),
    of('cpu', 12.5, 'percent'),
    of('deployment_steps', 2, '1', 'Octopus.AzureWebApp'),
    of('deployment_steps', 40, '1', 'Octopus.Script'),
    of('deployment_targets', 3, '1', 'kubernetes'),
    of('deployment_targets', 12, '1', 'listening_tentacle'),
    of('environments', 4),
    of('first_deployment', 86_400, 's'),
    of('guest_account', 0),
    of('issue_trackers', 1, '1', 'github'),
    of('issue_trackers', 1, '1', 'jira'),
    of('last_metadata_event', Date.UTC(2026, 9, 1) / 1000, 'seconds since 1970'),
    of('lets_encrypt', 1),
    of('memory', 1_572_864_000, 'By'),
  ]);
});

test('memory and CPU are also resource readings, and the licence digest describes the installation', async () => {
  const id = randomUUID();
  await send(id, PROPERTIES);
  const resources = await muster.analyst(
    `SELECT mem_used_mb, cpu_percent, cpu_used FROM fleet.resource_readings WHERE installation_id = $1`,
    [id],
  );
  expect(resources).toEqual([{ mem_used_mb: 1500, cpu_percent: 12.5, cpu_used: null }]);
  const installations = await muster.analyst(
    `SELECT product, version, license_id FROM fleet.installations WHERE installation_id = $1`,
    [id],
  );
  expect(installations).toEqual([{ product: 'octopus', version: '2021.2.7428', license_id: SHA1 }]);
});

test('every metric of the catalogue is accepted with its type', async () => {
  const metrics = catalogueOf(ownDeclarations).filter(({ product }) => product === 'octopus');
  expect(metrics.length).toBeGreaterThan(40);
  const samples = { flag: true, date: '2026-01-02T03:04:05Z', counts: 3 } as const;
  const valueOf = (kind: string) => (kind in samples ? samples[kind as keyof typeof samples] : 3);
  const id = randomUUID();
  await send(id, Object.fromEntries(metrics.map(({ metric, kind }) => [metric, valueOf(kind)])));
  const rows = await readings(id, 'metric, is_known');
  expect(rows.map(({ metric }) => metric)).toEqual(metrics.map(({ metric }) => metric).sort());
  expect(rows.every(({ is_known }) => is_known)).toBe(true);
});

test('an unknown metric is stored if it is a number, and marked as unknown', async () => {
  const id = randomUUID();
  await send(id, { environments: 1, spaces: 2, is_ha: true, motto: 'we deploy', space_id: 17 });
  expect(await readings(id, 'metric, value, unit, is_known')).toEqual([
    { metric: 'environments', value: 1, unit: '1', is_known: true },
    { metric: 'is_ha', value: 1, unit: null, is_known: false },
    { metric: 'spaces', value: 2, unit: null, is_known: false },
  ]);
  const dropped = await muster.analyst(
    `SELECT key FROM fleet.dropped_properties WHERE product = 'octopus' ORDER BY key`,
  );
  expect(dropped).toEqual([{ key: 'motto' }, { key: 'space_id' }]);
});

test('up to 5,000 types are stored, and the number of dropped types is recorded', async () => {
  const types = (count: number) => Array.from({ length: count }, (_, n) => `p${n}`);
  const [id, tooMany] = [randomUUID(), randomUUID()];
  await send(id, { deployment_steps: types(5000) });
  await send(tooMany, { deployment_steps: types(6000) });
  for (const installation of [id, tooMany]) {
    expect(await readings(installation)).toHaveLength(5000);
  }
  const columns = 'path, reason, left_out';
  const defects = (installation: string) =>
    muster.analyst(`SELECT ${columns} FROM fleet.defects WHERE installation_id = $1`, [
      installation,
    ]);
  expect(await defects(id)).toEqual([]);
  expect(await defects(tooMany)).toEqual([
    { path: 'deployment_steps', reason: 'too_many', left_out: 1000 },
  ]);
});

test('an invalid reading does not affect the others, and a licence serial number is rejected', async () => {
  const id = randomUUID();
  const serial = 'ABCD-1234-EFGH';
  await send(id, {
    ...{ environments: -1, projects: 2.5, lets_encrypt: 'yes', last_metadata_event: 'yesterday' },
    ...{ deployment_targets: { kubernetes: 'many', toaster: 1 }, users: 7 },
    license_serial_sha1: serial,
  });
  expect(await readings(id)).toEqual([
    { metric: 'deployment_targets', dimension: '*', value: 1 },
    { metric: 'users', dimension: null, value: 7 },
  ]);
  const defects = await muster.analyst(
    'SELECT path, reason FROM fleet.defects WHERE installation_id = $1 ORDER BY path',
    [id],
  );
  expect(defects).toEqual([
    { path: 'deployment_targets.kubernetes', reason: 'not_a_number' },
    { path: 'environments', reason: 'negative' },
    { path: 'last_metadata_event', reason: 'not_a_timestamp' },
    { path: 'lets_encrypt', reason: 'not_a_flag' },
    { path: 'license_serial_sha1', reason: 'not_a_sha1_digest' },
    { path: 'projects', reason: 'fractional' },
  ]);
  const kept = await muster.owner(
    `SELECT envelope->'properties'->'license_serial_sha1' AS serial,
            envelope->'properties'->'users' AS users
       FROM original_event WHERE installation_id = $1`,
    [id],
  );
  expect(kept).toEqual([{ serial: { $length: serial.length }, users: 7 }]);
});

describe('the daily payload', () => {
  const post = (id: string, date: string, body: string | object) =>
    muster.post(`/api/telemetry/${id}/${date}`, body, KEY);
  const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);

  test('is stored once, under its day', async () => {
    const id = randomUUID();
    const before = await balanceOf(muster.analyst, 'octopus');
    for (let times = 0; times < 2; times += 1) {
      const { status } = await post(id, day, { version: '2020.2.14', environments: 3 });
      expect(status).toBe(202);
    }
    await muster.drained();
    expect(await readings(id, 'observed_at, product_version, metric, value')).toEqual([
      {
        ...{ observed_at: new Date(`${day}T00:00:00Z`), product_version: '2020.2.14' },
        ...{ metric: 'environments', value: 3 },
      },
    ]);
    const { stored, duplicate } = await balanceOf(muster.analyst, 'octopus');
    expect([stored - before.stored, duplicate - before.duplicate]).toEqual([1, 1]);
  });

  test.each(['""', '{}', 'null', ''])('may be empty: %j has the fate empty', async (body) => {
    const id = randomUUID();
    const before = await balanceOf(muster.analyst, 'octopus');
    expect((await post(id, day, body)).status).toBe(202);
    await muster.drained();
    expect(await balanceOf(muster.analyst, 'octopus')).toEqual({
      ...before,
      accepted: before.accepted + 1,
      empty: before.empty + 1,
    });
  });

  test.each([
    { id: 'no-guid', date: day, code: 'invalid_guid', path: 'installationId' },
    { id: randomUUID(), date: '2026-13-01', code: 'invalid_timestamp', path: 'date' },
    { id: randomUUID(), date: 'today', code: 'invalid_timestamp', path: 'date' },
  ])('with $id and $date is refused: $code', async ({ id, date, code, path }) => {
    const { status, json } = await post(id, date, { environments: 3 });
    expect({ status, json }).toMatchObject({
      status: 400,
      json: { success: false, code, results: [{ status: 'rejected', code, path }] },
    });
  });
});

test('a metrics event without properties is empty', async () => {
  const before = await balanceOf(muster.analyst, 'octopus');
  await send(randomUUID(), {});
  expect(await balanceOf(muster.analyst, 'octopus')).toMatchObject({ empty: before.empty + 1 });
});
