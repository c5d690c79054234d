import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type ColumnType,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import type pg from 'pg';

/**
 * The statements that would turn a database into schema.prisma, and the reverse. Empty if they
 * agree. Uses the engine of `prisma migrate diff` as WebAssembly, because its binary would have to
 * be downloaded. Runs on the client's connection, so it also sees an open transaction.
 */
export async function schemaDifferences(client: pg.ClientBase, schema: string): Promise<string[]> {
  const files = [{ path: 'schema.prisma', content: schema }];
  const engine = await SchemaEngine.new(
    { datamodels: [['schema.prisma', schema]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(adapterFor(client)),
  );
  try {
    const stated = { tag: 'schemaDatamodel' as const, files };
    const live = { tag: 'schemaDatasource' as const, files, configDir: process.cwd() };
    const filters = { externalTables: [], externalEnums: [] };
    const differences: string[] = [];
    for (const [from, to] of [
      [live, stated],
      [stated, live],
    ] as const) {
      const diff = await engine.diff({ from, to, script: true, exitCode: true, filters });
      if (diff.exitCode !== 0) differences.push(diff.stdout ?? 'a difference without a script');
    }
    return [...differences, ...(await unseenByTheEngine(client))];
  } finally {
    engine.free();
  }
}

/**
 * Finds what the engine does not compare: tables outside the schema `public`, and nullable arrays,
 * because lists in schema.prisma have no nullability.
 */
async function unseenByTheEngine(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ difference: string }>(`
    SELECT format('table %I.%I is outside of schema.prisma', nspname, relname) AS difference
      FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'f') AND relpersistence <> 't'
       AND nspname NOT IN ('public', 'pg_catalog', 'information_schema')
    UNION ALL
    SELECT format('array %I.%I may be null', relname, attname)
      FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_type t ON t.oid = atttypid
     WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
       AND attnum > 0 AND NOT attisdropped AND NOT attnotnull AND typcategory = 'A'
     ORDER BY 1`);
  return rows.map((row) => row.difference);
}

const SchemaEngine = loadEngine();

/** The package's entry imports its .wasm as a module, which Node 20 does not support. */
function loadEngine(): typeof engineModule.SchemaEngine {
  const entry = createRequire(import.meta.url).resolve(
    '@prisma/schema-engine-wasm/schema_engine_bg',
  );
  const wasm = readFileSync(path.join(path.dirname(entry), 'schema_engine_bg.wasm'));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), {
    './schema_engine_bg.js': engineModule,
  });
  engineModule.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  return engineModule.SchemaEngine;
}

/** The part of WebAssembly used here. TypeScript declares it only for browsers. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: { __wbindgen_start(): void } };
};

/** The types of catalogue columns. `@prisma/adapter-pg` lacks `"char"`. */
const catalogueTypes = new Map<number, ColumnType>([
  [16, ColumnTypeEnum.Boolean],
  [18, ColumnTypeEnum.Character],
  [19, ColumnTypeEnum.Text],
  [20, ColumnTypeEnum.Int64],
  [21, ColumnTypeEnum.Int32],
  [23, ColumnTypeEnum.Int32],
  [25, ColumnTypeEnum.Text],
  [26, ColumnTypeEnum.Int64],
  [1009, ColumnTypeEnum.TextArray],
  [1043, ColumnTypeEnum.Text],
]);

function adapterFor(client: pg.ClientBase): SqlMigrationAwareDriverAdapterFactory {
  const info = { provider: 'postgres', adapterName: 'schema-difference' } as const;
  const onlyReads = (): never => {
    throw new Error('A comparison must not write.');
  };
  const adapter: SqlDriverAdapter = {
    ...info,
    queryRaw: (query) => readCatalogue(client, query),
    executeRaw: onlyReads,
    executeScript: onlyReads,
    startTransaction: onlyReads,
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    dispose: async () => undefined,
  };
  return { ...info, connect: async () => adapter, connectToShadowDb: onlyReads };
}

async function readCatalogue(client: pg.ClientBase, { sql, args }: SqlQuery) {
  const { fields, rows } = await client.query<unknown[]>({
    text: sql,
    values: args,
    rowMode: 'array',
  });
  return {
    columnNames: fields.map((field) => field.name),
    columnTypes: fields.map(({ name, dataTypeID }) => {
      const type = catalogueTypes.get(dataTypeID);
      if (type === undefined) throw new Error(`Column ${name} has the unknown type ${dataTypeID}.`);
      return type;
    }),
    rows,
  };
}
