import type { Command } from 'commander';
import type { AdminApi } from '../admin-api.js';
import { BadNews, Failure } from '../outcome.js';
import { fields, table, tableOfAll, type Column, type Row } from '../print.js';
import type { Tools, WithTools } from '../run-command.js';
import { untilSettled } from '../until-settled.js';

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

/** Events that could not be understood: look at them, take them again, throw them away. */
export function addQuarantine(program: Command, withTools: WithTools): void {
  const quarantine = program.command('quarantine').description('events that were kept aside');
  filtered(quarantine.command('list'))
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'go on after this one')
    .action(
      withTools(async ({ admin, printer }, query: Record<string, string>) => {
        const answer = await admin.ask<{ events: QuarantinedEvent[] }>('GET', '/v1/quarantine', {
          query,
        });
        printer.answer(answer, () => table(answer.events, EVENT_COLUMNS));
      }),
    );
  filtered(quarantine.command('summary').description('how many there are of what'))
    .option('--by <columns>', 'product, reason, path, version, event', 'product,reason,path')
    .action(
      withTools(async ({ admin, printer }, query: Record<string, string>) => {
        const path = '/v1/quarantine/summary';
        const answer = await admin.ask<{ groups: Row[] }>('GET', path, { query });
        printer.answer(answer, () => tableOfAll(answer.groups));
      }),
    );
  quarantine
    .command('show <id>')
    .description('one event; with what is kept of it, where your token may see that')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const path = `/v1/quarantine/${encodeURIComponent(id)}`;
        const answer = await admin.ask<{ event: { content?: object } }>('GET', path);
        const { content, ...rest } = answer.event;
        printer.answer(answer, () => [
          ...fields(rest),
          ...(content ? ['', JSON.stringify(content, null, 2)] : []),
        ]);
      }),
    );
  addJobs(quarantine, withTools);
}

function addJobs(quarantine: Command, withTools: WithTools): void {
  filtered(quarantine.command('replay').description('read events anew, after a fix'))
    .option('--wait', 'wait until it is done')
    .action(
      withTools((tools, { wait, ...filter }: Filter & { wait?: true }) =>
        start(tools, 'replays', { filter }, wait),
      ),
    );
  filtered(quarantine.command('discard').description('throw events away'))
    .option('--all', 'all of them, where no filter is given')
    .option('--wait', 'wait until it is done')
    .action(
      withTools((tools, options: Filter & { wait?: true; all?: true }) => {
        const { wait, all, ...filter } = options;
        return start(tools, 'discards', { filter: all ? { ...filter, all: true } : filter }, wait);
      }),
    );
  const jobs = quarantine.command('jobs').description('replays and discards');
  jobs.command('list').action(
    withTools(async ({ admin, printer }) => {
      const answer = await admin.ask<{ jobs: Job[] }>('GET', '/v1/quarantine/jobs');
      printer.answer(answer, () => table(answer.jobs, JOB_COLUMNS));
    }),
  );
  jobs.command('show <id>').action(
    withTools(async ({ admin, printer }, id: string) => {
      const job = await askJob(admin, id);
      printer.answer({ job }, () => fields(job));
    }),
  );
}

async function start(
  { admin, printer, say }: Tools,
  route: 'replays' | 'discards',
  body: { filter: object },
  wait: true | undefined,
): Promise<void> {
  const isEmpty = Object.keys(body.filter).length === 0;
  if (route === 'discards' && isEmpty) {
    throw new Failure('Discard which? Give a filter, or --all.');
  }
  let { job } = await admin.ask<{ job: Job }>('POST', `/v1/quarantine/${route}`, { body });
  if (wait) {
    job = await untilSettled(job, {
      ask: () => askJob(admin, job.id),
      tell: (it) => say(`${it.state}, ${it.done} of ${it.total ?? '?'}`),
    });
  }
  printer.answer({ job }, () => fields(job));
  if (job.state === 'failed') throw new BadNews('The job failed.');
}

async function askJob(admin: AdminApi, id: string): Promise<Job> {
  const path = `/v1/quarantine/jobs/${encodeURIComponent(id)}`;
  return (await admin.ask<{ job: Job }>('GET', path)).job;
}

function filtered(command: Command): Command {
  return command
    .option('--product <product>', 'only of this product')
    .option('--event <event>', 'only this kind of event')
    .option('--reason <reason>', 'only for this reason')
    .option('--path <path>', 'only where this place was wrong')
    .option('--version <version>', "only of this product's version")
    .option('--from <time>', 'received at or after')
    .option('--to <time>', 'received before');
}
