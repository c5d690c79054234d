import type { ErasureOptions } from './erasure-options.js';
import type { Durations, Probing } from './erasures.js';

export interface ErasureFigures {
  options: ErasureOptions;
  durations: Record<'single' | 'together' | 'many', Durations>;
  /** Events per second accepted by ingest. */
  rates: { most: number } & Record<
    'before' | 'duringSingle' | 'duringTogether' | 'duringMany',
    number[]
  >;
  probing: Probing;
}

/** Targets. */
const EXPECTED = { certificateMs: 60_000, suppressionMs: 5000 };

/** Formats the results for people. */
export function describeErasures({ options, durations, rates, probing }: ErasureFigures): string {
  const { reports, installations, reportsOfLarge } = options;
  const { single, together, many } = durations;
  const { sent, suppressed, stored, firstMs, lastMs } = probing;
  const isMet = share([...single], 0.99) < EXPECTED.certificateMs;
  return [
    `${reports} reports of ${installations} installations, the large ones with ${reportsOfLarge} each`,
    '',
    `${'from request to certificate'.padEnd(34)}     p50      p99      max`,
    row(`${single.length} large, one after the other`, single),
    row(`${together.length} large, at once`, together),
    row(`${many.length} others, at once`, many),
    `p99 of the large ones ${isMet ? 'as expected' : 'NOT AS EXPECTED'}: below ${EXPECTED.certificateMs / 1000} s`,
    '',
    `suppression: of ${sent} events sent ${firstMs} to ${lastMs} ms after the response to the request, ` +
      `through two ingest processes and two workers, ${suppressed} were suppressed and ${stored} were not`,
    `(${stored === 0 && firstMs < EXPECTED.suppressionMs ? 'as expected' : 'NOT AS EXPECTED'}: no event later than ${EXPECTED.suppressionMs / 1000} s after the request is stored)`,
    '',
    `maximum of ingest: ${Math.round(rates.most)} events/s; events/s in the median second:`,
    `${'  sent at a bounded rate, before'.padEnd(34)}${rate(rates.before)}`,
    `${'  one after the other'.padEnd(34)}${rate(rates.duringSingle)}${loss(rates.before, rates.duringSingle)}`,
    `${'  large, at once'.padEnd(34)}${rate(rates.duringTogether)}${loss(rates.before, rates.duringTogether)}`,
    `${'  others, at once'.padEnd(34)}${rate(rates.duringMany)}${loss(rates.before, rates.duringMany)}`,
  ].join('\n');
}

function row(name: string, durations: Durations): string {
  const cells = [0.5, 0.99, 1].map((part) => `${(share(durations, part) / 1000).toFixed(1)} s`);
  return name.padEnd(34) + cells.map((cell) => cell.padStart(8)).join(' ');
}

function rate(rates: readonly number[]): string {
  return Math.round(share(rates, 0.5)).toString().padStart(8);
}

function loss(before: readonly number[], during: readonly number[]): string {
  const mean = (rates: readonly number[]) => rates.reduce((sum, it) => sum + it, 0) / rates.length;
  if (before.length === 0 || during.length === 0) return '';
  return `  (${Math.round(100 * (1 - mean(during) / mean(before)))} % lost on average)`;
}

/** The smallest value that this share of the values does not exceed, or 0 without values. */
function share(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}
