import { parseArgs } from 'node:util';

export interface Options {
  rounds: number;
  /** How long events are sent in each part of a round. */
  durationMs: number;
  connections: number;
  /** The fleet that the events are from. */
  installations: number;
  /** Reports to measure the disk with; none when 0. */
  reports: number;
  json: boolean;
}

export const USAGE = `npm run bench -- [options]

  --rounds N         rounds of plain, ingest and whole (5)
  --seconds S        how long events are sent in each part of a round (2.5)
  --connections N    kept alive, one request under way on each (64)
  --installations N  the fleet that events are from (1000)
  --reports N        reports stored to measure the disk (200000); 0 leaves it out
  --quick            3 rounds of 1 second, 20000 reports
  --json             the figures as JSON; with npm run --silent there is nothing else on stdout
  --help`;

/** @returns null when only help is wanted. @throws Error with a sentence for people */
export function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string', default: '64' },
      installations: { type: 'string', default: '1000' },
      reports: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const usual = values.quick
    ? { rounds: '3', seconds: '1', reports: '20000' }
    : { rounds: '5', seconds: '2.5', reports: '200000' };
  const { rounds, seconds, reports } = { ...usual, ...values };
  return {
    rounds: wholeNumber('rounds', rounds, 1),
    durationMs: Math.round(1000 * positive('seconds', seconds)),
    connections: wholeNumber('connections', values.connections, 1),
    installations: wholeNumber('installations', values.installations, 1),
    reports: wholeNumber('reports', reports, 0),
    json: values.json,
  };
}

export function wholeNumber(name: string, text: string, least: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`--${name} must be a whole number, at least ${least}.`);
}

function positive(name: string, text: string): number {
  if (Number(text) > 0) return Number(text);
  throw new Error(`--${name} must be a number above 0.`);
}
