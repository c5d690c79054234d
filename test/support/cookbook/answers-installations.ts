import { day, id } from './times.js';
import { table } from './table.js';

/** For each of ten days, the active, new, silent and returned installations of DC/OS. */
const LAST_TEN_DAYS = [
  ['dcos', 10, 3, 0, 0, 0],
  ['dcos', 9, 4, 0, 0, 1], // `returned` is back
  ['dcos', 8, 4, 0, 0, 0],
  ['dcos', 7, 4, 0, 0, 0], // the last day of `silent`
  ['dcos', 6, 3, 0, 0, 0],
  ['dcos', 5, 3, 0, 1, 0], // two days later
  ['dcos', 4, 3, 0, 0, 0],
  ['dcos', 3, 4, 1, 0, 0], // `manyMasters` is born
  ['dcos', 2, 5, 1, 0, 0], // `cloned` is born
  ['dcos', 1, 5, 0, 0, 0],
  ...[10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((ago) => ['octopus', ago, 3, 0, 0, 0]),
  ['resoto', 8, 1, 1, 0, 0],
  ['resoto', 1, 2, 1, 0, 0],
].map(([product, ago, ...counts]) => [day(Number(ago)), product, ...counts]);

export const installations = {
  'How many installations of each product and version are there now?': table(
    'product version installations',
    ['dcos', '2.1', 5], // upgraded, returned, manyMasters, cloned, clockOff
    ['dcos', '2.0', 1], // sick
    ['octopus', '2021.2.0', 2],
    ['octopus', '2021.1.0', 1],
    ['resoto', '4.0.0', 1],
    ['resoto', '4.1.0', 1],
  ),
  'How has the number of installations of each version changed?': table(
    'day product product_version active',
    [day(22), 'dcos', '2.0', 2],
    [day(22), 'dcos', '2.1', 1],
    [day(22), 'octopus', '2021.1.0', 2],
    [day(15), 'dcos', '2.0', 3],
    [day(15), 'octopus', '2021.1.0', 2],
    [day(15), 'octopus', '2021.2.0', 1],
    [day(8), 'dcos', '2.0', 2],
    [day(8), 'dcos', '2.1', 2],
    [day(8), 'octopus', '2021.1.0', 2],
    [day(8), 'octopus', '2021.2.0', 1],
    [day(8), 'resoto', '4.0.0', 1],
    [day(1), 'dcos', '2.0', 1],
    [day(1), 'dcos', '2.1', 4],
    [day(1), 'octopus', '2021.1.0', 1],
    [day(1), 'octopus', '2021.2.0', 2],
    [day(1), 'resoto', '4.0.0', 1],
    [day(1), 'resoto', '4.1.0', 1],
  ),
  'How many were born, active, gone silent and returned on each day?': table(
    'day product active born gone_silent returned',
    ...LAST_TEN_DAYS,
  ),
  'Which installations have gone silent lately?': table(
    'installation_id product last_version last_day active_days',
    [id.silent, 'dcos', '2.0', day(7), 14],
  ),
  'Which installations have returned after a silence?': table(
    'installation_id product first_day last_day active_days returns',
    [id.returned, 'dcos', day(28), day(1), 18, 1],
  ),
  'How many of each first version were still active one, two and three weeks later?': table(
    'product first_version installations after_1_week of_1_week after_2_weeks of_2_weeks after_3_weeks of_3_weeks',
    ['dcos', '2.0', 3, 3, 3, 2, 3, 2, 2], // `silent` lived for 13 days
    ['dcos', '2.1', 3, 1, 1, 1, 1, 1, 1], // two are younger than a week
    ['octopus', '2021.1.0', 2, 2, 2, 2, 2, 2, 2],
    ['octopus', '2021.2.0', 1, 1, 1, 1, 1, 0, 0],
    ['resoto', '4.0.0', 1, 1, 1, 0, 0, 0, 0],
    ['resoto', '4.1.0', 1, 0, 0, 0, 0, 0, 0],
  ),
  'How many of those born in a week were still active in later weeks?': table(
    'product week_begin weeks_later installations share',
    ...[0, 1, 2, 3, 4].map((later) => ['dcos', day(35), later, 2, 1]),
    ...[0, 1, 2, 3].map((later) => ['dcos', day(28), later, 1, 1]),
    ['dcos', day(21), 0, 1, 1],
    ['dcos', day(21), 1, 1, 1],
    ['dcos', day(21), 2, 1, 0], // `silent`
    ['dcos', day(7), 0, 2, 1],
    ...[0, 1, 2, 3, 4].map((later) => ['octopus', day(35), later, 2, 1]),
    ...[0, 1, 2].map((later) => ['octopus', day(21), later, 1, 1]),
    ['resoto', day(14), 0, 1, 1],
    ['resoto', day(14), 1, 1, 1],
    ['resoto', day(7), 0, 1, 1],
  ),
  'Which upgrades do installations make?': table(
    'product from_version to_version upgrades',
    ['dcos', '2.0', '2.1', 1],
    ['octopus', '2021.1.0', '2021.2.0', 1],
  ),
  'How many installations have turned telemetry off?': table(
    'product installations opted_out',
    ['dcos', 7, 0],
    ['octopus', 3, 0],
    ['resoto', 2, 1],
  ),
};
