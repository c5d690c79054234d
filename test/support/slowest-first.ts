import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take more than ten seconds, mostly because they wait. Started last, one of them would outlast the rest. */
const SLOWEST = [
  'broken-connections',
  'start',
  'back-pressure',
  'wrong-clock',
  'held-requests',
  'rollups-yield',
  'erasure-many',
  'behind-a-proxy',
  'notices',
  'linear-statements',
  'lost-events',
  'export',
  'refused-writes',
  'silent-redis',
  'admin-ready',
  'admin-fuzz',
  'rollups-random',
  'retention',
  'admin-contract',
  'killed',
  'keys',
  'posthog-sdk',
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
