/** Verifies an erasure certificate: `npm run verify-certificate -- FILE --key PUBLIC.pem [--id GUID]`. */
import { createPublicKey, hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { optionsTakenByNpm, runProcess, StartupError } from '#platform';
import { isGenuine, type ErasureCertificate } from '#storage';
import { installationIdOf, parseInstallationId } from '#telemetry';

const USAGE = `npm run verify-certificate -- FILE --key PUBLIC.pem [--id GUID]

FILE   the certificate, from GET /v1/erasures/{id}/certificate
--key  the public key, from GET /v1/erasure-key or npm run --silent muster -- erasures key
--id   an installation's id as stored: also checks that the certificate covers it
`;

runProcess(
  async () => {
    const { positionals, values } = readArguments();
    const [file] = positionals;
    if (values.help) process.stdout.write(USAGE);
    else if (file === undefined || values.key === undefined) throw new StartupError(USAGE);
    else process.stdout.write(await verify(file, values.key, values.id));
    return { stop: () => Promise.resolve() };
  },
  { name: 'verify-certificate' },
);

/** @throws StartupError if the certificate is not genuine, or does not cover the installation */
async function verify(file: string, keyFile: string, id: string | undefined): Promise<string> {
  const certificate = await read(file, (text) => JSON.parse(text) as ErasureCertificate);
  if (!isGenuine(certificate, await read(keyFile, createPublicKey))) {
    throw new StartupError(
      'The certificate is NOT genuine: it was changed, or was signed with another key.',
    );
  }
  const { statement } = certificate;
  const stored = id && (parseInstallationId(id) ?? id.toLowerCase());
  if (stored && !statement.installations.includes(hash('sha256', stored))) {
    const isDerived = ![stored, null].includes(installationIdOf(id, 'any key'));
    throw new StartupError(
      isDerived
        ? 'The certificate is genuine. Whether it covers this installation is not known, because an id of this kind is stored as another one: give --id the installationId that GET /v1/installations/{id} returns.'
        : 'The certificate is genuine, but it does NOT cover this installation.',
    );
  }
  const rows = Object.values(statement.removed).reduce((sum, count) => sum + count, 0);
  const { mode, installations, completedAt } = statement;
  return `The certificate is genuine: ${mode} of ${installations.length} installation(s), complete ${completedAt}, ${rows} rows removed.${aboutRedis(certificate)}\n`;
}

/** Certificates of earlier versions do not have it. */
function aboutRedis({ statement, addendum }: ErasureCertificate): string {
  const file = addendum?.statement.redisAppendOnlyFile ?? statement.redisAppendOnlyFile;
  if (!file) return '';
  const { state, rewrittenAt } = file;
  return ` Redis' append-only file: ${state}${rewrittenAt === null ? '' : ` ${rewrittenAt}`}.`;
}

/** @throws StartupError with the usage */
function readArguments() {
  const words = process.argv.slice(2);
  const taken = optionsTakenByNpm({ script: 'verify-certificate', names: ['key', 'id'], words });
  // Without --id the certificate would be genuine, but possibly not that of the installation.
  if (taken.length > 0) throw new StartupError(USAGE);
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        key: { type: 'string' },
        id: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    throw new StartupError(USAGE, { cause });
  }
}

/** @throws StartupError if the file cannot be read or parsed */
async function read<T>(file: string, parse: (text: string) => T): Promise<T> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new StartupError(`${file} cannot be read.`, { cause });
  });
  try {
    return parse(text);
  } catch (cause) {
    throw new StartupError(`${file} is neither a JSON certificate nor a PEM key.`, { cause });
  }
}
