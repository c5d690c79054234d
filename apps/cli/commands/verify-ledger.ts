import type { FaultOfChain, LedgerReport } from '../admin-types.js';
import { ProblemFound } from '../outcome.js';
import { fields } from '../print.js';
import type { Tools } from '../tools.js';

function ledgerLines(report: LedgerReport): string[] {
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

function isMissingErasures({ forgotten }: LedgerReport): boolean {
  const { erasures, suppressions, lifts, reappeared } = forgotten;
  return erasures.length + suppressions + lifts + reappeared > 0;
}

/** @throws ProblemFound if the ledger is damaged, or a dry run finds erasures that the database is missing */
export async function verifyLedger(
  { admin, printer }: Tools,
  options: { dryRun?: true; acceptLoss?: true },
): Promise<void> {
  const report = await admin.request<LedgerReport>('POST', '/v1/erasures/verify', {
    query: {
      dryRun: options.dryRun && 'true',
      acceptLoss: options.acceptLoss && 'true',
    },
  });
  printer.print(report, () => ledgerLines(report));
  if (report.isDamaged)
    throw new ProblemFound('The erasure ledger is damaged. See docs/backup.md.');
  if (options.dryRun && isMissingErasures(report)) {
    throw new ProblemFound(
      'The database is missing erasures. Run again without --dry-run to reapply them.',
    );
  }
}
