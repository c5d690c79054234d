import { capacity, mix, packages, reliability } from './answers-contents.js';
import { data } from './answers-data.js';
import { installations } from './answers-installations.js';
import { errors, ui, usage } from './answers-usage.js';
import type { Row } from './table.js';

/** Expected results by question, derived by hand from the fleet, not copied from an output. */
export const ANSWERS: Readonly<Record<string, Row[]>> = {
  ...installations,
  ...packages,
  ...reliability,
  ...capacity,
  ...mix,
  ...usage,
  ...ui,
  ...errors,
  ...data,
};
