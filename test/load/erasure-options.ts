import { parseArgs } from 'node:util';
import { wholeNumber } from './options.js';

export interface ErasureOptions {
  reports: number;
  installations: number;
  /** Numbers of large installations that are erased one after another, and then at once. */
  oneByOne: number;
  atOnce: number;
  reportsOfLarge: number;
  /** Number of small installations erased at once, at the end. */
  many: number;
  /** Concurrent load, as a share of the maximum throughput of ingest. */
  load: number;
  json: boolean;
}

export const USAGE = `npm run bench:erasure -- [options]

  --reports N        in the database (7000000), built first, which takes a few minutes
  --installations N  that have sent them (10000)
  --large-reports N  of each large installation (100000)
  --one-by-one N     large installations that are erased one after another (40)
  --at-once N        large ones that are erased at once (10)
  --many N           others that are erased at once (1000)
  --load PERCENT     concurrent events, as a percentage of ingest's maximum (50)
  --quick            700000 reports, 2000 installations, 5 large ones of 20000, 2 at once, 200 others
  --json             the figures as JSON; with npm run --silent, stdout has nothing else
  --help`;

const DEFAULTS = {
  ...{ reports: '7000000', installations: '10000', 'large-reports': '100000' },
  ...{ 'one-by-one': '40', 'at-once': '10', many: '1000', load: '50' },
};
const QUICK = {
  ...DEFAULTS,
  ...{ reports: '700000', installations: '2000', 'large-reports': '20000' },
  ...{ 'one-by-one': '5', 'at-once': '2', many: '200' },
};

/** @returns null if help is requested. @throws Error with a message for the user */
export function readErasureOptions(args: string[]): ErasureOptions | null {
  const figure = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ reports: figure, installations: figure, 'large-reports': figure, load: figure },
      ...{ 'one-by-one': figure, 'at-once': figure, many: figure },
      ...{ quick: flag, json: flag, help: flag },
    },
  });
  if (values.help) return null;
  const all = { ...(values.quick ? QUICK : DEFAULTS), ...values };
  const read = (name: keyof typeof DEFAULTS, least: number) => wholeNumber(name, all[name], least);
  const options = {
    ...{ reports: read('reports', 1000), installations: read('installations', 10) },
    ...{ oneByOne: read('one-by-one', 1), atOnce: read('at-once', 0), many: read('many', 0) },
    ...{ reportsOfLarge: read('large-reports', 1), load: read('load', 0) / 100, json: all.json },
  };
  const large = options.oneByOne + options.atOnce;
  if (large * options.reportsOfLarge > options.reports) {
    throw new Error('The large installations would have more reports than the total.');
  }
  if (large + options.many > options.installations) {
    throw new Error('More installations would be erased than exist.');
  }
  return options;
}
