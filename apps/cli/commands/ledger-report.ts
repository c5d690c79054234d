import type { FaultOfChain, LedgerReport } from '../admin-types.js';
import { fields } from '../print.js';

export function ledgerLines(report: LedgerReport): string[] {
  const { head, database, copies, agree, fault, forgotten, dryRun } = report;
  const { erasures, suppressions, lifts, reappeared } = forgotten;
  const stateOf = (it: FaultOfChain | null) =>
    it ? `${it.reason} at entry ${it.sequence}` : 'intact';
  return [
    ...fields({
      entries: head.sequence,
      'last entry': head.hash,
      ...Object.fromEntries(
        copies.map((it) => [`copy in ${it.copy}`, `${it.entries}, ${stateOf(it.fault)}`]),
      ),
      'copies agree': agree,
      ledger: stateOf(fault),
      'database had applied up to': database.sequence,
      'missing erasures': erasures.length,
      'missing suppressions': suppressions,
      'missing unsuppressions': lifts,
      'erased installations with rows': reappeared,
    }),
    isMissingErasures(report)
      ? dryRun
        ? 'Nothing was changed (dry run).'
        : 'Missing erasures are reapplied; workers remove the rows.'
      : 'The database is missing no erasures.',
  ];
}

export function isMissingErasures({ forgotten }: LedgerReport): boolean {
  const { erasures, suppressions, lifts, reappeared } = forgotten;
  return erasures.length + suppressions + lifts + reappeared > 0;
}
