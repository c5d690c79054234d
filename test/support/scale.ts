/**
 * The number of rounds of a random test, or the size of a load: `short` in `npm test`, `long` in `npm run test:long`.
 */
export function atScale(short: number, long: number): number {
  return process.env.TEST_SCALE === 'long' ? long : short;
}
