import type { Command } from 'commander';
import type { AdminApi } from '../admin-api.js';
import { ProblemFound, Failure } from '../outcome.js';
import { fields, table, tableOfAll, type Column, type Row } from '../print.js';
import type { Tools, WithTools } from '../tools.js';
import { waitUntilSettled } from '../wait-until-settled.js';

interface QuarantinedEvent {
  id: string;
  receivedAt: string;
  product: string;
  version: string | null;
  event: string;
  reason: string;
  path: string;
}

const EVENT_COLUMNS: Column<QuarantinedEvent>[] = [
  ['ID', ({ id }) => id],
  ['RECEIVED', ({ receivedAt }) => receivedAt],
  ['PRODUCT', ({ product }) => product],
  ['VERSION', ({ version }) => version],
  ['EVENT', ({ event }) => event],
  ['REASON', ({ reason }) => reason],
  ['PATH', ({ path }) => path],
];

interface Job {
  id: string;
  kind: string;
  state: string;
  total: number | null;
  done: number;
  requestedAt: string;
}

const JOB_COLUMNS: Column<Job>[] = [
  ['ID', ({ id }) => id],
  ['KIND', ({ kind }) => kind],
  ['STATE', ({ state }) => state],
  ['DONE', ({ done, total }) => `${done} of ${total ?? '?'}`],
  ['REQUESTED', ({ requestedAt }) => requestedAt],
];

type Filter = Partial<
  Record<'product' | 'event' | 'reason' | 'path' | 'version' | 'from' | 'to', string>
>;

/** Quarantined events: list, replay and discard them. */
export function addQuarantine(program: Command, withTools: WithTools): void {
  const quarantine = program
    .command('quarantine')
    .description('inspect, replay and discard quarantined events');
  filtered(quarantine.command('list'))
    .option('--limit <n>', 'at most this many', '50')
    .option('--after <id>', 'continue after this id')
    .action(
      withTools(async ({ admin, printer }, query: Record<string, string>) => {
        const response = await admin.request<{ events: QuarantinedEvent[] }>(
          'GET',
          '/v1/quarantine',
          {
            query,
          },
        );
        printer.print(response, () => table(response.events, EVENT_COLUMNS));
      }),
    );
  filtered(quarantine.command('summary').description('count quarantined events by group'))
    .option(
      '--by <columns>',
      'columns to group by: product, reason, path, version, event',
      'product,reason,path',
    )
    .action(
      withTools(async ({ admin, printer }, query: Record<string, string>) => {
        const path = '/v1/quarantine/summary';
        const response = await admin.request<{ groups: Row[] }>('GET', path, { query });
        printer.print(response, () => tableOfAll(response.groups));
      }),
    );
  quarantine
    .command('show <id>')
    .description('show one event, with its stored content if your token may read it')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const path = `/v1/quarantine/${encodeURIComponent(id)}`;
        const response = await admin.request<{ event: { content?: object } }>('GET', path);
        const { content, ...rest } = response.event;
        printer.print(response, () => [
          ...fields(rest),
          ...(content ? ['', JSON.stringify(content, null, 2)] : []),
        ]);
      }),
    );
  addJobs(quarantine, withTools);
}

function addJobs(quarantine: Command, withTools: WithTools): void {
  filtered(
    quarantine.command('replay').description('normalise quarantined events again, after a fix'),
  )
    .option('--wait', 'wait until the job is complete')
    .action(
      withTools((tools, { wait, ...filter }: Filter & { wait?: true }) =>
        start(tools, 'replays', { filter }, wait),
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
        return start(tools, 'discards', all ? { all, filter } : { filter }, wait);
      }),
    );
  const jobs = quarantine.command('jobs').description('list replays and discards');
  jobs.command('list').action(
    withTools(async ({ admin, printer }) => {
      const response = await admin.request<{ jobs: Job[] }>('GET', '/v1/quarantine/jobs');
      printer.print(response, () => table(response.jobs, JOB_COLUMNS));
    }),
  );
  jobs.command('show <id>').action(
    withTools(async ({ admin, printer }, id: string) => {
      const job = await fetchJob(admin, id);
      printer.print({ job }, () => fields(job));
    }),
  );
}

async function start(
  { admin, printer, say }: Tools,
  route: 'replays' | 'discards',
  body: object,
  wait: true | undefined,
): Promise<void> {
  let { job } = await admin.request<{ job: Job }>('POST', `/v1/quarantine/${route}`, { body });
  if (wait) {
    job = await waitUntilSettled(job, {
      fetch: () => fetchJob(admin, job.id),
      onChange: (it) => say(`${it.state}, ${it.done} of ${it.total ?? '?'}`),
    });
  }
  printer.print({ job }, () => fields(job));
  if (job.state === 'failed') throw new ProblemFound('The job failed.');
}

async function fetchJob(admin: AdminApi, id: string): Promise<Job> {
  const path = `/v1/quarantine/jobs/${encodeURIComponent(id)}`;
  return (await admin.request<{ job: Job }>('GET', path)).job;
}

function filtered(command: Command): Command {
  return command
    .option('--product <product>', 'only this product')
    .option('--event <event>', 'only this event')
    .option('--reason <reason>', 'only this reason')
    .option('--path <path>', 'only this path')
    .option('--version <version>', 'only this product version')
    .option('--from <time>', 'received at or after')
    .option('--to <time>', 'received before');
}
