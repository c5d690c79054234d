import { canonicalJson } from '#telemetry';
import type { ErasureMode } from './erasure-mode.js';
import { hashOfLine, type LedgerEntry, type LedgerKind, type LedgerPlace } from './entry.js';

/** An erasure as recorded in the ledger. */
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

/** The latest entry of each erasure, in the order of their requests. */
export function erasuresIn(entries: readonly LedgerEntry[]): RememberedErasure[] {
  const erasures = new Map<string, RememberedErasure>();
  for (const entry of entries) {
    const { erasureId, mode, requestedAt, at, kind, sequence, installations } = entry;
    // After a fork, an earlier entry of an erasure may follow a later one.
    if (at < (erasures.get(erasureId)?.at ?? '')) continue;
    const place = { sequence, hash: hashOfLine(canonicalJson(entry)) };
    erasures.set(erasureId, { erasureId, mode, requestedAt, at, kind, place, installations });
  }
  return [...erasures.values()].sort(byRequest);
}

/**
 * The erasure that decides whether each installation is suppressed: the one requested last. Mode `erase` is ignored,
 * because it neither starts nor ends a suppression.
 * @returns erasures by the digest of the installation
 */
export function decidingErasures(
  erasures: readonly RememberedErasure[],
): ReadonlyMap<string, RememberedErasure> {
  const deciding = new Map<string, RememberedErasure>();
  for (const erasure of [...erasures].sort(byRequest)) {
    if (erasure.mode === 'erase') continue;
    for (const installation of erasure.installations) deciding.set(installation, erasure);
  }
  return deciding;
}

function byRequest(a: RememberedErasure, b: RememberedErasure): number {
  if (a.requestedAt !== b.requestedAt) return a.requestedAt < b.requestedAt ? -1 : 1;
  return a.place.sequence - b.place.sequence;
}
