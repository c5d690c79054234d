import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { commandLine, spawned } from './support/command-line.js';
import { startMuster, SUPPRESSION_KEY, type Muster } from './support/muster.js';

const MAIN = 'dist/apps/cli/main.js';

let muster: Muster;
let admin: Admin;
let dir: string;
let run: ReturnType<typeof commandLine>;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
  admin = await startAdmin(muster);
  run = commandLine(admin.app.ready.port ?? 0, admin.token);
  dir = await mkdtemp(join(tmpdir(), 'muster-command-line-'));
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
  await rm(dir, { recursive: true });
});

/** The environment of a process that connects to this admin API. */
function environment(): Record<string, string> {
  const { port = 0 } = admin.app.ready;
  const { certFile } = inject('services').tls;
  return {
    ...{ HOME: dir, ADMIN_URL: `https://localhost:${port}` },
    ...{ ADMIN_TOKEN: admin.token, ADMIN_CA_FILE: certFile },
  };
}

test('erase waits for the erasure and saves its certificate', async () => {
  const id = randomUUID();
  expect((await post({ installationId: id })).status).toBe(202);
  await muster.drained();
  const shown = await run('installations', 'show', id, '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ rows: { report: 1, installation: 1 } });
  const counted = await run('erase', id, '--dry-run');
  expect(counted.stdout).toMatch(/^report +1$/m);

  const file = join(dir, 'certificate.json');
  const erased = await run('erase', id, '--certificate', file, '--json');
  expect(erased).toMatchObject({ code: 0 });
  const { erasure } = JSON.parse(erased.stdout) as { erasure: { id: string } };
  expect(erasure).toMatchObject({ state: 'complete', removed: { report: 1 } });
  const certificate = await run('erasures', 'certificate', erasure.id);
  expect(JSON.parse(certificate.stdout)).toEqual(JSON.parse(await readFile(file, 'utf8')));
  const listed = await run('erasures', 'list', '--installation', id);
  expect(listed.stdout).toContain(erasure.id);
  expect((await run('installations', 'export', id)).stdout).toBe('');
});

test('erasures retry resumes a failed erasure, and no other', async () => {
  const erased = await run('erase', randomUUID(), '--wait', '--json');
  const { erasure } = JSON.parse(erased.stdout) as { erasure: { id: string } };
  await muster.owner(`UPDATE erasure SET state = 'failed' WHERE erasure_id = $1`, [erasure.id]);
  const retried = await run('erasures', 'retry', erasure.id, '--wait');
  expect(retried).toMatchObject({ code: 0, stdout: expect.stringContaining('complete') });
  expect(await run('erasures', 'retry', erasure.id)).toMatchObject({
    code: 1,
    stderr: 'The erasure is complete. Only a failed one can be retried.\n',
  });
});

test('erase takes a file of ids', async () => {
  const file = join(dir, 'ids.csv');
  await writeFile(file, `installation id,name\n"${randomUUID()}",first\n${randomUUID()}\n`);
  const { code, stdout } = await run('erase', '--file', file, '--wait', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ erasure: { installations: 2, state: 'complete' } });
});

test('purge shows what a leaked key sent, and removes it after confirmation', async () => {
  const made = await run('keys', 'create', 'dcos', '--name', 'leaked', '--json');
  const { key, secret } = JSON.parse(made.stdout) as { key: { id: string }; secret: string };
  const installationId = randomUUID();
  await vi.waitFor(
    async () => expect((await post({ installationId }, secret)).status).toBe(202),
    10_000,
  );
  await post({ installationId });
  await muster.drained();
  // A purge begins 30 seconds after its period, so the period is in the past.
  await muster.owner(`UPDATE report SET received_at = received_at - interval '5 minutes'`);
  const [from, to] = [10, 1].map((ago) => new Date(Date.now() - ago * 60_000).toISOString());
  const times = ['--from', from!, '--to', to!];
  const shown = await run('purge', '--key', key.id, ...times, '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ dryRun: true, sent: [{ events: 1 }] });
  const misspelt = { key: key.id, from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' };
  const refused = await admin.ask('POST', '/v1/purges', { ...misspelt, dryrun: true });
  expect(refused.status).toBe(400);
  expect((await admin.ask('POST', '/v1/purges', misspelt)).status).toBe(400);
  const future = { ...misspelt, to: '2100-01-01T00:00:00Z', dryRun: false };
  expect((await admin.ask('POST', '/v1/purges', future)).json).toMatchObject({ path: 'to' });
  const done = await run('purge', '--key', key.id, ...times, '--confirm', '--wait', '--json');
  const { purge } = JSON.parse(done.stdout) as { purge: { id: string } };
  expect(purge).toMatchObject({ state: 'complete', removed: { report: 1 } });
  const { stdout: listed } = await run('purges', 'list', '--state', 'complete', '--limit', '1');
  expect(listed).toMatch(new RegExp(`^${purge.id} .* complete `, 'm'));
  const one = await run('purges', 'show', purge.id, '--json');
  expect(JSON.parse(one.stdout)).toEqual({ purge });
  const left = await run('installations', 'show', installationId, '--json');
  expect(JSON.parse(left.stdout)).toMatchObject({ rows: { report: 1 } });
  const { json } = await admin.ask('GET', '/v1/audit');
  expect(json.acts).toContainEqual(
    expect.objectContaining({
      act: 'purge.request',
      detail: expect.objectContaining({ purgeId: purge.id }),
    }),
  );
});

test('purges retry resumes a failed purge, and no other', async () => {
  const made = await run('keys', 'create', 'dcos', '--json');
  const { key } = JSON.parse(made.stdout) as { key: { id: string } };
  const times = ['--from', '2026-01-01', '--to', '2026-01-02'];
  const done = await run('purge', '--key', key.id, ...times, '--confirm', '--wait', '--json');
  const { purge } = JSON.parse(done.stdout) as { purge: { id: string } };
  await muster.owner(`UPDATE purge SET state = 'failed' WHERE purge_id = $1`, [purge.id]);
  expect(await run('purges', 'retry', purge.id, '--wait')).toMatchObject({
    ...{ code: 0, stdout: expect.stringContaining('complete') },
  });
  expect(await run('purges', 'retry', purge.id)).toMatchObject({
    code: 1,
    stderr: 'The purge is complete. Only a failed one can be retried.\n',
  });
});

test('quarantine jobs retry resumes a failed job, and no other', async () => {
  const done = await run('quarantine', 'replay', '--event', 'none', '--wait', '--json');
  const { job } = JSON.parse(done.stdout) as { job: { id: string } };
  await muster.owner(`UPDATE quarantine_job SET state = 'failed' WHERE job_id = $1`, [job.id]);
  expect(await run('quarantine', 'jobs', 'retry', job.id, '--wait')).toMatchObject({
    ...{ code: 0, stdout: expect.stringContaining('complete') },
  });
  expect(await run('quarantine', 'jobs', 'retry', job.id)).toMatchObject({
    code: 1,
    stderr: 'The job is complete. Only a failed one can be retried.\n',
  });
});

test('a write key can be created, used, listed without its secret, and revoked', async () => {
  const made = await run('keys', 'create', 'dcos', '--name', 'staging', '--json');
  const { key, secret } = JSON.parse(made.stdout) as { key: { id: string }; secret: string };
  await vi.waitFor(async () => expect((await post({}, secret)).status).toBe(202), 10_000);
  const listed = await run('keys', 'list', '--product', 'dcos');
  expect(listed.stdout).toContain(key.id);
  expect(listed.stdout).not.toContain(secret);
  expect((await run('keys', 'revoke', key.id)).code).toBe(0);
  await vi.waitFor(async () => expect((await post({}, secret)).status).toBe(401), 10_000);
});

test('a token with fewer scopes can be created and revoked', async () => {
  const made = await run('tokens', 'create', 'watcher', 'operations:read', '--json');
  const { secret } = JSON.parse(made.stdout) as { secret: string };
  const asWatcher = commandLine(admin.app.ready.port ?? 0, secret);
  expect((await asWatcher('queue')).code).toBe(0);
  const refused = await asWatcher('erase', randomUUID());
  expect(refused).toMatchObject({ code: 1, stderr: 'The token lacks the scope erasures:write.\n' });
  expect((await run('tokens', 'list')).stdout).toContain('watcher');
  await run('tokens', 'revoke', 'watcher');
  expect(await asWatcher('queue')).toMatchObject({ code: 1 });
});

test('limits and blocks can be set and listed', async () => {
  const set = await run('products', 'set', 'dcos', '--key-limit', '600', '--json');
  expect(JSON.parse(set.stdout)).toMatchObject({
    product: { limits: { eventsPerMinutePerKey: 600 }, selfErasure: false },
  });
  await run('products', 'set', 'dcos', '--key-limit', 'none');
  expect((await run('products', 'list')).stdout).toMatch(/^dcos +unlimited/m);

  const made = await run('blocks', 'create', 'dcos', '--version', '1.7', '--json');
  const { block } = JSON.parse(made.stdout) as { block: { id: string } };
  expect((await run('blocks', 'list')).stdout).toContain(block.id);
  expect((await run('blocks', 'remove', block.id)).code).toBe(0);
  expect((await run('blocks', 'list')).stdout).toBe('No results.\n');
});

test('quarantined events can be listed, replayed and discarded', async () => {
  await post({ event: 'unheard-of' });
  await muster.drained();
  const listed = await run('quarantine', 'list', '--event', 'unheard-of', '--json');
  const { events } = JSON.parse(listed.stdout) as { events: { id: string }[] };
  expect(events).toHaveLength(1);
  const shown = await run('quarantine', 'show', String(events[0]?.id));
  expect(shown.stdout).toContain('unknown_event');
  expect((await run('quarantine', 'summary')).stdout).toMatch(/^dcos +unknown_event +event /m);

  const replayed = await run('quarantine', 'replay', '--product', 'dcos', '--wait', '--json');
  expect(JSON.parse(replayed.stdout)).toMatchObject({ job: { state: 'complete', done: 1 } });
  expect(await run('quarantine', 'discard')).toMatchObject({ code: 1 });
  expect((await run('quarantine', 'discard', '--all', '--wait')).code).toBe(0);
  expect((await run('quarantine', 'list')).stdout).toBe('No results.\n');
  expect((await run('quarantine', 'jobs', 'list')).stdout).toContain('discard');
});

test('balance prints the balance, and exits with 3 if it does not add up', async () => {
  expect(await run('balance')).toMatchObject({ code: 0 });
  await muster.owner('UPDATE ingest_tally SET stored = stored + 1');
  const { code, stdout, stderr } = await run('balance');
  expect({ code, stderr }).toEqual({ code: 3, stderr: 'Event counts are out of balance.\n' });
  expect(stdout).toContain('OUT OF BALANCE.');
  expect(await spawned(process.execPath, [MAIN, 'balance'], environment())).toMatchObject({
    code: 3,
  });
});

test('a command line exits with the code of its outcome', async () => {
  const failed = ['erasures', 'show', randomUUID()];
  const codes = [['--help'], failed, ['erasee']].map(async (words) => {
    return (await spawned(process.execPath, [MAIN, ...words], environment())).code;
  });
  expect(await Promise.all(codes)).toEqual([0, 1, 2]);
});

test('without a -- before the command, npm takes its options and nothing is done', async () => {
  const id = randomUUID();
  /** The environment of a script of npm that took these options. */
  const fromNpm = (options: Record<string, string>) =>
    commandLine(admin.app.ready.port ?? 0, admin.token, {
      ...{ npm_lifecycle_event: 'muster', ...options },
    });
  const words = ['run', '--silent', 'muster', 'erase', id, '--dry-run'];
  const taken = await spawned('npm', words, environment());
  const misspelt = await fromNpm({ npm_config_dryrun: 'true' })('erase', id);
  const passed = await fromNpm({})('erase', id, '--dry-run');
  const refused = { code: 2, stderr: expect.stringMatching(/^npm took --dry-run for itself/m) };
  expect(taken).toMatchObject(refused);
  expect(misspelt).toMatchObject(refused);
  expect(passed).toMatchObject({ code: 0 });
  expect((await run('erasures', 'list', '--installation', id)).stdout).toBe('No results.\n');
});

test('queue, audit and housekeeping print their lists', async () => {
  expect((await run('queue', 'failed')).stdout).toBe('No results.\n');
  expect((await run('queue', 'retry')).code).toBe(0);
  expect((await run('audit', '--limit', '5')).stdout).toContain('root');
  expect((await run('housekeeping')).stdout).toContain('retention');
});

test('an error is one sentence, and usage errors have their own exit code', async () => {
  expect(await run('erasures', 'show', 'nothing')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'Erasure not found.\n',
  });
  expect(await run('erase', 'not-an-id')).toMatchObject({
    code: 1,
    stderr: 'installationIds[0] must be a GUID or a cloud resource name.\n',
  });
  expect(await run('erase', '--mode', 'gently', randomUUID())).toMatchObject({ code: 2 });
  const nowhere = commandLine(1, admin.token);
  expect(await nowhere('queue')).toMatchObject({
    code: 1,
    stderr:
      'Cannot reach the admin API at https://localhost:1 (ECONNREFUSED). Check that it is running, and ADMIN_URL.\n',
  });
  const unknown = commandLine(admin.app.ready.port ?? 0, 'wrong');
  expect(await unknown('queue')).toMatchObject({ code: 1, stderr: expect.stringMatching(/token/) });
});

test.each([['--dryrun'], ['--dry_run'], ['--DryRun'], ['--dry-run=maybe']])(
  'a misspelt dry run, erase %s, is a usage error and erases nothing',
  async (option) => {
    const id = randomUUID();
    const { code, stderr } = await run('erase', id, option);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(option) });
    expect((await run('erasures', 'list', '--installation', id)).stdout).toBe('No results.\n');
  },
);

test.each([
  [['tokens', 'create', 'brief', '--days', 'seven']],
  [['tokens', 'create', 'brief', '--days', '0']],
  [['tokens', 'create', 'brief', '--dayz', '7']],
  [['keys', 'rotate', randomUUID(), '--overlap-hours', 'none']],
  [['keys', 'create', 'dcos', 'staging']],
  [['export', 'reports', '--from', 'yesterday']],
])('a usage error changes nothing: %j', async (words) => {
  const { code, stdout, stderr } = await run(...words);
  expect({ code, stdout, stderr }).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringMatching(/^error: [^{]+\n\(use --help for usage\)\n$/),
  });
  expect((await run('tokens', 'list')).stdout).not.toContain('brief');
});

test('a missing file, view or database is reported in one sentence', async () => {
  const nowhere = join(dir, 'nowhere', 'file');
  const here = commandLine(0, '', { DATABASE_URL: muster.databaseUrl });
  const away = commandLine(0, '', { DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/muster' });
  for (const ended of [
    await here('export', 'daily_fleet', '--out', nowhere),
    await here('export', 'nothing'),
    await away('export', 'daily_fleet'),
    await away('rollup', 'rebuild'),
    await run('erase', randomUUID(), '--certificate', nowhere),
    await run('erase', '--file', nowhere),
  ]) {
    const { code, stderr } = ended;
    expect({ code, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      code: 1,
      last: expect.stringMatching(/^[A-Z/][^{}]*\.$/),
    });
    expect(stderr).not.toMatch(/"level"|\n +at |secret/);
  }
});

test('errors of the commands without a server are reported as text', async () => {
  const env = { DATABASE_URL: muster.databaseUrl, SUPPRESSION_KEY };
  const report = commandLine(0, '', env);
  const files = ['/nowhere/certificate.json', '--key', '/nowhere/key.pem'];
  const reports = await Promise.all([
    report('tokens', 'bootstrap', '--dayz', '3', 'erika'),
    report('tokens', 'bootstrap', 'erika', '--days', '99999'),
    report('tokens', 'bootstrap', 'erika', 'everything'),
    report('erasures', 'verify-certificate', '--keys', 'x'),
    report('erasures', 'verify-certificate', ...files),
  ]);
  const failure = (code: number, stderr: RegExp) => ({
    ...{ code, stdout: '', stderr: expect.stringMatching(stderr) },
  });
  expect(reports).toEqual([
    failure(2, /^error: unknown option '--dayz'/),
    failure(2, /^error: option '--days <n>' .* at most 36500\./),
    failure(1, /^Unknown scope everything\. Scopes: /),
    failure(2, /^error: required option '--key <pem>' not specified/),
    failure(1, /^\/nowhere\/certificate\.json cannot be read\.\n$/),
  ]);
});

test('verify-certificate does not verify less because npm took its --id', async () => {
  const env = { npm_lifecycle_event: 'verify-certificate', npm_config_id: randomUUID() };
  const words = ['erasures', 'verify-certificate', 'FILE', '--key', 'KEY'];
  expect(await commandLine(0, '', env)(...words)).toMatchObject({
    ...{ code: 2, stderr: expect.stringMatching(/^npm took --id for itself/) },
  });
});

test.each([[['--help']], [['erase', '--help']], [['quarantine', 'replay', '--help']]])(
  '%j prints help',
  async (words) => {
    const { code, stdout } = await run(...words);
    expect({ code, isUsage: stdout.startsWith('Usage: muster') }).toEqual({
      code: 0,
      isUsage: true,
    });
  },
);

function post(fields: object, key = muster.writeKeys.dcos ?? '') {
  const event = {
    ...{ id: randomUUID(), installationId: randomUUID(), product: 'dcos', event: 'health' },
    properties: {
      'health-unit-dcos-mesos-master-service-total': 3,
      'health-unit-dcos-mesos-master-service-unhealthy': 1,
    },
    ...fields,
  };
  return muster.post('/v1/events', event, { headers: { authorization: `Bearer ${key}` } });
}

test('export and rollup rebuild work directly on the database', async () => {
  await post({});
  await muster.drained();
  const here = commandLine(0, '', { DATABASE_URL: muster.databaseUrl });
  const rebuilt = await here('rollup', 'rebuild');
  expect(rebuilt).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^Days rebuilt: 1, in \d+ s\.$/m),
  });
  const { code, stdout, stderr } = await here('export', 'daily_fleet', '--format', 'ndjson');
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^Rows written: 1\.$/m),
  });
  expect(JSON.parse(stdout)).toMatchObject({ product: 'dcos' });
  const file = join(dir, 'fleet.parquet');
  const written = await here('export', 'daily_fleet', '--format', 'parquet', '--out', file);
  expect(written).toMatchObject({ code: 0, stdout: '' });
  expect((await readFile(file)).subarray(0, 4).toString()).toBe('PAR1');
});

test('an export replaces its file only when it is complete', async () => {
  const here = commandLine(0, '', { DATABASE_URL: muster.databaseUrl });
  const file = join(dir, 'fleet.csv');
  await writeFile(file, 'of last week', { mode: 0o640 });
  expect(await here('export', 'daily_flet', '--out', file)).toMatchObject({ code: 1 });
  expect(await readFile(file, 'utf8')).toBe('of last week');
  expect(await here('export', 'daily_fleet', '--out', file)).toMatchObject({ code: 0 });
  expect(await readFile(file, 'utf8')).toMatch(/^day,product,/);
  expect((await stat(file)).mode & 0o777).toBe(0o640);
  expect(await here('export', 'daily_fleet', '--out', '/dev/null')).toMatchObject({ code: 0 });
  expect((await stat('/dev/null')).isFile()).toBe(false);
  expect((await readdir(dir)).filter((name) => name.endsWith('.part'))).toEqual([]);
});
