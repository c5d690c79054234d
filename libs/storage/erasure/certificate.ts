import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '#telemetry';
import type { ErasureFacts } from './run.js';

/** What is signed of an erasure. */
export interface ErasureStatement extends Omit<ErasureFacts, 'installationIds'> {
  /** SHA-256 of each id as it was stored: whoever knows an id can find it here, and nobody else. */
  installations: string[];
  /** The version of Muster that did it. */
  software: string;
}

/** A statement with its signature: Ed25519 over the UTF-8 of its JSON with keys in order (RFC 8785). */
export interface ErasureCertificate {
  statement: ErasureStatement;
  signature: { algorithm: 'Ed25519'; keyId: string; value: string };
}

/** Signs what was done. */
export function certify(facts: ErasureFacts, key: KeyObject, software: string): ErasureCertificate {
  const { installationIds, ...rest } = facts;
  const installations = installationIds.map((id) => hash('sha256', id)).sort();
  const statement = { ...rest, installations, software };
  const value = sign(null, Buffer.from(canonicalJson(statement)), key).toString('base64');
  return { statement, signature: { algorithm: 'Ed25519', keyId: keyIdOf(key), value } };
}

/** Whether a certificate is what was signed with the private half of this key. */
export function isGenuine({ statement, signature }: ErasureCertificate, key: KeyObject): boolean {
  const value = Buffer.from(signature.value, 'base64');
  return verify(null, Buffer.from(canonicalJson(statement)), key, value);
}

/** Which key it was: the beginning of the SHA-256 of its public half (DER). */
function keyIdOf(key: KeyObject): string {
  return hash('sha256', createPublicKey(key).export({ type: 'spki', format: 'der' })).slice(0, 16);
}
