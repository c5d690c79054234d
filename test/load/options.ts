import { parseArgs } from 'node:util';

export interface Options {
  rounds: number;
  /** How long each part of a round sends events. */
  durationMs: number;
  connections: number;
  /** Number of installations that send events. */
  installations: number;
  /** Reports stored to measure disk space. 0 skips this. */
  reports: number;
  json: boolean;
}

export const USAGE = `npm run bench -- [options]

  --rounds N         rounds of plain, ingest and whole (5)
  --seconds S        how long each part of a round sends events (2.5)
  --connections N    kept alive, one request at a time on each (64)
  --installations N  installations that send events (1000)
  --reports N        reports stored to measure disk space (200000); 0 skips it
  --quick            3 rounds of 1 second, 20000 reports
  --json             the figures as JSON; with npm run --silent, stdout has nothing else
  --help`;

/** @returns null if help is requested. @throws Error with a message for the user */
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
  const defaults = values.quick
    ? { rounds: '3', seconds: '1', reports: '20000' }
    : { rounds: '5', seconds: '2.5', reports: '200000' };
  const { rounds, seconds, reports } = { ...defaults, ...values };
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
