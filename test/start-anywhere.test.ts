import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-anywhere-'));
});

afterAll(() => rm(dir, { recursive: true }));

test('packages are installed even if npm is configured with engine-strict', async () => {
  await writeJson('package.json', { name: 'strict', dependencies: { dep: 'file:dep' } });
  await mkdir(join(dir, 'dep'));
  await writeJson('dep/package.json', { name: 'dep', version: '1.0.0', engines: { node: '>=99' } });
  await run('npm', ['install', '--package-lock-only'], { cwd: dir });
  await run(
    process.execPath,
    ['-e', callOf('tools/install/ensure-packages.mjs', 'ensurePackages')],
    {
      cwd: dir,
      env: { PATH: process.env.PATH, HOME: dir, npm_config_engine_strict: 'true' },
    },
  );
  expect(existsSync(join(dir, 'node_modules/dep'))).toBe(true);
});

test('a user id without a name gets an error with the requirements of the embedded Postgres', async () => {
  const refused = run('unshare', [
    ...['--user', '--map-user=12345', '--'],
    ...[
      process.execPath,
      '-e',
      callOf('dist/libs/devservers/postgres-user.js', 'ensurePostgresUser', '[]'),
    ],
  ]);
  await expect(refused).rejects.toMatchObject({
    stderr: expect.stringContaining(
      'The embedded Postgres needs a user with a name, and user id 12345 has none; ' +
        'add a line for it to /etc/passwd (or use nss_wrapper), or set DATABASE_URL',
    ),
  });
});

/** A script that calls one function of a module. */
function callOf(module: string, name: string, argument = 'process.cwd()'): string {
  return `import(${JSON.stringify(resolve(module))}).then((it) => it.${name}(${argument}))`;
}

async function writeJson(file: string, content: object): Promise<void> {
  await writeFile(join(dir, file), JSON.stringify(content));
}
