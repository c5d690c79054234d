import { canonicalJson } from '#telemetry';
import type { ErasureMode } from './erasure-mode.js';
import { hashOfLine, type LedgerEntry, type LedgerKind, type LedgerPlace } from './entry.js';

/** An erasure as the ledger remembers it. */
export interface RememberedErasure {
  erasureId: string;
  mode: ErasureMode;
  requestedAt: string;
  /** When its latest entry was written. */
  at: string;
  kind: LedgerKind;
  place: LedgerPlace;
  installations: readonly string[];
}

/** Puts the entries of each erasure together, in the order of their requests. */
export function erasuresIn(entries: readonly LedgerEntry[]): RememberedErasure[] {
  const erasures = new Map<string, RememberedErasure>();
  for (const entry of entries) {
    const { erasureId, mode, requestedAt, at, kind, sequence, installations } = entry;
    // Behind a fork, an earlier entry of an erasure may follow a later one.
    if (at < (erasures.get(erasureId)?.at ?? '')) continue;
    const place = { sequence, hash: hashOfLine(canonicalJson(entry)) };
    erasures.set(erasureId, { erasureId, mode, requestedAt, at, kind, place, installations });
  }
  return [...erasures.values()].sort(byRequest);
}

/**
 * Which erasure has the last word about each installation's suppression: the one requested last, but for
 * those that erase only, which end no suppression and leave none.
 */
export function lastWords(
  erasures: readonly RememberedErasure[],
): ReadonlyMap<string, RememberedErasure> {
  const words = new Map<string, RememberedErasure>();
  for (const erasure of [...erasures].sort(byRequest)) {
    if (erasure.mode === 'erase') continue;
    for (const installation of erasure.installations) words.set(installation, erasure);
  }
  return words;
}

function byRequest(a: RememberedErasure, b: RememberedErasure): number {
  if (a.requestedAt !== b.requestedAt) return a.requestedAt < b.requestedAt ? -1 : 1;
  return a.place.sequence - b.place.sequence;
}
