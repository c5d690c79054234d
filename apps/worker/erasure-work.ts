import type { KeyObject } from 'node:crypto';
import { softwareVersion, type Logger, type WorkerSettings } from '#platform';
import { LedgerList, LogRewriter, QueueRewriter, type Clock } from '#queue';
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
import type { Watchdog } from './watchdog.js';
import type { Work } from './work-loop.js';

export interface ErasureKeys {
  key: KeyObject;
  /** Earlier public keys. */
  formerKeys: readonly KeyObject[];
}

interface Options {
  settings: WorkerSettings;
  keys: ErasureKeys;
  database: Database;
  clock: Clock;
  watchdog: Watchdog;
  logger: Logger;
}

/** The erasure jobs of a worker, and the guard that compares the database with the erasure ledger. */
export function erasureWork(options: Options): { work: Work; guard: LedgerGuard } {
  const { settings, database, keys, watchdog, logger } = options;
  const { suppressionKey, redisUrl, queuePrefix: prefix, backupDays } = settings;
  const store = new ErasureStore({ database, suppressionKey });
  const comparison = new LedgerComparison({ database, suppressionKey });
  const onError = (error: Error) => logger.debug({ err: error }, 'Redis connection failed');
  const redis = { redisUrl, prefix, onError };
  const [queue, rewriter, list] = [
    new QueueRewriter(redis),
    new LogRewriter(redis),
    new LedgerList(redis),
  ];
  const ledger = erasureLedger(options, list);
  const signing = { key: keys.key, software: softwareVersion(), backupDays };
  const context = {
    emptyQueue: queue.forgetInstallations.bind(queue),
    record: (records: readonly LedgerRecord[]) => ledger.append(records),
    rewriteIsDue: () => rewriter.isDue().catch(() => false),
    certify: (facts: ErasureFacts) => certify(facts, signing),
  };
  const work: Work = {
    parts: [
      {
        name: 'suppressions',
        kind: 'erasures',
        run: (stopping) => store.suppressNext({ ...context, stopping }),
      },
      {
        name: 'erasures',
        kind: 'erasures',
        run: (stopping) => store.eraseNext({ ...context, stopping }),
      },
      {
        name: 'log rewrites',
        kind: 'log rewrites',
        run: (stopping) =>
          store.rewriteNext({
            rewrite: () => rewriter.rewrite(stopping),
            addTo: (it: ErasureCertificate, state: LogState) => addTo(it, state, signing),
          }),
      },
    ],
    close: async () => {
      list.close();
      rewriter.close();
      await queue.close();
    },
  };
  return { work, guard: new LedgerGuard({ ledger, comparison, watchdog }, logger) };
}

function erasureLedger(
  { settings, keys, clock, logger }: Options,
  list: LedgerList,
): ErasureLedger {
  const { ledgerFile } = settings;
  if (ledgerFile === undefined) {
    logger.warn('ERASURE_LEDGER_FILE is not set: the erasure ledger exists only in Redis');
  }
  const file = ledgerFile === undefined ? null : new LedgerFile(ledgerFile);
  const onRepair = ({ redis, file, again }: Repair) => {
    const detail = { redis, file, again: again.length };
    logger.warn(detail, 'the copies of the erasure ledger differed and were repaired');
  };
  return new ErasureLedger({ list, file, ...keys, clock, onRepair });
}
