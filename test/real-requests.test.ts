import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';
import { emptyTables, readTables } from './support/tables.js';

type Json = ReturnType<typeof JSON.parse>;

const FIXTURES = 'test/fixtures';
const KEY = { authorization: 'Bearer TESTWRITEKEY' };
const CLUSTER = '70b28f00-e38f-41b2-a723-aab344f535b9';

/** Each agent with the installation that its reports describe and the number of its events. */
const AGENTS = [
  {
    agent: 'dcos-signal-1.7-27b9cef',
    events: 1,
    installation: { version: '1.7-open', variant: 'UNSET', platform: null },
  },
  {
    agent: 'dcos-signal-1.8-375a6a7',
    events: 3,
    installation: { version: '1.8.8', variant: 'open', platform: null },
  },
  {
    agent: 'dcos-signal-1.10-7026c19',
    events: 3,
    installation: { version: '1.10.11', variant: 'open' },
  },
  {
    agent: 'dcos-signal-2.1-a2040b7-ee',
    events: 3,
    installation: {
      version: '2.1.0',
      variant: 'enterprise',
      customer_key: 'ab1c23de-45f6-7g8h-9012-i345j6k7lm8n',
      license_id: 'mesosphere-developer',
    },
  },
  {
    agent: 'segment-node-3.1.0',
    events: 9,
    installation: {
      version: '2.1.0',
      variant: 'enterprise',
      customer_key: 'ab1c23de-45f6-7g8h-9012-i345j6k7lm8n',
      license_id: 'mesosphere-developer',
    },
  },
  {
    // A browser does not describe the installation.
    agent: 'dcos-ui-analytics.js.page',
    events: 1,
    installation: { version: null, variant: null, provider: null, platform: null, source: null },
  },
];

const PRINTED = [
  {
    file: 'printed/dcos-signal-1.7-test-flag.json',
    parts: 1,
    installation: { version: '1.7', variant: 'UNSET', platform: null },
  },
  {
    file: 'printed/dcos-signal-2.1-test-flag.json',
    parts: 3,
    installation: { version: '2.1', variant: 'open' },
  },
  {
    file: 'documents/flat-ping-1.7.json',
    parts: 1,
    installation: {
      installation_id: '71159751-c28a-4a23-a279-d36ffc2fff40',
      version: '1.7-dev',
      variant: 'open',
      platform: null,
    },
  },
  {
    file: 'documents/composite.json',
    parts: 3,
    installation: { version: '1.8', variant: 'open', platform: null },
  },
];

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({
    keepAlive: true,
    writeKeys: { octopus: 'wk_octopus', dcos: 'TESTWRITEKEY', resoto: 'wk_resoto' },
  });
});

afterAll(() => muster.stop());

/** All agents reported for the same cluster, so each test starts empty and uses one agent. */
beforeEach(async () => {
  await emptyTables(muster.owner);
});

describe.each(AGENTS)('the requests of $agent', ({ agent, events, installation }) => {
  test('get exactly 200 and are stored as exactly the expected rows', async () => {
    await replayAll(agent);
    const saidEvents = bodiesOf(agent).flatMap(({ batch, ...body }) => batch ?? [body]);
    expect(saidEvents).toHaveLength(events);
    expect(await storedRows()).toEqual(rowsOf(saidEvents));
    expect(await installations()).toEqual([descriptionWith(installation)]);
    const unidentified = saidEvents.filter((event) => kindOf(event) === undefined).length;
    expect(await balanceOf(muster.analyst)).toEqual(
      expect.objectContaining({ accepted: events, stored: events - unidentified }),
    );
  });

  test('have times corrected by sentAt, whatever the agent’s clock', async () => {
    await replayAll(agent);
    const rows = await muster.analyst(
      `SELECT clock, (extract(epoch FROM received_at - observed_at) * 1000)::int AS age_ms
         FROM fleet.reports ORDER BY age_ms`,
    );
    const expected = bodiesOf(agent)
      .flatMap(({ sentAt, batch, ...body }) =>
        (batch ?? [body])
          .filter((event: Json) => kindOf(event) !== undefined)
          .map((event: Json) => ({
            clock: 'corrected',
            age_ms: Date.parse(rfc3339(sentAt)) - Date.parse(rfc3339(event.timestamp)),
          })),
      )
      .sort((a, b) => a.age_ms - b.age_ms);
    expect(rows).toEqual(expected);
  });

  test('are counted and change nothing when they are resent byte for byte', async () => {
    await replayAll(agent);
    const { stored, quarantined, ...once } = await balanceOf(muster.analyst);
    const tables = await tablesWithoutCounts();
    await replayAll(agent);
    expect(await tablesWithoutCounts()).toEqual(tables);
    // A copy of an event without an installation cannot be detected.
    expect(await balanceOf(muster.analyst)).toEqual({
      ...once,
      stored,
      accepted: 2 * events,
      duplicate: stored,
      quarantined: 2 * quarantined,
    });
  });
});

test('a browser that sends a page view may read the response from any page', async () => {
  const [raw] = requestsOf('dcos-ui-analytics.js.page');
  expect(raw!.toString()).toContain('Origin: http://ui.dcos.test');
  const { headers } = await muster.replay(raw!);
  expect(headers['access-control-allow-origin']).toBe('http://ui.dcos.test');
  await muster.drained();
});

test('an event without an installation is counted by reason, without its values', async () => {
  await replayAll('segment-node-3.1.0');
  const rows = await muster.analyst(
    `SELECT installation_id, event, reason, path, keys, sum(event_count)::int AS event_count
       FROM fleet.quarantined_events GROUP BY 1, 2, 3, 4, 5`,
  );
  // screen, group and alias
  expect(rows).toEqual([
    {
      installation_id: null,
      event: null,
      reason: 'installation_id_missing',
      path: 'properties.clusterId',
      keys: [],
      event_count: 3,
    },
  ]);
});

describe.each(PRINTED)('the printed report $file', ({ file, parts, installation }) => {
  const accepted = {
    success: true,
    accepted: parts,
    rejected: 0,
    results: Array.from({ length: parts }, () => ({ status: 'accepted' })),
  };

  test('is accepted as printed and stored as exactly the expected rows', async () => {
    const { status, json } = await report(file);
    expect({ status, json }).toEqual({ status: 202, json: accepted });
    const said = partsOf(read(file));
    expect(said).toHaveLength(parts);
    expect(await storedRows()).toEqual(rowsOf(said));
    expect(await installations()).toEqual([descriptionWith(installation)]);
    const times = await muster.analyst(
      'SELECT DISTINCT clock, observed_at = received_at AS is_receive_time FROM fleet.reports',
    );
    expect(times).toEqual([{ clock: 'received', is_receive_time: true }]);
  });

  test('counts as a new report each time, unless it has the same idempotency key', async () => {
    await report(file);
    await report(file);
    expect(await balanceOf(muster.analyst)).toMatchObject({ stored: 2 * parts, duplicate: 0 });
    await report(file, { 'idempotency-key': 'run-1' });
    await report(file, { 'idempotency-key': 'run-1' });
    expect(await balanceOf(muster.analyst)).toMatchObject({ stored: 3 * parts, duplicate: parts });
    await report(file, { 'idempotency-key': 'run-2' });
    expect(await balanceOf(muster.analyst)).toMatchObject({ stored: 4 * parts, duplicate: parts });
  });
});

test('a report with typographic quotes is refused with the position of the first one', async () => {
  const text = readFileSync(`${FIXTURES}/documents/composite-as-printed.json`, 'utf8');
  const lines = text.split('\n');
  const line = lines.findIndex((one) => one.includes('“'));
  const message =
    `The body is not valid JSON: line ${line + 1}, column ${lines[line]!.indexOf('“') + 1}. ` +
    'Replace the typographic quote there by ".';
  const { status, json } = await muster.post('/v1/reports', text, { headers: KEY });
  expect({ status, json }).toEqual({
    status: 400,
    json: { success: false, code: 'invalid_json', message, detail: message },
  });
  await muster.drained();
  expect(await balanceOf(muster.analyst)).toMatchObject({ accepted: 0 });
});

async function replayAll(agent: string) {
  for (const raw of requestsOf(agent)) {
    const { status, json } = await muster.replay(raw);
    expect({ status, json }).toEqual({ status: 200, json: { success: true } });
  }
  await muster.drained();
}

async function report(file: string, headers: Record<string, string> = {}) {
  const answer = await muster.post('/v1/reports', readFileSync(`${FIXTURES}/${file}`), {
    headers: { ...KEY, ...headers },
  });
  await muster.drained();
  return answer;
}

function requestsOf(agent: string): Buffer[] {
  const files = readdirSync(`${FIXTURES}/requests`).filter((name) => name.startsWith(agent));
  return files.sort().map((name) => readFileSync(`${FIXTURES}/requests/${name}`));
}

function bodiesOf(agent: string): Json[] {
  return requestsOf(agent).map((raw) => JSON.parse(raw.toString().split('\r\n\r\n')[1]!));
}

function read(file: string): Json {
  return JSON.parse(readFileSync(`${FIXTURES}/${file}`, 'utf8'));
}

/** The parts of a printed report, as they would be sent in a request. */
function partsOf(printed: Json): Json[] {
  if (printed.clusterId) return [{ event: 'health', properties: printed }];
  if (printed.Event) return [{ event: printed.Event, properties: printed.Properties }];
  return [printed.cosmos, printed.diagnostics, printed.mesos];
}

const UI_EVENTS: Record<string, string> = {
  page: 'page_view',
  identify: 'identify',
  dcos_login: 'login',
  dcos_logout: 'logout',
};

/** The kind of report of an event, or undefined if it has no installation. */
function kindOf({ type, event, properties, traits }: Json): string | undefined {
  if (!(properties ?? traits)?.clusterId) return undefined;
  const name = type === undefined || type === 'track' ? event : type;
  return name in UI_EVENTS ? 'ui' : name;
}

/** The rows of each view expected for these events, derived independently of the product's code. */
function rowsOf(events: Json[]) {
  const said = events
    .filter((event) => kindOf(event) !== undefined)
    .map((event) => ({
      ...event,
      kind: kindOf(event),
      properties: event.properties ?? event.traits,
    }));
  const rows = (kind: string, read: (properties: Json, event: Json) => Json[]) =>
    inOrder(
      said
        .filter((event) => event.kind === kind)
        .flatMap((event) => {
          const { clusterId, environmentVersion, version } = event.properties;
          const of = {
            installation_id: clusterId.trim(),
            product: 'dcos',
            product_version: environmentVersion ?? version,
          };
          return read(event.properties, event).map((row) => ({ ...of, ...row }));
        }),
    );
  return {
    reports: inOrder(
      [...new Set(said.map(({ kind }) => kind))].flatMap((kind: string) =>
        rows(kind, () => [{ kind }]),
      ),
    ),
    health: rows('health', (properties) =>
      Object.keys(properties).flatMap((key) => {
        const unit = /^health-unit-(.*)-total$/.exec(key)?.[1];
        if (!unit) return [];
        const unhealthy = properties[`health-unit-${unit}-unhealthy`];
        const unit_type = unit.split('-').at(-1);
        return [{ unit, unit_type, total: properties[key], unhealthy }];
      }),
    ),
    resources: rows('mesos_track', (it) => [
      {
        cpu_total: it.cpu_total,
        cpu_used: it.cpu_used,
        mem_total_mb: it.mem_total,
        mem_used_mb: it.mem_used,
        disk_total_mb: it.disk_total,
        disk_used_mb: it.disk_used,
        agents_active: it.agents_active,
        agents_connected: it.agents_connected,
        task_count: it.task_count,
        framework_count: it.framework_count,
        cpu_percent: null,
      },
    ]),
    frameworks: rows('mesos_track', ({ frameworks }) =>
      frameworks.map(({ name }: Json) => ({ framework: name, instances: 1 })),
    ),
    packages: rows('package_list', ({ package_list }) =>
      package_list.map(({ name, appId, packageInformation }: Json) => ({
        package: packageInformation?.packageDefinition.name ?? name ?? appId.slice(1),
        version: packageInformation?.packageDefinition.version ?? null,
        instances: 1,
      })),
    ),
    ui: rows('ui', ({ path, appVersion }, { type, event, userId }) => [
      {
        event: UI_EVENTS[type === 'track' ? event : type],
        path: path ?? null,
        app_version: appVersion,
        // Whether there is a user. The key itself is not known here.
        user_key: userId?.includes('@') ? 'a user' : null,
      },
    ]),
    defects: [],
  };
}

const VIEWS = {
  reports: 'reports',
  health: 'health_readings',
  resources: 'resource_readings',
  frameworks: 'framework_readings',
  packages: 'package_readings',
  ui: 'ui_events',
  defects: 'defects',
};

/** All rows of the views, without times. */
async function storedRows() {
  const stored: Record<string, Json[]> = {};
  for (const [name, view] of Object.entries(VIEWS)) {
    const rows = await muster.analyst(`SELECT * FROM fleet.${view}`);
    stored[name] = inOrder(
      rows.map(({ received_at, observed_at, occurred_at, clock, ...row }) =>
        row.user_key ? { ...row, user_key: 'a user' } : row,
      ),
    );
  }
  return stored;
}

function installations() {
  return muster.analyst(
    `SELECT installation_id, product, version, variant, provider, platform, source,
            customer_key, license_id FROM fleet.installations`,
  );
}

function descriptionWith(installation: object) {
  return {
    installation_id: CLUSTER,
    product: 'dcos',
    provider: 'aws',
    platform: 'aws',
    source: 'cluster',
    customer_key: null,
    license_id: null,
    ...installation,
  };
}

/** All rows except counts: events without an installation, and the balance. */
async function tablesWithoutCounts() {
  const { balance, unidentified, ...tables } = await readTables(muster.owner);
  expect(tables.reports.length).toBeGreaterThan(0);
  // A copy also updates when the installation was last seen.
  return {
    ...tables,
    installations: tables.installations.map(({ last_seen_at, ...rest }) => rest),
  };
}

function rfc3339(time: string): string {
  return time.replace(/([+-]\d\d)(\d\d)$/, '$1:$2');
}

function inOrder<T>(rows: T[]): T[] {
  return rows.toSorted((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
}

function canonical(row: unknown): string {
  return JSON.stringify(Object.entries(row as object).sort());
}
