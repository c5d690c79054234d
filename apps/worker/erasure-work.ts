import { softwareVersion } from '#platform';
import { LedgerList, LogRewriter, type QueueRewriter } from '#queue';
import {
  addTo,
  certify,
  ErasureLedger,
  ErasureStore,
  LedgerComparison,
  LedgerFile,
  type ErasureCertificate,
  type ErasureFacts,
  type LedgerRecord,
  type LogState,
  type Repair,
} from '#storage';
import { LedgerGuard } from './ledger-guard.js';
import type { Shared } from './shared.js';
import type { Part } from './work-loop.js';

/** The erasure jobs of a worker, and the guard that compares the database with the erasure ledger. */
export function erasureWork(
  shared: Shared,
  queue: QueueRewriter,
): { parts: Part[]; guard: LedgerGuard } {
  const { settings, redis, database, keys, watchdog, logger } = shared;
  const { suppressionKey, backupDays } = settings;
  const store = new ErasureStore({ database, suppressionKey });
  const comparison = new LedgerComparison({ database, suppressionKey });
  const rewriter = new LogRewriter(redis);
  const ledger = erasureLedger(shared);
  const signing = { key: keys.key, software: softwareVersion(), backupDays };
  const context = {
    emptyQueue: queue.forgetInstallations.bind(queue),
    record: (records: readonly LedgerRecord[]) => ledger.append(records),
    rewriteIsDue: () => rewriter.isDue().catch(() => false),
    certify: (facts: ErasureFacts) => certify(facts, signing),
  };
  const rewriting = (stopping: AbortSignal) => ({
    rewrite: () => rewriter.rewrite(stopping),
    addTo: (it: ErasureCertificate, state: LogState) => addTo(it, state, signing),
  });
  const part = (name: Part['name'], kind: Part['kind'], run: Part['run']) => ({ name, kind, run });
  const parts = [
    part('suppressions', 'erasures', (stopping) => store.suppressNext({ ...context, stopping })),
    part('erasures', 'erasures', (stopping) => store.eraseNext({ ...context, stopping })),
    part('log rewrites', 'log rewrites', (stopping) => store.rewriteNext(rewriting(stopping))),
  ];
  return { parts, guard: new LedgerGuard({ ledger, comparison, watchdog }, logger) };
}

function erasureLedger({ settings, redis, keys, clock, logger }: Shared): ErasureLedger {
  const { ledgerFile } = settings;
  if (ledgerFile === undefined) {
    logger.warn('ERASURE_LEDGER_FILE is not set: the erasure ledger exists only in Redis');
  }
  const file = ledgerFile === undefined ? null : new LedgerFile(ledgerFile);
  const onRepair = ({ redis, file, again }: Repair) => {
    const detail = { redis, file, again: again.length };
    logger.warn(detail, 'the copies of the erasure ledger differed and were repaired');
  };
  const list = new LedgerList(redis);
  return new ErasureLedger({ list, file, ...keys, clock, onRepair });
}
