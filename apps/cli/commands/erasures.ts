import { readFile, writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { Tools, WithTools } from '../run-command.js';
import { BadNews, Failure } from '../outcome.js';
import { fields, table, type Column } from '../print.js';
import { hasForgotten, ledgerLines, type LedgerReport } from './ledger-report.js';
import { untilSettled } from '../until-settled.js';

interface Erasure {
  id: string;
  mode: string;
  state: string;
  installations: number;
  requestedAt: string;
  completedAt: string | null;
  removed: Record<string, number>;
  failure: string | null;
}

const MODES = ['erase_and_suppress', 'erase', 'suppress', 'lift'];

const COLUMNS: Column<Erasure>[] = [
  ['ID', ({ id }) => id],
  ['MODE', ({ mode }) => mode],
  ['STATE', ({ state }) => state],
  ['INSTALLATIONS', ({ installations }) => installations],
  ['REQUESTED', ({ requestedAt }) => requestedAt],
  ['ROWS', rowsOf],
];

interface Holdings {
  products: object[];
  rows: object;
}

interface EraseOptions {
  mode: string;
  file?: string;
  dryRun?: true;
  wait?: true;
  certificate?: string;
}

/** Erasures, and what is held about an installation. */
export function addErasures(program: Command, withTools: WithTools): void {
  program
    .command('erase')
    .description('erase installations, and store nothing of them from then on')
    .argument('[id...]', 'the ids that the installations show themselves')
    .option('--file <csv>', 'take the ids from a file, one a line')
    .addOption(new Option('--mode <mode>', 'what to do').choices(MODES).default(MODES[0]))
    .option('--dry-run', 'only count what would be removed')
    .option('--wait', 'wait until it is complete')
    .option('--certificate <file>', 'wait, and save the signed certificate')
    .action(withTools(erase));

  const erasures = program.command('erasures').description('erasures that were asked for');
  erasures
    .command('list')
    .option('--state <state>', 'only those in this state')
    .option('--installation <id>', 'only those of this installation')
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'go on after this one')
    .action(
      withTools(async ({ admin, printer }, options: Record<string, string>) => {
        const { installation: installationId, ...rest } = options;
        const answer = await admin.ask<{ erasures: Erasure[] }>('GET', '/v1/erasures', {
          query: { ...rest, installationId },
        });
        printer.answer(answer, () => table(answer.erasures, COLUMNS));
      }),
    );
  erasures.command('show <id>').action(
    withTools(async ({ admin, printer }, id: string) => {
      const answer = await admin.ask<{ erasure: object }>('GET', erasurePath(id));
      printer.answer(answer, () => fields(answer.erasure));
    }),
  );
  erasures
    .command('verify')
    .description('check the ledger of erasures, and apply again what the database has forgotten')
    .option('--dry-run', 'only look')
    .option('--accept-loss', 'go on from a ledger that has lost entries')
    .action(withTools(verify));
  erasures
    .command('certificate <id>')
    .description('print the signed certificate')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const answer = await admin.ask('GET', `${erasurePath(id)}/certificate`);
        printer.answer(answer, () => [JSON.stringify(answer, null, 2)]);
      }),
    );
  addInstallations(program, withTools);
}

function addInstallations(program: Command, withTools: WithTools): void {
  const installations = program.command('installations').description('what is held about one');
  installations
    .command('show <id>')
    .description('in numbers')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const path = `/v1/installations/${encodeURIComponent(id)}`;
        const answer = await admin.ask<Holdings>('GET', path);
        printer.answer(answer, () => [
          ...answer.products.flatMap((product) => [...fields(product), '']),
          ...fields({ rows: answer.rows }),
        ]);
      }),
    );
  installations
    .command('export <id>')
    .description('every row, as NDJSON')
    .action(
      withTools(({ admin, out }, id: string) =>
        admin.stream(`/v1/installations/${encodeURIComponent(id)}/export`, out),
      ),
    );
}

async function erase(tools: Tools, ids: string[], options: EraseOptions): Promise<void> {
  const { admin, printer, say } = tools;
  const isDry = options.dryRun === true;
  const answer = await admin.ask<{ erasure: Erasure } | { rows: object }>('POST', '/v1/erasures', {
    query: isDry ? { dryRun: 'true' } : {},
    body: { mode: options.mode, installationIds: await readIds(ids, options.file) },
  });
  if ('rows' in answer) {
    printer.answer(answer, () => fields(answer.rows));
    return;
  }
  let { erasure } = answer;
  if (options.wait || options.certificate !== undefined) {
    erasure = await untilSettled(erasure, {
      ask: async () =>
        (await admin.ask<{ erasure: Erasure }>('GET', erasurePath(erasure.id))).erasure,
      tell: (it) => say(`${it.state}, ${rowsOf(it)} rows removed`),
    });
  }
  printer.answer({ erasure }, () => fields(erasure));
  if (erasure.state === 'failed') throw new BadNews('The erasure failed.');
  if (options.certificate === undefined) return;
  const certificate = await admin.ask('GET', `${erasurePath(erasure.id)}/certificate`);
  await writeFile(options.certificate, `${JSON.stringify(certificate, null, 2)}\n`);
}

async function verify(
  { admin, printer }: Tools,
  options: { dryRun?: true; acceptLoss?: true },
): Promise<void> {
  const report = await admin.ask<LedgerReport>('POST', '/v1/erasures/verify', {
    query: {
      dryRun: options.dryRun && 'true',
      acceptLoss: options.acceptLoss && 'true',
    },
  });
  printer.answer(report, () => ledgerLines(report));
  if (report.isDamaged) throw new BadNews('The ledger of erasures is damaged: see docs/backup.md.');
  if (options.dryRun && hasForgotten(report)) {
    throw new BadNews('The database has forgotten erasures.');
  }
}

async function readIds(ids: string[], file: string | undefined): Promise<string[]> {
  if (file === undefined) {
    if (ids.length > 0) return ids;
    throw new Failure('Whom to erase? Name ids, or a --file of them.');
  }
  const lines = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Failure(`${file} cannot be read.`, { cause });
  });
  const read = lines.split(/\r?\n/).map((line) => line.split(',')[0]?.trim() ?? '');
  return [...ids, ...read.filter((line) => line !== '')];
}

function rowsOf({ removed }: Erasure): number {
  return Object.values(removed).reduce((sum, count) => sum + count, 0);
}

function erasurePath(id: string): string {
  return `/v1/erasures/${encodeURIComponent(id)}`;
}
