import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '#telemetry';
import type { ErasureMode } from './erasure-mode.js';

/** The state of an entry's installations: their events are refused, all rows are removed, or events are stored again. */
export const ledgerKinds = ['suppressed', 'erased', 'lifted'] as const;
export type LedgerKind = (typeof ledgerKinds)[number];

/** A place in the chain: the number of an entry and the SHA-256 of its line, in hex. */
export interface LedgerPlace {
  sequence: number;
  hash: string;
}

/** The place before the first entry. */
export const BEGINNING: LedgerPlace = { sequence: 0, hash: '0'.repeat(64) };

/** The content of an entry: one step of an erasure. */
export interface LedgerRecord {
  kind: LedgerKind;
  erasureId: string;
  mode: ErasureMode;
  /** If several erasures name an installation, the one requested last decides. */
  requestedAt: string;
  /** HMAC-SHA-256 of each installation id under the suppression key, in base64url. */
  installations: readonly string[];
  /** Its places in abandoned branches of the chain. Earlier versions wrote a single place. */
  formerly?: LedgerPlace | readonly LedgerPlace[];
  /** When it was first written, if that was in an abandoned branch. */
  at?: string;
}

export interface LedgerEntry extends LedgerRecord {
  format: 1;
  sequence: number;
  previousHash: string;
  at: string;
  keyId: string;
  /** Ed25519 over the canonical JSON (RFC 8785) of all other fields, in base64. */
  signature: string;
}

/** A serialised entry and its place. */
export interface LedgerLine {
  line: string;
  place: LedgerPlace;
}

/** Signs records as the entries that follow `after`. Records without a time get `at`. */
export function writeLines(
  records: readonly LedgerRecord[],
  { after, at, key }: { after: LedgerPlace; at: Date; key: KeyObject },
): LedgerLine[] {
  const lines: LedgerLine[] = [];
  let previous = after;
  for (const record of records) {
    const unsigned = {
      ...{ at: at.toISOString(), ...record, format: 1 as const, keyId: keyIdOf(key) },
      ...{ sequence: previous.sequence + 1, previousHash: previous.hash },
    };
    const signature = sign(null, Buffer.from(canonicalJson(unsigned)), key).toString('base64');
    const line = canonicalJson({ ...unsigned, signature } satisfies LedgerEntry);
    previous = { sequence: unsigned.sequence, hash: hashOfLine(line) };
    lines.push({ line, place: previous });
  }
  return lines;
}

/** Parses a line. @returns null if it is not a canonical entry */
export function readLine(line: string): LedgerEntry | null {
  let entry: Partial<LedgerEntry> | null;
  try {
    entry = JSON.parse(line) as Partial<LedgerEntry> | null;
  } catch {
    return null;
  }
  const isEntry =
    typeof entry === 'object' &&
    entry?.format === 1 &&
    Number.isSafeInteger(entry.sequence) &&
    ledgerKinds.some((kind) => kind === entry.kind) &&
    Array.isArray(entry.installations) &&
    [entry.previousHash, entry.erasureId, entry.mode, entry.requestedAt, entry.at, entry.keyId]
      .concat(entry.signature)
      .every((it) => typeof it === 'string') &&
    canonicalJson(entry) === line;
  return isEntry ? (entry as LedgerEntry) : null;
}

/** The places that an entry had in abandoned branches. */
export function formerPlaces({ formerly = [] }: LedgerRecord): readonly LedgerPlace[] {
  return [formerly].flat();
}

export function hashOfLine(line: string): string {
  return hash('sha256', line);
}

/** Whether one of the keys, which are given by id, has signed the entry. */
export function isSigned(
  { signature, ...signed }: LedgerEntry,
  keys: ReadonlyMap<string, KeyObject>,
): boolean {
  const key = keys.get(signed.keyId);
  const value = Buffer.from(signature, 'base64');
  return key !== undefined && verify(null, Buffer.from(canonicalJson(signed)), key, value);
}

/** Public keys by id. */
export function keysById(keys: readonly KeyObject[]): ReadonlyMap<string, KeyObject> {
  const publicKeys = keys.map((key) => (key.type === 'private' ? createPublicKey(key) : key));
  return new Map(publicKeys.map((key) => [keyIdOf(key), key]));
}

/** Identifies a key: the first half of the SHA-256 of its public half (DER), in hex. */
export function keyIdOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return hash('sha256', half.export({ type: 'spki', format: 'der' })).slice(0, 16);
}
