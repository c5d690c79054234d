import type { KeyObject } from 'node:crypto';
import type { AdminSettings } from '#platform';
import { LedgerList, type Clock, type RedisConnections } from '#queue';
import {
  LedgerComparison,
  LedgerFile,
  verifyLedger,
  type Administrator,
  type Database,
  type LedgerVerification,
} from '#storage';

/** The keys that sign the erasure ledger. */
export interface LedgerKeys {
  key: KeyObject;
  /** Earlier public keys. */
  formerKeys: readonly KeyObject[];
}

interface Options {
  redis: RedisConnections;
  database: Database;
  settings: AdminSettings;
  keys: LedgerKeys;
  clock: Clock;
}

/** Verifies the erasure ledger on request. */
export class LedgerCheck {
  readonly #list: LedgerList;

  constructor(private readonly options: Options) {
    this.#list = new LedgerList(options.redis);
  }

  async verify(
    options: { isDryRun: boolean; acceptsLoss: boolean },
    actor: Administrator,
  ): Promise<LedgerVerification> {
    const { database, settings, keys, clock } = this.options;
    const { ledgerFile, suppressionKey } = settings;
    const file = ledgerFile === undefined ? null : new LedgerFile(ledgerFile);
    const comparison = new LedgerComparison({ database, suppressionKey, actor });
    const ledger = { list: this.#list, file, ...keys, clock };
    return verifyLedger({ ...ledger, comparison, ...options });
  }
}
