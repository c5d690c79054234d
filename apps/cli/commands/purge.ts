import type { Command } from 'commander';
import type { AdminApi } from '../admin-api.js';
import { BadNews } from '../outcome.js';
import { fields, table, tableOfAll, type Column, type Row } from '../print.js';
import type { Tools, WithTools } from '../run-command.js';
import { untilSettled } from '../until-settled.js';

interface Purge {
  id: string;
  keyId: string;
  from: string;
  to: string;
  state: string;
  requestedAt: string;
  removed: Record<string, number>;
  failure: string | null;
}

const COLUMNS: Column<Purge>[] = [
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
  from: string;
  to: string;
  confirm?: true;
  wait?: true;
}

/** Removes what a leaked write key sent; shows it only, unless that is confirmed. */
export function addPurge(program: Command, withTools: WithTools): void {
  program
    .command('purge')
    .description('remove what a write key sent; without --confirm, show it')
    .requiredOption('--key <id>', 'the id of the key, or the first 16 digits of its SHA-256')
    .requiredOption('--from <time>', 'received at or after')
    .requiredOption('--to <time>', 'received before')
    .option('--confirm', 'remove it')
    .option('--wait', 'wait until it is done')
    .action(withTools((tools, options: PurgeOptions) => purge(tools, options)));

  const purges = program.command('purges').description('purges that were requested');
  purges
    .command('list')
    .option('--state <state>', 'only those in this state')
    .option('--limit <n>', 'at most this many', '50')
    .option('--after <id>', 'continue after this one')
    .action(
      withTools(async ({ admin, printer }, query: Record<string, string>) => {
        const answer = await admin.ask<{ purges: Purge[] }>('GET', '/v1/purges', { query });
        printer.answer(answer, () => table(answer.purges, COLUMNS));
      }),
    );
  purges.command('show <id>').action(
    withTools(async ({ admin, printer }, id: string) => {
      const it = await askPurge(admin, id);
      printer.answer({ purge: it }, () => fields(it));
    }),
  );
}

async function purge(tools: Tools, { confirm, wait, ...scope }: PurgeOptions): Promise<void> {
  const { admin, printer, say } = tools;
  const answer = await admin.ask<{ purge: Purge } | { sent: Row[] }>('POST', '/v1/purges', {
    body: { ...scope, dryRun: confirm !== true },
  });
  if ('sent' in answer) {
    printer.answer(answer, () => tableOfAll(answer.sent));
    say('Nothing was removed. Add --confirm to remove these events.');
    return;
  }
  let { purge: it } = answer;
  if (wait) {
    it = await untilSettled(it, {
      ask: () => askPurge(admin, it.id),
      tell: ({ state, removed }) => say(`${state}, ${removed.report ?? 0} reports removed`),
    });
  }
  printer.answer({ purge: it }, () => fields(it));
  if (it.state === 'failed') throw new BadNews('The purge failed.');
}

async function askPurge(admin: AdminApi, id: string): Promise<Purge> {
  const path = `/v1/purges/${encodeURIComponent(id)}`;
  return (await admin.ask<{ purge: Purge }>('GET', path)).purge;
}
