const EXPECTED_A_MINUTE = 100_000;

/** Rates in events per second. */
export interface ReplayRound {
  /** The normal write path with one writer, and with as many as a worker has. */
  stored: number;
  storedByFour: number;
  quarantined: number;
  replayed: number;
}

const PARTS = ['stored', 'storedByFour', 'quarantined', 'replayed'] as const;

/** Formats the results for people. */
export function describeReplay(rounds: readonly ReplayRound[]): string {
  const row = (name: string, cells: readonly string[]) =>
    name.padEnd(10) + cells.map((cell) => cell.padStart(14)).join('');
  const medianOf = (read: (round: ReplayRound) => number) => median(rounds.map(read));
  const aMinute = 60 * medianOf(({ replayed }) => replayed);
  const verdict = aMinute >= EXPECTED_A_MINUTE ? 'as expected' : 'NOT AS EXPECTED';
  const ratio = medianOf(({ replayed, stored }) => replayed / stored);
  const ratioOfFour = medianOf(({ replayed, storedByFour }) => replayed / storedByFour);
  return [
    row('events/s', PARTS),
    ...rounds.map((round, index) =>
      row(
        `round ${index + 1}`,
        PARTS.map((part) => round[part].toFixed()),
      ),
    ),
    row(
      'median',
      PARTS.map((part) => medianOf((round) => round[part]).toFixed()),
    ),
    '',
    `replayed per minute      ${aMinute.toFixed()}  (${verdict}: at least ${EXPECTED_A_MINUTE})`,
    `replayed / stored        ${ratio.toFixed(2)}  (one writer each)`,
    `replayed / storedByFour  ${ratioOfFour.toFixed(2)}`,
  ].join('\n');
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
