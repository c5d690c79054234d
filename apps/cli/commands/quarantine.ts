import type { Command } from 'commander';
import type {
  JobOfQuarantine,
  OneQuarantinedEvent,
  OneQuarantineJob,
  QuarantinedEvent,
  QuarantinedEventPage,
  QuarantineJobPage,
  QuarantineSummary,
} from '../admin-types.js';
import type { AdminApi, Query } from '../admin-api.js';
import { paged, timeRange } from '../arguments.js';
import { ProblemFound, Failure } from '../outcome.js';
import { fields, table, tableOfAll, type Column } from '../print.js';
import type { Tools, WithTools } from '../tools.js';
import { waitUntilSettled } from '../wait-until-settled.js';

const EVENT_COLUMNS: Column<QuarantinedEvent>[] = [
  ['ID', ({ id }) => id],
  ['RECEIVED', ({ receivedAt }) => receivedAt],
  ['PRODUCT', ({ product }) => product],
  ['VERSION', ({ version }) => version],
  ['EVENT', ({ event }) => event],
  ['REASON', ({ reason }) => reason],
  ['PATH', ({ path }) => path],
];

const JOB_COLUMNS: Column<JobOfQuarantine>[] = [
  ['ID', ({ id }) => id],
  ['KIND', ({ kind }) => kind],
  ['STATE', ({ state }) => state],
  ['DONE', ({ done, total }) => `${done} of ${total ?? '?'}`],
  ['REQUESTED', ({ requestedAt }) => requestedAt],
];

type Filter = Partial<
  Record<'product' | 'event' | 'reason' | 'path' | 'version', string> & Record<'from' | 'to', Date>
>;

/** Quarantined events: list, replay and discard them. */
export function addQuarantine(program: Command, withTools: WithTools): void {
  const quarantine = program
    .command('quarantine')
    .description('inspect, replay and discard quarantined events');
  paged(
    filtered(quarantine.command('list').description('list quarantined events, newest first')),
  ).action(
    withTools(async ({ admin, printer }, query: Query) => {
      const response = await admin.request<QuarantinedEventPage>('GET', '/v1/quarantine', {
        query,
      });
      printer.print(response, () => table(response.events, EVENT_COLUMNS));
    }),
  );
  filtered(quarantine.command('summary').description('count quarantined events by group'))
    .option(
      '--by <columns>',
      'columns to group by: product, reason, path, version, event',
      'product,reason,path',
    )
    .option('--limit <n>', 'how many groups to list', '100')
    .action(
      withTools(async ({ admin, printer }, query: Query) => {
        const path = '/v1/quarantine/summary';
        const response = await admin.request<QuarantineSummary>('GET', path, { query });
        printer.print(response, () => tableOfAll(response.groups));
      }),
    );
  addShow(quarantine, withTools);
  addRequests(quarantine, withTools);
  addJobs(quarantine, withTools);
}

function addShow(quarantine: Command, withTools: WithTools): void {
  quarantine
    .command('show <id>')
    .description('show one event, with its stored content if your token may read it')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const path = `/v1/quarantine/${encodeURIComponent(id)}`;
        const response = await admin.request<OneQuarantinedEvent>('GET', path);
        const { content, ...rest } = response.event;
        printer.print(response, () => [
          ...fields(rest),
          ...(content ? ['', JSON.stringify(content, null, 2)] : []),
        ]);
      }),
    );
}

function addRequests(quarantine: Command, withTools: WithTools): void {
  filtered(
    quarantine.command('replay').description('normalise quarantined events again, after a fix'),
  )
    .option('--wait', 'wait until the job is complete')
    .action(
      withTools((tools, { wait, ...filter }: Filter & { wait?: true }) =>
        request(tools, 'replays', { filter }, wait),
      ),
    );
  filtered(quarantine.command('discard').description('delete quarantined events'))
    .option('--all', 'all events; required if no filter is given')
    .option('--wait', 'wait until the job is complete')
    .action(
      withTools(async (tools, options: Filter & { wait?: true; all?: true }) => {
        const { wait, all, ...filter } = options;
        if (!all && Object.keys(filter).length === 0) {
          throw new Failure('Nothing selected. Pass a filter, or --all to discard every event.');
        }
        return request(tools, 'discards', all ? { all, filter } : { filter }, wait);
      }),
    );
}

function addJobs(quarantine: Command, withTools: WithTools): void {
  const jobs = quarantine.command('jobs').description('list and retry replays and discards');
  paged(jobs.command('list').description('list replays and discards, newest first')).action(
    withTools(async ({ admin, printer }, query: Query) => {
      const path = '/v1/quarantine/jobs';
      const response = await admin.request<QuarantineJobPage>('GET', path, { query });
      printer.print(response, () => table(response.jobs, JOB_COLUMNS));
    }),
  );
  jobs
    .command('show <id>')
    .description('show the progress of a replay or discard')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const job = await fetchJob(admin, id);
        printer.print({ job }, () => fields(job));
      }),
    );
  jobs
    .command('retry <id>')
    .description('resume a failed replay or discard')
    .option('--wait', 'wait until the job is complete')
    .action(
      withTools((tools, id: string, { wait }: { wait?: true }) =>
        request(tools, `jobs/${encodeURIComponent(id)}/retry`, undefined, wait),
      ),
    );
}

/** Requests a job and prints it, once it is complete or failed if that is awaited. @throws ProblemFound if it failed */
async function request(
  { admin, printer, say }: Tools,
  route: string,
  body: object | undefined,
  wait: true | undefined,
): Promise<void> {
  const path = `/v1/quarantine/${route}`;
  let { job } = await admin.request<OneQuarantineJob>('POST', path, { body });
  if (wait) {
    job = await waitUntilSettled(job, {
      fetch: () => fetchJob(admin, job.id),
      onChange: (it) => say(`${it.state}, ${it.done} of ${it.total ?? '?'}`),
    });
  }
  printer.print({ job }, () => fields(job));
  if (job.state === 'failed') {
    throw new ProblemFound(
      `The job failed: ${job.failure ?? 'unknown reason'}. Fix the reason, then run: quarantine jobs retry ${job.id}`,
    );
  }
}

async function fetchJob(admin: AdminApi, id: string): Promise<JobOfQuarantine> {
  const path = `/v1/quarantine/jobs/${encodeURIComponent(id)}`;
  return (await admin.request<OneQuarantineJob>('GET', path)).job;
}

function filtered(command: Command): Command {
  command
    .option('--product <product>', 'only events of this product')
    .option('--event <event>', 'only events of this name')
    .option('--reason <reason>', 'only events with this reason')
    .option('--path <path>', 'only events with this invalid field')
    .option('--version <version>', 'only events of this product version');
  return timeRange(command, 'only events received');
}
