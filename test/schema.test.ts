import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FATES, fates, PRODUCT_NAME, RESOURCE_FIGURES } from '#telemetry';
import { createDatabase, type TestDatabase } from './support/database.js';
import { schemaDifferences } from './support/schema-difference.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

test('schema.prisma and the migrated database agree', async () => {
  const schema = readFileSync('prisma/schema.prisma', 'utf8');
  expect(await schemaDifferences(client, schema)).toEqual([]);
});

test('an administrator can name the products that a declaration can, and no other', async () => {
  const { rows } = await client.query<{ table: string; rule: string }>(
    `SELECT conrelid::regclass::text AS "table", pg_get_constraintdef(oid) AS rule
       FROM pg_constraint WHERE conname LIKE '%product\\_name' ORDER BY 1`,
  );
  const rule = `CHECK ((product ~ '${PRODUCT_NAME.pattern.source}'::text))`;
  const tables = ['block_rule', 'ingest_key', 'product_policy'];
  expect(rows).toEqual(tables.map((table) => ({ table, rule })));
});

const columnsOf = async (table: string) => {
  const { rows } = await client.query<{ name: string; type: string; about: string | null }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type,
            col_description(attrelid, attnum) AS about
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  return new Map(rows.map(({ name, ...column }) => [name, column]));
};

test.each(Object.values(RESOURCE_FIGURES))(
  '$column has a column in every table and view of resources, with its unit',
  async ({ column, unit, about }) => {
    const type = unit === '1' ? 'integer' : 'double precision';
    for (const table of ['resource_reading', 'installation_day']) {
      expect((await columnsOf(table)).get(column)).toMatchObject({ type });
    }
    for (const view of ['resource_readings', 'current_resources', 'installation_days']) {
      const shown = (await columnsOf(`fleet.${view}`)).get(column);
      expect(shown?.type).toBe(type);
      expect(shown?.about).toContain(about);
    }
    const { figure } = Object.fromEntries(await columnsOf('fleet.daily_capacity'));
    expect(figure?.about).toContain(column);
  },
);

test('a table or view of resources has no figure that is not declared', async () => {
  const declared = Object.values(RESOURCE_FIGURES).map(({ column }) => column);
  const others = ['installation_id', 'event_key', 'received_at', 'observed_at', 'origin_id'];
  const columns = await columnsOf('resource_reading');
  expect([...columns.keys()].sort()).toEqual([...declared, ...others].sort());
});

test('the tallies, the balance, replays and the glossary have every fate, and no other', async () => {
  const tally = [...(await columnsOf('ingest_tally')).keys()];
  const others = ['product', 'hour', 'shard', 'accepted'];
  expect(tally.filter((name) => !others.includes(name)).sort()).toEqual(fates.toSorted());
  expect([...(await columnsOf('fleet.ingest_balance')).keys()]).toEqual(
    expect.arrayContaining([...fates]),
  );
  const again = (fate: string) => (fate === 'quarantined' ? 'quarantined_again' : fate);
  expect([...(await columnsOf('quarantine_job')).keys()]).toEqual(
    expect.arrayContaining(fates.map(again)),
  );
  const glossary = readFileSync('docs/architecture.md', 'utf8');
  const [, list = ''] = /- \*\*fate\*\*.*\n((?: {2}- .*\n)+)/.exec(glossary) ?? [];
  const named = [...list.matchAll(/- _(.+?)_/g)].map(([, name]) => name?.replace(' ', '_'));
  expect(named).toEqual(Object.keys(FATES));
});

/**
 * A small schema with everything the migrations use: partitions, arrays, partial and BRIN indexes.
 */
const smallDatabase = `
  CREATE TABLE installation (
    installation_id uuid PRIMARY KEY,
    product text NOT NULL,
    version text,
    tags text[] NOT NULL DEFAULT '{}',
    nodes smallint,
    last_seen_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX installation_product_version_idx ON installation (product, version);
  CREATE INDEX installation_unversioned_idx ON installation (last_seen_at) WHERE version IS NULL;
  CREATE TABLE report (
    installation_id uuid NOT NULL,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (installation_id, observed_at)
  ) PARTITION BY RANGE (observed_at);
  CREATE INDEX report_observed_at_idx ON report USING brin (observed_at);
  CREATE TABLE report_2025_01 PARTITION OF report FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
  CREATE SCHEMA fleet;
  CREATE VIEW fleet.installations AS SELECT installation_id, product FROM installation;
`;

const smallSchema = `
  generator client {
    provider        = "prisma-client"
    output          = "./generated"
    previewFeatures = ["partialIndexes"]
  }
  datasource db {
    provider = "postgresql"
  }
  model installation {
    installation_id String   @id @db.Uuid
    product         String
    version         String?
    tags            String[] @default([])
    nodes           Int?     @db.SmallInt
    last_seen_at    DateTime @default(now()) @db.Timestamptz(6)
    @@index([product, version])
    @@index([last_seen_at], map: "installation_unversioned_idx", where: raw("(version IS NULL)"))
  }
  model report {
    installation_id String   @db.Uuid
    observed_at     DateTime @db.Timestamptz(6)
    @@id([installation_id, observed_at])
    @@index([observed_at], type: Brin)
  }
`;

describe('the comparison', () => {
  beforeAll(async () => {
    await client.query(`
      DROP SCHEMA fleet CASCADE;
      DROP SCHEMA public CASCADE;
      CREATE SCHEMA public;
    `);
  });

  async function differencesAfter(alteration: string): Promise<string[]> {
    await client.query('BEGIN');
    try {
      await client.query(smallDatabase);
      await client.query(alteration);
      return await schemaDifferences(client, smallSchema);
    } finally {
      await client.query('ROLLBACK');
    }
  }

  test('finds no difference between equal schemas', async () => {
    expect(await differencesAfter('SELECT 1')).toEqual([]);
  });

  test.each([
    ['a missing column', 'ALTER TABLE installation DROP COLUMN nodes', 'ADD COLUMN     "nodes"'],
    ['an extra column', 'ALTER TABLE report ADD COLUMN kind text', 'DROP COLUMN "kind"'],
    ['another name', 'ALTER TABLE installation RENAME nodes TO agents', 'DROP COLUMN "agents"'],
    [
      'a wider integer',
      'ALTER TABLE installation ALTER nodes TYPE integer',
      '"nodes" SET DATA TYPE SMALLINT',
    ],
    [
      'a timestamp without time zone',
      'ALTER TABLE installation ALTER last_seen_at TYPE timestamp',
      '"last_seen_at" SET DATA TYPE TIMESTAMPTZ',
    ],
    [
      'an array of another type',
      'ALTER TABLE installation ALTER tags TYPE varchar(9)[]',
      '"tags" SET DATA TYPE TEXT[]',
    ],
    [
      'a column that became NOT NULL',
      'ALTER TABLE installation ALTER version SET NOT NULL',
      '"version" DROP NOT NULL',
    ],
    [
      'a column that became nullable',
      'ALTER TABLE installation ALTER product DROP NOT NULL',
      '"product" SET NOT NULL',
    ],
    [
      'a nullable array',
      'ALTER TABLE installation ALTER tags DROP NOT NULL',
      'array installation.tags may be null',
    ],
    [
      'a missing default',
      'ALTER TABLE installation ALTER last_seen_at DROP DEFAULT',
      '"last_seen_at" SET DEFAULT CURRENT_TIMESTAMP',
    ],
    [
      'an extra default',
      'ALTER TABLE installation ALTER nodes SET DEFAULT 0',
      '"nodes" DROP DEFAULT',
    ],
    [
      'a missing index',
      'DROP INDEX installation_product_version_idx',
      'CREATE INDEX "installation_product_version_idx"',
    ],
    [
      'a missing index of a partitioned table',
      'DROP INDEX report_observed_at_idx',
      'CREATE INDEX "report_observed_at_idx"',
    ],
    ['an extra index', 'CREATE INDEX stray ON installation (version)', 'DROP INDEX "stray"'],
    [
      'an extra unique key',
      'CREATE UNIQUE INDEX stray ON installation (version)',
      'DROP INDEX "stray"',
    ],
    [
      'an index of another kind',
      `DROP INDEX report_observed_at_idx;
       CREATE INDEX report_observed_at_idx ON report (observed_at)`,
      'USING BRIN ("observed_at")',
    ],
    [
      'an index with another condition',
      `DROP INDEX installation_unversioned_idx;
       CREATE INDEX installation_unversioned_idx ON installation (last_seen_at)
        WHERE version IS NOT NULL`,
      'WHERE (version IS NULL)',
    ],
    [
      'a key in another order',
      `ALTER TABLE report DROP CONSTRAINT report_pkey;
       ALTER TABLE report ADD PRIMARY KEY (observed_at, installation_id)`,
      'PRIMARY KEY ("installation_id", "observed_at")',
    ],
    ['a missing table', 'DROP TABLE report', 'CREATE TABLE "report"'],
    ['an extra table', 'CREATE TABLE stray (id integer)', 'DROP TABLE "stray"'],
    [
      'a table in another schema',
      'CREATE TABLE fleet.stray (id integer)',
      'table fleet.stray is outside of schema.prisma',
    ],
    ['an extra enum', `CREATE TYPE mood AS ENUM ('calm')`, 'DROP TYPE "mood"'],
  ])('finds %s', async (_difference, alteration, named) => {
    expect((await differencesAfter(alteration)).join('\n')).toContain(named);
  });
});
