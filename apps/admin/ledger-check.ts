import type { KeyObject } from 'node:crypto';
import type { AdminSettings } from '#platform';
import { LedgerList } from '#queue';
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

/** Verifies the erasure ledger on request. */
export class LedgerCheck {
  readonly #list: LedgerList;

  constructor(
    private readonly database: Database,
    private readonly settings: AdminSettings,
    private readonly keys: LedgerKeys,
  ) {
    const { redisUrl, queuePrefix: prefix } = settings;
    this.#list = new LedgerList({ redisUrl, prefix, onError: () => undefined });
  }

  async verify(
    options: { isDryRun: boolean; acceptsLoss: boolean },
    actor: Administrator,
  ): Promise<LedgerVerification> {
    const { ledgerFile, suppressionKey } = this.settings;
    const file = ledgerFile === undefined ? null : new LedgerFile(ledgerFile);
    const comparison = new LedgerComparison({ database: this.database, suppressionKey, actor });
    return verifyLedger({ list: this.#list, file, ...this.keys, comparison, ...options });
  }

  close(): void {
    this.#list.close();
  }
}
