import type { KeyObject } from 'node:crypto';
import { softwareVersion, type Logger, type WorkerSettings } from '#platform';
import { InstallationForgetter, LedgerList, LogRewriter } from '#queue';
import {
  addTo,
  certify,
  ErasureLedger,
  ErasureStore,
  LedgerComparison,
  LedgerFile,
  type Database,
  type ErasureCertificate,
  type ErasureFacts,
  type LedgerRecord,
  type LogState,
  type Repair,
} from '#storage';
import { LedgerGuard } from './ledger-guard.js';
import type { Work } from './work-loop.js';

export interface ErasureKeys {
  key: KeyObject;
  /** Public keys that were used before it. */
  formerKeys: readonly KeyObject[];
}

interface Options {
  settings: WorkerSettings;
  keys: ErasureKeys;
  database: Database;
  logger: Logger;
}

/** A worker's part in erasures, and what compares the database with their ledger. */
export function erasureWork(options: Options): { work: Work; guard: LedgerGuard } {
  const { settings, database, keys, logger } = options;
  const { suppressionKey, redisUrl, queuePrefix: prefix, backupDays } = settings;
  const store = new ErasureStore({ database, suppressionKey });
  const comparison = new LedgerComparison({ database, suppressionKey });
  const onError = (error: Error) => logger.debug({ err: error }, 'the connection to Redis failed');
  const redis = { redisUrl, prefix, onError };
  const [queue, rewriter, list] = [
    new InstallationForgetter(redis),
    new LogRewriter(redis),
    new LedgerList(redis),
  ];
  const ledger = erasureLedger(options, list);
  const signing = { key: keys.key, software: softwareVersion(), backupDays };
  const context = {
    emptyQueue: queue.forget.bind(queue),
    record: (records: readonly LedgerRecord[]) => ledger.append(records),
    rewriteIsDue: () => rewriter.isDue().catch(() => false),
    certify: (facts: ErasureFacts) => certify(facts, signing),
  };
  const work: Work = {
    name: 'erasures',
    parts: [
      (stopping) => store.suppressNext({ ...context, stopping }),
      (stopping) => store.eraseNext({ ...context, stopping }),
      (stopping) =>
        store.rewriteNext({
          rewrite: () => rewriter.rewrite(stopping),
          addTo: (it: ErasureCertificate, state: LogState) => addTo(it, state, signing),
        }),
    ],
    close: async () => {
      list.close();
      rewriter.close();
      await queue.close();
    },
  };
  return { work, guard: new LedgerGuard(ledger, comparison, logger) };
}

function erasureLedger({ settings, keys, logger }: Options, list: LedgerList): ErasureLedger {
  const { ledgerFile } = settings;
  if (ledgerFile === undefined) {
    logger.warn('ERASURE_LEDGER_FILE is not set: the erasure ledger is in Redis alone');
  }
  const file = ledgerFile === undefined ? null : new LedgerFile(ledgerFile);
  const onRepair = ({ redis, file, again }: Repair) => {
    const detail = { redis, file, again: again.length };
    logger.warn(detail, 'the copies of the erasure ledger were not the same and are repaired');
  };
  return new ErasureLedger({ list, file, ...keys, onRepair });
}
