import { expect, test } from 'vitest';
import { WaitingRequests } from './waiting-requests.js';

test('a request that joins late with an early deadline is late when its own deadline has passed', () => {
  const waiting = new WaitingRequests();
  const add = (deadline: number) => {
    const settle = () => undefined;
    waiting.add({ envelopes: [], bytes: 1, deadline, resolve: settle, reject: settle });
  };
  for (const deadline of [100, 300, 200]) add(deadline);
  const deadlines = (requests: { deadline: number }[]) => requests.map((it) => it.deadline);
  expect(deadlines(waiting.takeLate(50))).toEqual([]);
  expect(deadlines(waiting.takeLate(200))).toEqual([100, 200]);
  expect(deadlines(waiting.takeBatch())).toEqual([300]);
});
