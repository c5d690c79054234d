import type { Command } from 'commander';
import type { OnePurge, PurgeOfKey, PurgeOrSent, PurgePage } from '../admin-types.js';
import type { AdminApi, Query } from '../admin-api.js';
import { paged, parseTime } from '../arguments.js';
import { ProblemFound } from '../outcome.js';
import { fields, table, tableOfAll, type Column } from '../print.js';
import type { Tools, WithTools } from '../tools.js';
import { waitUntilSettled } from '../wait-until-settled.js';

const COLUMNS: Column<PurgeOfKey>[] = [
  ['ID', ({ id }) => id],
  ['KEY', ({ keyId }) => keyId],
  ['FROM', ({ from }) => from],
  ['TO', ({ to }) => to],
  ['STATE', ({ state }) => state],
  ['REQUESTED', ({ requestedAt }) => requestedAt],
  ['REPORTS', ({ removed }) => removed.report ?? 0],
  ['FAILURE', ({ failure }) => failure ?? ''],
];

interface PurgeOptions {
  key: string;
  from: Date;
  to: Date;
  confirm?: true;
  wait?: true;
}

/** Removes the events that a leaked write key sent. Without confirmation it only shows them. */
export function addPurge(program: Command, withTools: WithTools): void {
  program
    .command('purge')
    .description('remove the events that a write key sent; without --confirm, only show them')
    .requiredOption('--key <id>', 'the id of the key, or the first 16 digits of its SHA-256')
    .requiredOption('--from <time>', 'events received at or after this time or day', parseTime)
    .requiredOption('--to <time>', 'events received before this time or day', parseTime)
    .option('--confirm', 'remove the events')
    .option('--wait', 'wait until the purge is complete')
    .action(withTools((tools, options: PurgeOptions) => purge(tools, options)));

  const purges = program.command('purges').description('list and retry purges');
  paged(purges.command('list').description('list purges, newest first'))
    .option('--state <state>', 'only purges in this state')
    .action(
      withTools(async ({ admin, printer }, query: Query) => {
        const response = await admin.request<PurgePage>('GET', '/v1/purges', { query });
        printer.print(response, () => table(response.purges, COLUMNS));
      }),
    );
  purges
    .command('show <id>')
    .description('show the progress of a purge')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const it = await fetchPurge(admin, id);
        printer.print({ purge: it }, () => fields(it));
      }),
    );
  purges
    .command('retry <id>')
    .description('resume a failed purge')
    .option('--wait', 'wait until the purge is complete')
    .action(
      withTools(async (tools, id: string, { wait }: { wait?: true }) => {
        const path = `${purgePath(id)}/retry`;
        const response = await tools.admin.request<OnePurge>('POST', path);
        await show(tools, response.purge, wait);
      }),
    );
}

async function purge(tools: Tools, { confirm, wait, ...scope }: PurgeOptions): Promise<void> {
  const { admin, printer, say } = tools;
  const response = await admin.request<PurgeOrSent>('POST', '/v1/purges', {
    body: { ...scope, dryRun: confirm !== true },
  });
  const { purge: requested, sent = [] } = response;
  if (!requested) {
    printer.print(response, () => tableOfAll(sent));
    say('Nothing was removed. Add --confirm to remove these events.');
    return;
  }
  await show(tools, requested, wait);
}

/** Prints a purge, once it is complete or failed if that is awaited. @throws ProblemFound if it failed */
async function show(
  { admin, printer, say }: Tools,
  requested: PurgeOfKey,
  wait: true | undefined,
): Promise<void> {
  let it = requested;
  if (wait) {
    it = await waitUntilSettled(it, {
      fetch: () => fetchPurge(admin, it.id),
      onChange: ({ state, removed }) => say(`${state}, ${removed.report ?? 0} reports removed`),
    });
  }
  printer.print({ purge: it }, () => fields(it));
  if (it.state === 'failed') {
    throw new ProblemFound(
      `The purge failed: ${it.failure ?? 'unknown reason'}. Fix the reason, then run: purges retry ${it.id}`,
    );
  }
}

async function fetchPurge(admin: AdminApi, id: string): Promise<PurgeOfKey> {
  return (await admin.request<OnePurge>('GET', purgePath(id))).purge;
}

function purgePath(id: string): string {
  return `/v1/purges/${encodeURIComponent(id)}`;
}
