import type { Command } from 'commander';
import { BadNews } from '../outcome.js';
import { fields, table, tableOfAll, type Column, type Row } from '../print.js';
import type { WithTools } from '../run-command.js';

interface FailedJob {
  id: string;
  failedAt: string | null;
  attempts: number;
  reason: string;
}

const FAILED_COLUMNS: Column<FailedJob>[] = [
  ['ID', ({ id }) => id],
  ['FAILED', ({ failedAt }) => failedAt],
  ['ATTEMPTS', ({ attempts }) => attempts],
  ['REASON', ({ reason }) => reason],
];

interface Act {
  at: string;
  actor: string;
  actorId: string | null;
  act: string;
  outcome: string;
  detail: object;
}

const ACT_COLUMNS: Column<Act>[] = [
  ['AT', ({ at }) => at],
  ['ACTOR', ({ actor }) => actor],
  ['TOKEN ID', ({ actorId }) => actorId],
  ['ACT', ({ act }) => act],
  ['OUTCOME', ({ outcome }) => outcome],
  ['DETAIL', ({ detail }) => (Object.keys(detail).length > 0 ? detail : '')],
];

interface Scheduled {
  job: string;
  every: string;
  lastRun: { startedAt: string; outcome: string; durationMs: number } | null;
}

const SCHEDULED_COLUMNS: Column<Scheduled>[] = [
  ['JOB', ({ job }) => job],
  ['EVERY', ({ every }) => every],
  ['LAST RUN', ({ lastRun }) => lastRun?.startedAt],
  ['OUTCOME', ({ lastRun }) => lastRun?.outcome],
  ['TOOK (MS)', ({ lastRun }) => lastRun?.durationMs],
];

/** How it does: the queue, the books, what was done, and what it does by itself. */
export function addOperations(program: Command, withTools: WithTools): void {
  addQueue(program, withTools);
  program
    .command('balance')
    .description('whether every event that was accepted has a fate')
    .option('--product <product>', 'only of this product')
    .option('--from <time>', 'hours from')
    .option('--to <time>', 'hours before')
    .action(
      withTools(async ({ admin, printer }, query: Record<string, string>) => {
        const answer = await admin.ask<Balance>('GET', '/v1/balance', { query });
        printer.answer(answer, () => tellBalance(answer));
        if (answer.alert) throw new BadNews('The books are out of balance.');
      }),
    );
  program
    .command('audit')
    .description('what administrators did, newest first')
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'go on after this one')
    .action(
      withTools(async ({ admin, printer }, query: Record<string, string>) => {
        const answer = await admin.ask<{ acts: Act[] }>('GET', '/v1/audit', { query });
        printer.answer(answer, () => table(answer.acts, ACT_COLUMNS));
      }),
    );
  program
    .command('housekeeping')
    .description('what the workers do by themselves, and how it went')
    .action(
      withTools(async ({ admin, printer }) => {
        const answer = await admin.ask<{ jobs: Scheduled[] }>('GET', '/v1/housekeeping');
        printer.answer(answer, () => table(answer.jobs, SCHEDULED_COLUMNS));
      }),
    );
}

function addQueue(program: Command, withTools: WithTools): void {
  const queue = program.command('queue').description('what waits to be stored');
  queue
    .command('show', { isDefault: true })
    .description('how much waits, and for how long')
    .action(
      withTools(async ({ admin, printer }) => {
        const answer = await admin.ask<object>('GET', '/v1/queue');
        printer.answer(answer, () => fields(answer));
      }),
    );
  queue
    .command('failed')
    .description('jobs that are not tried again by themselves')
    .action(
      withTools(async ({ admin, printer }) => {
        const answer = await admin.ask<{ jobs: FailedJob[] }>('GET', '/v1/queue/failed');
        printer.answer(answer, () => table(answer.jobs, FAILED_COLUMNS));
      }),
    );
  queue
    .command('retry [id...]')
    .description('try failed jobs again, all of them where none is named')
    .action(
      withTools(async ({ admin, printer }, named: string[]) => {
        const body = named.length > 0 ? { ids: named } : {};
        const answer = await admin.ask<object>('POST', '/v1/queue/failed/retry', { body });
        printer.answer(answer, () => fields(answer));
      }),
    );
}

interface Balance {
  isBalanced: boolean;
  alert: boolean;
  hours: Row[];
}

function tellBalance({ isBalanced, hours }: Balance): string[] {
  return [...tableOfAll(hours), '', isBalanced ? 'In balance.' : 'OUT OF BALANCE.'];
}
