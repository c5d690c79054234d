import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMuster, type Muster } from './support/muster.js';

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
});

afterAll(() => muster.stop());

const DEEP = '{"a":'.repeat(25) + '1' + '}'.repeat(25);

/** A request with a valid event, one with NaN, one that is too deep, and another valid one. */
type Request = (id: string, properties: (more: string) => string) => string;

const native = (id: string, properties: string) =>
  `{"installationId":"${id}","product":"dcos","event":"health","properties":${properties}}`;
const track = (id: string, properties: string) =>
  `{"type":"track","event":"health","anonymousId":"${id}","messageId":"${randomUUID()}","properties":${properties}}`;
const captured = (id: string, properties: string) =>
  `{"event":"system.started","uuid":"${randomUUID()}","distinct_id":"${id}","properties":${properties}}`;

const all = (write: (id: string, properties: string) => string): Request => {
  return (id, properties) =>
    ['1', 'NaN', DEEP, '-Infinity', '2'].map((more) => write(id, properties(more))).join();
};

const DCOS = (more: string) =>
  `{"health-unit-a-total":1,"health-unit-a-unhealthy":0,"health-unit-b-total":${more},"health-unit-b-unhealthy":0}`;
const RESOTO = (more: string) => `{"cpu_count":4,"other":${more}}`;

test.each<[string, string, (id: string) => string, string]>([
  ['an array', '/v1/events', (id) => `[${all(native)(id, DCOS)}]`, 'wk_dcos'],
  ['Segment’s batch', '/v1/batch', (id) => `{"batch":[${all(track)(id, DCOS)}]}`, 'wk_dcos'],
  ['PostHog’s batch', '/batch', (id) => `{"batch":[${all(captured)(id, RESOTO)}]}`, 'wk_resoto'],
])(
  'a non-finite number or an event that is too deep does not affect other events in %s',
  async (_, path, body, key) => {
    const id = randomUUID();
    const before = await tooDeep();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await muster.post(path, body(id), { headers });
    expect(answer.status).toBe(path === '/v1/events' ? 202 : 200);
    await muster.drained();
    const reports = await muster.analyst('SELECT 1 FROM fleet.reports WHERE installation_id = $1', [
      id,
    ]);
    expect(reports).toHaveLength(4);
    const defects = await muster.analyst(
      'SELECT DISTINCT path, reason FROM fleet.defects WHERE installation_id = $1',
      [id],
    );
    const wrong = key === 'wk_dcos' ? 'health-unit-b-total' : 'other';
    expect(defects).toContainEqual({ path: wrong, reason: 'not_a_number' });
    if (path === '/v1/events') {
      expect(answer.json.results[2]).toMatchObject({ status: 'rejected', code: 'too_deep' });
      expect(answer.json).toMatchObject({ accepted: 4, rejected: 1 });
    } else expect((await tooDeep()) - before).toBe(1);
  },
);

test('an NDJSON line that is too deep or not JSON does not affect other lines', async () => {
  const id = randomUUID();
  const good = native(id, DCOS('1'));
  const lines = [good, native(id, DCOS(DEEP)), '{"a":', good, native(id, DCOS('NaN'))].join('\n');
  const headers = { authorization: 'Bearer wk_dcos', 'content-type': 'application/x-ndjson' };
  const { status, json } = await muster.post('/v1/events', lines, { headers });
  expect(status).toBe(202);
  const codes = (json.results as { code?: string }[]).map(({ code }) => code);
  expect(codes).toEqual([undefined, 'too_deep', 'invalid_json', undefined, undefined]);
  await muster.drained();
  const reports = await muster.analyst('SELECT 1 FROM fleet.reports WHERE installation_id = $1', [
    id,
  ]);
  expect(reports).toHaveLength(3);
});

async function tooDeep(): Promise<number> {
  const [row] = await muster.analyst(
    `SELECT coalesce(sum(event_count), 0)::int AS count FROM fleet.quarantined_events
      WHERE reason = 'event_too_deep'`,
  );
  return row!.count as number;
}
