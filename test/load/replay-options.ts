import { parseArgs } from 'node:util';
import { wholeNumber } from './options.js';

export interface ReplayOptions {
  events: number;
  rounds: number;
  json: boolean;
}

export const USAGE = `npm run bench:replay -- [options]

  --events N  events in each part of a round (20000)
  --rounds N  rounds of storing, quarantining and replaying (3)
  --json      the figures as JSON
  --help`;

/** @returns null if help is requested. @throws Error with a message for the user */
export function readReplayOptions(args: string[]): ReplayOptions | null {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '20000' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    events: wholeNumber('events', values.events, 1),
    rounds: wholeNumber('rounds', values.rounds, 1),
    json: values.json,
  };
}
