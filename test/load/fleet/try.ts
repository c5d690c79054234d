import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '#storage';
import { Teardown } from '../../../apps/start/teardown.js';
import { readSecrets } from '../../../apps/start/secrets.js';
import { startDependencies } from '../../../apps/start/dependencies.js';
import { startSettings } from '#platform';
import { buildFleet } from './build-fleet.js';

const teardown = new Teardown();
const dataDir = await mkdtemp(join(tmpdir(), 'muster-fleet-'));
await chmod(dataDir, 0o711);
teardown.add(() => rm(dataDir, { recursive: true, force: true }));
void startSettings;
try {
  const say = (line: string) => console.error(line);
  const secrets = await readSecrets(dataDir);
  const urls = await startDependencies({ dataDir, secrets, say }, teardown);
  await migrate({ databaseUrl: urls.databaseUrl });
  const before = Date.now();
  await buildFleet(urls.databaseUrl, { installations: Number(process.argv[2]), days: 30, until: new Date() }, say);
  console.log('built in', Date.now() - before);
  const client = new pg.Client(urls.databaseUrl);
  await client.connect();
  for (const q of [
    'select count(*) from report', 'select kind, count(*) from report group by 1 order by 1',
    `SELECT coalesce(pg_partition_root(oid), oid)::regclass::text AS t, sum(pg_table_size(oid)) AS heap, sum(pg_indexes_size(oid)) AS idx from pg_class where relnamespace='public'::regnamespace and relkind in ('r','p') group by 1 order by 2 desc limit 8`,
  ]) console.log((await client.query(q)).rows);
  await client.end();
} finally { await teardown.run(); }
