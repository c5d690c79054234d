import { hash, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '#telemetry';
import { keyIdOf } from '../ledger/entry.js';
import type { LogState } from './erasure.js';
import { whatRemains, type Remains } from './remains.js';
import type { ErasureFacts } from './context.js';

type OldFields = 'ledger' | 'reappliedAt' | 'redisAppendOnlyFile';

/** The signed part of a certificate. Certificates of earlier versions lack the optional fields. */
export interface ErasureStatement
  extends
    Omit<ErasureFacts, 'installationIds' | OldFields>,
    Partial<Pick<ErasureFacts, OldFields>> {
  /** SHA-256 of each id as it was stored. Only a reader who knows an id can find it here. */
  installations: string[];
  /** What remains elsewhere, and for how long. */
  remains?: Remains;
  /** The version of Muster that did it. */
  software: string;
}

/** Ed25519 over the UTF-8 of a statement's JSON with keys in order (RFC 8785). */
export interface Signature {
  algorithm: 'Ed25519';
  keyId: string;
  value: string;
}

/** What became known after a certificate was signed. */
export interface AddendumStatement {
  id: string;
  /** SHA-256 of the canonical JSON of the certificate's statement. */
  certificate: string;
  redisAppendOnlyFile: LogState;
  software: string;
}

/** A statement with its signature. */
export interface ErasureCertificate {
  statement: ErasureStatement;
  signature: Signature;
  addendum?: { statement: AddendumStatement; signature: Signature };
}

export interface Signing {
  key: KeyObject;
  software: string;
  /** How long backups are kept; undefined if not configured. */
  backupDays?: number | undefined;
}

/** Signs the facts of a complete erasure. */
export function certify(facts: ErasureFacts, signing: Signing): ErasureCertificate {
  const { key, software, backupDays } = signing;
  const { id, mode, requestedAt, suppressedAt, erasedAt, completedAt, removed, verified } = facts;
  const { ledger, reappliedAt, redisAppendOnlyFile, installationIds } = facts;
  // Field by field: an object may have more fields than its type, and all of them would be signed.
  const statement: ErasureStatement = {
    ...{ id, mode, requestedAt, suppressedAt, erasedAt, completedAt, removed, verified },
    ...{ ledger, reappliedAt, redisAppendOnlyFile },
    installations: installationIds.map((it) => hash('sha256', it)).sort(),
    ...{ remains: whatRemains(backupDays), software },
  };
  return { statement, signature: signatureOf(statement, key) };
}

/** Signs what became of Redis' append-only file after a certificate. */
export function addTo(
  { statement: { id, ...rest } }: ErasureCertificate,
  redisAppendOnlyFile: LogState,
  { key, software }: Signing,
): NonNullable<ErasureCertificate['addendum']> {
  const certificate = digestOf({ id, ...rest });
  const statement: AddendumStatement = { id, certificate, redisAppendOnlyFile, software };
  return { statement, signature: signatureOf(statement, key) };
}

/** Whether a certificate, with its addendum, is what was signed with the private half of this key. */
export function isGenuine(certificate: ErasureCertificate, key: KeyObject): boolean {
  const { statement, signature, addendum } = certificate;
  if (!isSignedBy(statement, signature, key)) return false;
  if (!addendum) return true;
  const isAboutIt = addendum.statement.certificate === digestOf(statement);
  return isAboutIt && isSignedBy(addendum.statement, addendum.signature, key);
}

function signatureOf(statement: object, key: KeyObject): Signature {
  const value = sign(null, Buffer.from(canonicalJson(statement)), key).toString('base64');
  return { algorithm: 'Ed25519', keyId: keyIdOf(key), value };
}

function isSignedBy(statement: object, { value }: Signature, key: KeyObject): boolean {
  return verify(null, Buffer.from(canonicalJson(statement)), key, Buffer.from(value, 'base64'));
}

function digestOf(statement: object): string {
  return hash('sha256', canonicalJson(statement));
}
