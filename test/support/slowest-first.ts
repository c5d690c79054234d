import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take more than ten seconds, mostly because they wait. Started last, one of them would outlast the rest. */
const SLOWEST = [
  'notices',
  'start',
  'wrong-clock',
  'back-pressure',
  'broken-connections',
  'cut-workers',
  'lost-events',
  'held-requests',
  'refusals',
  'behind-a-proxy',
  'erasure',
  'admin-fuzz',
  'erasure-many',
  'export',
  'quarantine',
  'rollups-random',
  'refused-writes',
  'linear-statements',
  'silent-redis',
  'restored-backup',
].map((name) => `/test/${name}.test.ts`);

/** Starts the slowest files first, in the order of the list; the others follow in vitest's own order. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = SLOWEST.findIndex((path) => moduleId.endsWith(path));
      return place < 0 ? SLOWEST.length : place;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
