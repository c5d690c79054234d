import { day, id } from './times.js';
import { table } from './table.js';

// Yesterday `upgraded` has kafka and cassandra, `sick` kafka and spark, `returned` all three,
// `manyMasters` spark.
export const packages = {
  'Which packages are the most popular?': table(
    'package installations share',
    ['kafka', 3, 0.75],
    ['spark', 3, 0.75],
    ['cassandra', 2, 0.5],
  ),
  'How is a package being adopted?': table(
    'day package_version installations instances',
    [day(22), '1.0.0', 2, 2],
    [day(22), '1.1.0', 1, 1],
    [day(15), '1.0.0', 2, 2],
    [day(8), '1.0.0', 1, 1],
    [day(8), '1.1.0', 2, 2],
    [day(1), '1.0.0', 1, 1],
    [day(1), '1.1.0', 2, 2],
  ),
  'What is installed together with a package?': table(
    'package together share lift',
    ['cassandra', 2, 0.667, 1.33], // 2 · 4 / (3 · 2)
    ['spark', 2, 0.667, 0.89], // 2 · 4 / (3 · 3)
  ),
  'Which pairs of packages are installed together most often?': table(
    'one other installations',
    ['cassandra', 'kafka', 2],
    ['kafka', 'spark', 2],
    ['cassandra', 'spark', 1],
  ),
  'Which frameworks are registered, and how does that change?': table(
    'framework installations four_weeks_ago',
    ['marathon', 5, 2],
    ['kafka', 1, 0],
    ['metronome', 1, 1],
  ),
};

export const reliability = {
  'Which units are unhealthy in the largest share of installations?': table(
    'product_version unit installations unhealthy share share_of_nodes',
    ['2.0', 'dcos-mesos-service', 1, 1, 1, 0.667], // 2 of 3 nodes
    ['2.1', 'dcos-mesos-service', 4, 2, 0.5, 0.08], // 2 of 5 + 10 + 5 + 5
    ['2.1', 'dcos-metrics-service', 4, 1, 0.25, 0.2], // 5 of the same
  ),
  'How does the health of a unit change from week to week?': table(
    'product_version week_begin share',
    ['2.0', day(28), 0.5], // 7 of 14 days of installations: sick
    ['2.0', day(21), 0.35], // 7 of 7 + 7 + 6
    ['2.0', day(14), 0.389], // 7 of 4 + 7 + 7
    ['2.0', day(7), 0.875], // 7 of 7 + 1
    ['2.1', day(28), 0],
    ['2.1', day(21), 0],
    ['2.1', day(14), 0.6], // 3 of 3 + 2
    ['2.1', day(7), 0.526], // 7 + 3 of 7 + 7 + 3 + 2
  ),
  'Which units got worse after an upgrade?': table(
    'from_version to_version unit upgraded unhealthy_before unhealthy_after',
    ['2.0', '2.1', 'dcos-mesos-service', 1, 0, 1],
  ),
  'Which installations are the least healthy?': table(
    'installation_id product_version unhealthy_units units unhealthy_nodes',
    [id.returned, '2.1', 1, 2, 5],
    [id.sick, '2.0', 1, 2, 2],
    [id.upgraded, '2.1', 1, 2, 1],
    [id.manyMasters, '2.1', 1, 2, 1],
  ),
  'How did the health of one installation change?': table(
    'day product_version unit unhealthy total',
    ...[7, 6, 5, 4, 3, 2, 1].map((ago) => [day(ago), '2.1', 'dcos-metrics-service', 5, 10]),
  ),
};

export const capacity = {
  'How large are installations?': table(
    'product figure installations median p90 p99',
    ['dcos', 'agents_active', 5, 5, 10, 10], // 2, 5, 5, 5, 10
    ['dcos', 'cpu_total', 5, 40, 80, 80],
    ['dcos', 'disk_total_mb', 5, 2_000_000, 4_000_000, 4_000_000],
    ['dcos', 'mem_total_mb', 5, 160_000, 320_000, 320_000],
  ),
  'How are installations distributed by size?': table(
    'at_least below installations',
    [2, 4, 1],
    [4, 8, 3],
    [8, 16, 1],
  ),
  "How much of the fleet's capacity is in use, and how does that change?": table(
    'day cpus agents cpu_share mem_share disk_share',
    [day(22), 128, 17, 0.484, 0.484, 0.336], // upgraded, sick, returned
    [day(15), 56, 9, 0.464, 0.464, 0.486], // upgraded, sick, silent
    [day(8), 136, 19, 0.485, 0.485, 0.334], // these four
    [day(1), 208, 27, 0.442, 0.442, 0.351], // upgraded, sick, returned, manyMasters, cloned
  ),
  'Which installations are the largest?': table(
    'installation_id product_version provider agents_active cpu_total mem_total_mb disk_total_mb',
    [id.returned, '2.1', 'gcp', 10, 80, 320_000, 4_000_000],
    [id.upgraded, '2.1', 'aws', 5, 40, 160_000, 2_000_000],
    [id.manyMasters, '2.1', 'aws', 5, 40, 160_000, 2_000_000],
    [id.cloned, '2.1', 'azure', 5, 40, 160_000, 2_000_000],
    [id.sick, '2.0', 'azure', 2, 8, 32_000, 100_000],
  ),
  'How many machines do Octopus servers manage?': table(
    'product_version installations total median p90 greatest',
    ['2021.1.0', 1, 5, 5, 5, 5],
    ['2021.2.0', 2, 70, 20, 50, 50],
  ),
};

const withoutDescription = (product: string, installations: number) =>
  ['platform', 'provider', 'variant'].map((what) => [product, what, null, installations, 1]);

export const mix = {
  'What is the mix of providers, platforms and variants?': table(
    'product what value installations share',
    ['dcos', 'platform', null, 5, 1],
    ['dcos', 'provider', 'aws', 2, 0.4],
    ['dcos', 'provider', 'azure', 2, 0.4],
    ['dcos', 'provider', 'gcp', 1, 0.2],
    ['dcos', 'variant', 'open', 3, 0.6],
    ['dcos', 'variant', 'enterprise', 2, 0.4],
    ...withoutDescription('octopus', 3),
    ...withoutDescription('resoto', 2),
  ),
  'How does the mix of providers change?': table(
    'day provider installations share',
    [day(22), 'aws', 1, 0.333],
    [day(22), 'azure', 1, 0.333],
    [day(22), 'gcp', 1, 0.333],
    [day(15), 'aws', 2, 0.667],
    [day(15), 'azure', 1, 0.333],
    [day(8), 'aws', 2, 0.5],
    [day(8), 'azure', 1, 0.25],
    [day(8), 'gcp', 1, 0.25],
    [day(1), 'aws', 2, 0.4],
    [day(1), 'azure', 2, 0.4],
    [day(1), 'gcp', 1, 0.2],
  ),
  'Which variant runs where?': table(
    'product_version variant provider installations',
    ['2.0', 'open', 'azure', 1],
    ['2.1', 'enterprise', 'aws', 2],
    ['2.1', 'open', 'azure', 1],
    ['2.1', 'open', 'gcp', 1],
  ),
};
