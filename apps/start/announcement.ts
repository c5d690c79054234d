import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { endpointsFile, type Endpoints } from './endpoints.js';

const QUERY =
  'select unit, total, unhealthy from fleet.health_readings order by observed_at desc limit 10';

/** The text printed once everything runs: addresses, and two commands to try it. */
export function announcement(dataDir: string, endpoints: Endpoints): string {
  return `
Muster is ready.

  ingest    ${endpoints.ingestUrl}
  admin     ${endpoints.adminUrl}
  database  ${endpoints.analystUrl}
  state     ${dataDir} (endpoints.json for scripts, logs/)

Send a report:

  ${curlLine(endpoints)}

See it:

  ${queryLine(dataDir, endpoints)}

Ctrl-C stops it all.
`;
}

function curlLine({ ingestUrl, caFile, writeKeys }: Endpoints): string {
  const report = {
    installationId: randomUUID(),
    product: 'dcos',
    event: 'health',
    version: '2.1.0',
    properties: {
      'health-unit-dcos-mesos-master-service-total': 3,
      'health-unit-dcos-mesos-master-service-unhealthy': 1,
    },
  };
  const headers = [
    `Authorization: Bearer ${writeKeys.dcos ?? 'YOUR_WRITE_KEY'}`,
    'Content-Type: application/json',
  ];
  const options = headers.map((header) => `-H ${quote(header)}`).join(' ');
  const url = `${ingestUrl}/v1/events`;
  return `curl --cacert ${quote(caFile)} ${options} -d ${quote(JSON.stringify(report))} ${url}`;
}

function queryLine(dataDir: string, { analystUrl }: Endpoints): string {
  const { error } = spawnSync('psql', ['--version'], { stdio: 'ignore' });
  if (!error) return `psql ${quote(analystUrl)} -c ${quote(QUERY)}`;
  const script = fileURLToPath(new URL('sql.js', import.meta.url));
  return `node ${quote(script)} ${quote(endpointsFile(dataDir))} ${quote(QUERY)}`;
}

/** Quotes a text as one word of a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
