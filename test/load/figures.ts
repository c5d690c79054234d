import { arch, availableParallelism, cpus } from 'node:os';
import type { DiskUse } from './disk.js';
import type { Options } from './options.js';
import type { Round } from './throughput.js';

/** Targets. Rates are relative to plain Fastify in the same run. */
const EXPECTED = { ingestRatio: 0.4, wholeRatio: 0.2, bytesPerReport: 160 };

export type Figures = ReturnType<typeof summarise>;

export function summarise(options: Options, rounds: Round[], disk: DiskUse | null) {
  const medianOf = (read: (round: Round) => number) => median(rounds.map(read));
  return {
    machine: {
      processors: availableParallelism(),
      model: cpus()[0]?.model ?? arch(),
      node: process.version,
    },
    options,
    rounds,
    medians: {
      plain: medianOf(({ plain }) => plain),
      ingest: medianOf(({ ingest }) => ingest),
      whole: medianOf(({ whole }) => whole),
    },
    // Computed per round, because the machine's speed may vary between rounds.
    ratios: {
      ingest: medianOf(({ ingest, plain }) => ingest / plain),
      whole: medianOf(({ whole, plain }) => whole / plain),
    },
    disk,
    expected: EXPECTED,
  };
}

/** Formats the results for people. */
export function describe({ machine, rounds, medians, ratios, disk }: Figures): string {
  const generator = Math.max(...rounds.flatMap((round) => Object.values(round.generator)));
  return [
    `${machine.processors} processors, ${machine.model}, Node ${machine.node}`,
    '',
    `${'events/s'.padEnd(10)}    plain   ingest    whole`,
    ...rounds.map((round, index) => rateRow(`round ${index + 1}`, round)),
    rateRow('median', medians),
    '',
    `ingest / plain  ${judge(ratios.ingest, 2, 'at least', EXPECTED.ingestRatio)}`,
    `whole / plain   ${judge(ratios.whole, 2, 'at least', EXPECTED.wholeRatio)}`,
    `The generator used at most ${Math.round(100 * generator)} % of one processor.`,
    ...(disk ? ['', ...describeDisk(disk)] : []),
  ].join('\n');
}

function rateRow(name: string, { plain, ingest, whole }: Omit<Round, 'generator'>): string {
  const rates = [plain, ingest, whole].map((rate) => rate.toFixed().padStart(9));
  return `${name.padEnd(10)}${rates.join('')}`;
}

function describeDisk({ reports, bytesPerReport, tables }: DiskUse): string[] {
  const row = (name: string, ...cells: string[]) =>
    [name.padEnd(20), ...cells.map((cell) => cell.padStart(9))].join('');
  return [
    `bytes on disk per health report: ${judge(bytesPerReport, 1, 'at most', EXPECTED.bytesPerReport)}`,
    row(`of ${reports} reports`, 'rows', 'indexes'),
    ...tables.map(({ table, heapBytesPerReport, indexBytesPerReport }) =>
      row(table, heapBytesPerReport.toFixed(1), indexBytesPerReport.toFixed(1)),
    ),
  ];
}

function judge(
  figure: number,
  digits: number,
  relation: 'at least' | 'at most',
  expected: number,
): string {
  const isMet = relation === 'at least' ? figure >= expected : figure <= expected;
  const verdict = isMet ? 'as expected' : 'NOT AS EXPECTED';
  return `${figure.toFixed(digits)}  (${verdict}: ${relation} ${expected})`;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
