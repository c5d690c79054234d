import { parseArgs } from 'node:util';
import { wholeNumber } from '../options.js';

export interface AnalystOptions {
  installations: number;
  days: number;
  rounds: number;
  /** Rounds of ingest alone and with an analyst. 0 skips them. */
  ingestRounds: number;
  json: boolean;
}

export const USAGE = `npm run bench:analyst -- [options]

Builds a fleet that reports hourly, runs every query of docs/cookbook.md, and measures how much that slows ingest. The data (1.3 GB for 10,000 installations) is in a temporary folder; TMPDIR chooses the disk.

  --installations N   of DC/OS (10000)
  --large             100,000 installations: 73 million reports, 12 GB, three quarters of an hour
  --days N            of hourly reports (30)
  --rounds N          how often each query is run (5)
  --ingest-rounds N   how often ingest is measured alone and with an analyst (3); 0 skips it
  --json              the figures as JSON; with npm run --silent, stdout has nothing else
  --help`;

/** @returns null if help is requested. @throws Error with a message for the user */
export function readAnalystOptions(args: string[]): AnalystOptions | null {
  const { values } = parseArgs({
    args,
    options: {
      installations: { type: 'string' },
      large: { type: 'boolean', default: false },
      days: { type: 'string', default: '30' },
      rounds: { type: 'string', default: '5' },
      'ingest-rounds': { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const installations = values.installations ?? (values.large ? '100000' : '10000');
  return {
    installations: wholeNumber('installations', installations, 100),
    days: wholeNumber('days', values.days, 1),
    rounds: wholeNumber('rounds', values.rounds, 1),
    ingestRounds: wholeNumber('ingest-rounds', values['ingest-rounds'], 0),
    json: values.json,
  };
}
