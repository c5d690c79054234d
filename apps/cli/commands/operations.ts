import type { Command } from 'commander';
import type {
  AuditEntry,
  AuditPage,
  Balance,
  FailedJobs,
  HousekeepingJobs,
  JobOfHousekeeping,
  JobThatFailed,
  QueueState,
  RetriedJobs,
} from '../admin-types.js';
import type { Query } from '../admin-api.js';
import { paged, timeRange } from '../arguments.js';
import { ProblemFound } from '../outcome.js';
import { fields, table, tableOfAll, type Column } from '../print.js';
import type { WithTools } from '../tools.js';

const FAILED_COLUMNS: Column<JobThatFailed>[] = [
  ['ID', ({ id }) => id],
  ['FAILED', ({ failedAt }) => failedAt],
  ['ATTEMPTS', ({ attempts }) => attempts],
  ['REASON', ({ reason }) => reason],
];

const AUDIT_COLUMNS: Column<AuditEntry>[] = [
  ['ID', ({ id }) => id],
  ['AT', ({ at }) => at],
  ['ACTOR', ({ actor }) => actor],
  ['TOKEN ID', ({ actorId }) => actorId],
  ['ACTION', ({ act }) => act],
  ['OUTCOME', ({ outcome }) => outcome],
  ['DETAIL', ({ detail }) => (Object.keys(detail).length > 0 ? detail : '')],
];

const MAINTENANCE_COLUMNS: Column<JobOfHousekeeping>[] = [
  ['JOB', ({ job }) => job],
  ['EVERY', ({ every }) => every],
  ['LAST RUN', ({ lastRun }) => lastRun?.startedAt],
  ['OUTCOME', ({ lastRun }) => lastRun?.outcome],
  ['TOOK (MS)', ({ lastRun }) => lastRun?.durationMs],
];

/** The queue, the balance, the audit log and maintenance. */
export function addOperations(program: Command, withTools: WithTools): void {
  addQueue(program, withTools);
  const balance = program
    .command('balance')
    .description('check that every accepted event has a fate')
    .option('--product <product>', 'only this product')
    .option('--limit <n>', 'how many hours to list; the check covers all');
  timeRange(balance, 'only hours').action(
    withTools(async ({ admin, printer }, query: Query) => {
      const response = await admin.request<Balance>('GET', '/v1/balance', { query });
      printer.print(response, () => balanceLines(response));
      if (response.alert) throw new ProblemFound('Event counts are out of balance.');
    }),
  );
  paged(program.command('audit').description('list audit entries, newest first')).action(
    withTools(async ({ admin, printer }, query: Query) => {
      const response = await admin.request<AuditPage>('GET', '/v1/audit', { query });
      printer.print(response, () => table(response.acts, AUDIT_COLUMNS));
    }),
  );
  program
    .command('housekeeping')
    .description('list maintenance jobs and their last runs')
    .action(
      withTools(async ({ admin, printer }) => {
        const response = await admin.request<HousekeepingJobs>('GET', '/v1/housekeeping');
        printer.print(response, () => table(response.jobs, MAINTENANCE_COLUMNS));
      }),
    );
}

function addQueue(program: Command, withTools: WithTools): void {
  const queue = program
    .command('queue')
    .description('inspect the queue of events that wait to be stored');
  queue
    .command('show', { isDefault: true })
    .description('show how many events wait, and for how long')
    .action(
      withTools(async ({ admin, printer }) => {
        const response = await admin.request<QueueState>('GET', '/v1/queue');
        printer.print(response, () => fields(response));
      }),
    );
  queue
    .command('failed')
    .description('list failed jobs, which are not retried automatically')
    .option('--limit <n>', 'how many to list', '50')
    .action(
      withTools(async ({ admin, printer }, query: Query) => {
        const path = '/v1/queue/failed';
        const response = await admin.request<FailedJobs>('GET', path, { query });
        printer.print(response, () => table(response.jobs, FAILED_COLUMNS));
      }),
    );
  queue
    .command('retry [id...]')
    .description('retry these failed jobs, or all if no id is given')
    .action(
      withTools(async ({ admin, printer }, named: string[]) => {
        const body = named.length > 0 ? { ids: named } : {};
        const response = await admin.request<RetriedJobs>('POST', '/v1/queue/failed/retry', {
          body,
        });
        printer.print(response, () => fields(response));
      }),
    );
}

function balanceLines({ isBalanced, hours }: Balance): string[] {
  return [...tableOfAll(hours), '', isBalanced ? 'In balance.' : 'OUT OF BALANCE.'];
}
