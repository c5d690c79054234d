import { readFile, writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { parseIdList } from '#platform';
import type {
  ErasureOrCount,
  ErasurePage,
  ErasureProgress,
  OneErasure,
  SignedCertificate,
} from '../admin-types.js';
import { paged } from '../arguments.js';
import type { Tools, WithDatabase, WithTools } from '../tools.js';
import { ProblemFound, codeOf, Failure } from '../outcome.js';
import { fields, table, type Column } from '../print.js';
import { verifyLedger } from './verify-ledger.js';
import { waitUntilSettled } from '../wait-until-settled.js';

const MODES = ['erase_and_suppress', 'erase', 'suppress', 'lift'];

const COLUMNS: Column<ErasureProgress>[] = [
  ['ID', ({ id }) => id],
  ['MODE', ({ mode }) => mode],
  ['STATE', ({ state }) => state],
  ['INSTALLATIONS', ({ installations }) => installations],
  ['REQUESTED', ({ requestedAt }) => requestedAt],
  ['ROWS', rowsOf],
];

interface EraseOptions {
  mode: string;
  file?: string;
  dryRun?: true;
  wait?: true;
  certificate?: string;
}

/** Erasures, their certificates and their ledger. */
export function addErasures(
  program: Command,
  withTools: WithTools,
  withDatabase: WithDatabase,
): void {
  addErase(program, withTools);
  const erasures = program.command('erasures').description('list, retry and verify erasures');
  addReading(erasures, withTools);
  erasures
    .command('retry <id>')
    .description('resume a failed erasure')
    .option('--wait', 'wait until the erasure is complete')
    .action(withTools(retry));
  erasures
    .command('verify')
    .description('verify the erasure ledger, and reapply erasures that the database is missing')
    .option('--dry-run', 'report without changing anything')
    .option('--accept-loss', 'continue with a ledger that has lost entries')
    .action(withTools(verifyLedger));
  erasures
    .command('verify-certificate <file>')
    .description('verify a certificate, without any server')
    .requiredOption('--key <pem>', 'the public key, from erasures key')
    .option('--id <id>', 'an installation id as stored: also check that the certificate covers it')
    .action(
      withDatabase(async ({ out }, file: string, options: { key: string; id?: string }) => {
        const { verifyCertificate } = await import('./verify-certificate.js');
        out.write(await verifyCertificate(file, options.key, options.id));
      }),
    );
}

function addErase(program: Command, withTools: WithTools): void {
  program
    .command('erase')
    .description('erase installations and suppress their new events')
    .argument('[id...]', 'installation ids, as the installations send them')
    .option('--file <csv>', 'read the ids from the first column of a CSV file')
    .addOption(
      new Option('--mode <mode>', 'what to do; lift ends a suppression')
        .choices(MODES)
        .default(MODES[0]),
    )
    .option('--dry-run', 'count the rows without removing them')
    .option('--wait', 'wait until the erasure is complete')
    .option('--certificate <file>', 'wait, then write the signed certificate to this file')
    .action(withTools(erase));
}

function addReading(erasures: Command, withTools: WithTools): void {
  paged(erasures.command('list').description('list erasures, newest first'))
    .option('--state <state>', 'only erasures in this state')
    .option('--installation <id>', 'only erasures of this installation')
    .action(
      withTools(async ({ admin, printer }, options: Record<string, string>) => {
        const { installation: installationId, ...rest } = options;
        const response = await admin.request<ErasurePage>('GET', '/v1/erasures', {
          query: { ...rest, installationId },
        });
        printer.print(response, () => table(response.erasures, COLUMNS));
      }),
    );
  erasures
    .command('show <id>')
    .description('show the progress of an erasure')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const response = await admin.request<OneErasure>('GET', erasurePath(id));
        printer.print(response, () => fields(response.erasure));
      }),
    );
  erasures
    .command('certificate <id>')
    .description('print the signed certificate; erasures verify-certificate verifies it')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const response = await admin.request<SignedCertificate>(
          'GET',
          `${erasurePath(id)}/certificate`,
        );
        printer.print(response, () => [JSON.stringify(response, null, 2)]);
      }),
    );
  erasures
    .command('key')
    .description('print the public key that verifies certificates, in PEM')
    .action(withTools(({ admin, out }) => admin.stream('/v1/erasure-key', out)));
}

async function erase(tools: Tools, ids: string[], options: EraseOptions): Promise<void> {
  const { admin, printer } = tools;
  const isDry = options.dryRun === true;
  const response = await admin.request<ErasureOrCount>('POST', '/v1/erasures', {
    query: isDry ? { dryRun: 'true' } : {},
    body: { mode: options.mode, installationIds: await readIds(ids, options.file) },
  });
  const { erasure: requested, rows = {} } = response;
  if (!requested) {
    printer.print(response, () => fields(rows));
    return;
  }
  const isAwaited = options.wait === true || options.certificate !== undefined;
  const erasure = await show(tools, requested, isAwaited);
  if (options.certificate === undefined) return;
  const certificate = await admin.request<SignedCertificate>(
    'GET',
    `${erasurePath(erasure.id)}/certificate`,
  );
  await saveCertificate(options.certificate, certificate, erasure.id);
}

async function retry(tools: Tools, id: string, options: { wait?: true }): Promise<void> {
  const path = `${erasurePath(id)}/retry`;
  const { erasure } = await tools.admin.request<OneErasure>('POST', path);
  await show(tools, erasure, options.wait === true);
}

/** Prints an erasure, once it is complete or failed if that is awaited. @throws ProblemFound if it failed */
async function show(
  { admin, printer, say }: Tools,
  requested: ErasureProgress,
  isAwaited: boolean,
): Promise<ErasureProgress> {
  const { id } = requested;
  const fetch = async () => (await admin.request<OneErasure>('GET', erasurePath(id))).erasure;
  const onChange = (it: ErasureProgress) => {
    const failure = it.failure === null ? '' : `; the last attempt failed: ${it.failure}`;
    say(`${it.state}, ${rowsOf(it)} rows removed${failure}`);
  };
  const erasure = isAwaited ? await waitUntilSettled(requested, { fetch, onChange }) : requested;
  printer.print({ erasure }, () => fields(erasure));
  if (erasure.state === 'failed') {
    throw new ProblemFound(
      `The erasure failed: ${erasure.failure ?? 'unknown reason'}. Fix the reason, then run: erasures retry ${id}`,
    );
  }
  return erasure;
}

async function readIds(ids: string[], file: string | undefined): Promise<string[]> {
  if (file === undefined) {
    if (ids.length > 0) return ids;
    throw new Failure('Nothing to erase. Pass installation ids, or --file <csv>.');
  }
  const list = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Failure(`Cannot read ${file} (${codeOf(cause)}).`, { cause });
  });
  return [...ids, ...parseIdList(list)];
}

async function saveCertificate(file: string, certificate: object, id: string): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(certificate, null, 2)}\n`);
  } catch (cause) {
    throw new Failure(
      `The erasure ${id} is complete, but ${file} cannot be written (${codeOf(cause)}). Get its certificate with: muster erasures certificate ID.`,
      { cause },
    );
  }
}

function rowsOf({ removed }: ErasureProgress): number {
  return Object.values(removed).reduce((sum, count) => sum + count, 0);
}

function erasurePath(id: string): string {
  return `/v1/erasures/${encodeURIComponent(id)}`;
}
