import type { Command } from 'commander';
import { fields, tableOfAll, type Row } from '../print.js';
import type { Tools, WithTools } from '../run-command.js';
import { untilSettled } from '../until-settled.js';

interface Purge {
  id: string;
  state: string;
  removed: Record<string, number>;
}

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
      ask: async () => (await admin.ask<{ purge: Purge }>('GET', `/v1/purges/${it.id}`)).purge,
      tell: ({ state, removed }) => say(`${state}, ${removed.report ?? 0} reports removed`),
    });
  }
  printer.answer({ purge: it }, () => fields(it));
}
