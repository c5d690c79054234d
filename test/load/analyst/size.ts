import pg from 'pg';
import { Database, MaintenanceStore } from '#storage';

/** Disk space of all tables and indexes, including rollups. */
export interface Size {
  reports: number;
  bytesPerReport: number;
  /** The same once the month is over and maintenance has compacted its indexes. */
  packedBytesPerReport: number | null;
  /** Largest first. */
  groups: GroupSize[];
}

export interface GroupSize {
  group: string;
  bytesPerReport: number;
}

/** The first group that matches a table's name. Reports, the largest, are split into parts. */
const GROUPS = `
  CASE WHEN name ~ '^report_\\d' THEN 'report: ' || part
       WHEN name ~ '^resource_reading_\\d' THEN 'resource_reading'
       WHEN name ~ '^ui_reading_\\d' THEN 'ui_reading'
       WHEN name ~ '^installation_day' THEN 'installation_day, installation_day_events'
       WHEN name ~ '^installation' THEN 'installation, _latest, _life'
       WHEN name ~ '_day$' THEN 'the sums of a day'
       WHEN name ~ '_snapshot$|_set$|^origin$' AND name !~ '^erasure' THEN 'snapshots'
       ELSE 'everything else' END`;

const MEASURE = `
  WITH reports AS (SELECT count(*)::float8 AS reports FROM report)
  SELECT ${GROUPS} AS "group", sum(bytes)::float8 / min(reports) AS "bytesPerReport", min(reports) AS reports
    FROM (SELECT relname AS name, p.part, p.bytes
            FROM pg_class CROSS JOIN LATERAL (
                 VALUES ('rows', pg_table_size(oid)), ('indexes', pg_indexes_size(oid))) AS p(part, bytes)
           WHERE relnamespace = 'public'::regnamespace AND relkind = 'r') AS tables, reports
   GROUP BY 1 ORDER BY 2 DESC`;

export async function measureSize(databaseUrl: string): Promise<Size> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('VACUUM (ANALYZE)');
    const { rows } = await client.query<GroupSize & { reports: number }>(MEASURE);
    const groups = rows.map(({ group, bytesPerReport }) => ({ group, bytesPerReport }));
    const bytesPerReport = groups.reduce((sum, group) => sum + group.bytesPerReport, 0);
    return { reports: rows[0]?.reports ?? 0, bytesPerReport, packedBytesPerReport: null, groups };
  } finally {
    await client.end();
  }
}

const TWO_MONTHS_MS = 62 * 86_400_000;

/** Compacts the indexes of the current month, as maintenance does when the month is over. */
export async function compactMonth(
  databaseUrl: string,
  size: Size,
  signal: AbortSignal,
): Promise<Size> {
  const database = new Database({ databaseUrl, name: 'muster-bench', connections: 3 });
  const maintenance = new MaintenanceStore(database);
  try {
    const { savedBytes } = await maintenance.compact({ now: Date.now() + TWO_MONTHS_MS, signal });
    const saved = savedBytes / (await countReports(databaseUrl));
    return { ...size, packedBytesPerReport: size.bytesPerReport - saved };
  } finally {
    await database.close();
  }
}

/** Counts again, because measuring ingest has added reports. */
async function countReports(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::float8 FROM report');
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

/** Limit for all tables and indexes. */
const MAX_BYTES = 160;
/** The parts that each report needs: its row, its index entries, and a share of the snapshots. */
const OF_A_REPORT = ['report: rows', 'report: indexes', 'snapshots'];

export function describeSize(size: Size): string[] {
  const { reports, bytesPerReport, packedBytesPerReport: packed, groups } = size;
  const ofReport = groups.filter(({ group }) => OF_A_REPORT.includes(group));
  const bytes = ofReport.reduce((sum, group) => sum + group.bytesPerReport, 0);
  return [
    `${reports} reports, ${bytesPerReport.toFixed(0)} bytes each with all tables and indexes`,
    ...(packed === null ? [] : [describePacked(packed)]),
    `${bytes.toFixed(0)} of these for its row, its index entries and its share of snapshots:`,
    ...groups.map(({ group, bytesPerReport: of }) => `${of.toFixed(1).padStart(8)}  ${group}`),
  ];
}

function describePacked(packed: number): string {
  const verdict = packed <= MAX_BYTES ? 'as expected' : 'NOT AS EXPECTED';
  return `${packed.toFixed(0)} after the month is over and its indexes are compacted (${verdict}: at most ${MAX_BYTES})`;
}
