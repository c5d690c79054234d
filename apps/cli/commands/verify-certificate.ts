import { createPublicKey, hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isGenuine, type ErasureCertificate } from '#storage';
import { installationIdOf, parseInstallationId } from '#telemetry';
import { Failure } from '../outcome.js';

/**
 * Verifies an erasure certificate.
 * @param keyFile the public key, in PEM
 * @param id of an installation, as stored: also checks that the certificate covers it
 * @returns what the certificate states, as one line
 * @throws Failure if the certificate is not genuine, or does not cover the installation
 */
export async function verifyCertificate(
  file: string,
  keyFile: string,
  id?: string,
): Promise<string> {
  const certificate = await read(file, (text) => JSON.parse(text) as ErasureCertificate);
  if (!isGenuine(certificate, await read(keyFile, createPublicKey))) {
    throw new Failure(
      'The certificate is NOT genuine: it was changed, or was signed with another key.',
    );
  }
  const { statement } = certificate;
  const stored = id && (parseInstallationId(id) ?? id.toLowerCase());
  if (stored && !statement.installations.includes(hash('sha256', stored))) {
    const isDerived = ![stored, null].includes(installationIdOf(id, 'any key'));
    throw new Failure(
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

/** @throws Failure if the file cannot be read or parsed */
async function read<T>(file: string, parse: (text: string) => T): Promise<T> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Failure(`${file} cannot be read.`, { cause });
  });
  try {
    return parse(text);
  } catch (cause) {
    throw new Failure(`${file} is neither a JSON certificate nor a PEM key.`, { cause });
  }
}
