import { setTimeout as sleep } from 'node:timers/promises';

/** The days of the small fleet relative to today, and its installations. */
const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
/** A test started this close to midnight would run past it, so it waits for the next day. */
const TOO_LATE_MS = 3 * 60_000;
const leftMs = DAY_MS - (Date.now() % DAY_MS);
if (leftMs < TOO_LATE_MS) await sleep(leftMs + 1000);

const NOW = Date.now();
const TODAY = Math.floor(NOW / DAY_MS) * DAY_MS;
/** Time of the report by the agent whose clock is ahead. */
export const AHEAD = new Date(NOW + 2 * HOUR_MS).toISOString();

const guid = (digit: string) => `${digit}0000000-0000-4000-8000-000000000000`;
export const id = {
  upgraded: guid('1'),
  sick: guid('2'),
  silent: guid('3'),
  returned: guid('4'),
  manyMasters: guid('5'),
  cloned: guid('6'),
  clockOff: guid('7'),
  octopusA: guid('a'),
  octopusB: guid('b'),
  octopusC: guid('c'),
  resotoD: guid('d'),
  resotoE: guid('e'),
};

/** The day `ago` days before today, as text. */
export const day = (ago: number) => new Date(TODAY - ago * DAY_MS).toISOString().slice(0, 10);
/** The time `ago` days before today, at a time such as `10:05`. */
export const at = (ago: number, time: string) =>
  `${day(ago)}T${time}${time.length === 5 ? ':00' : ''}.000Z`;
/** Numbers of days before today, from `from` down to `to`, inclusive. */
export const days = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, n) => from - n);
