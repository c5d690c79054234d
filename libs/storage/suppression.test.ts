import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { waitForWriters } from './suppression.js';

test('whoever waits for writers waits for the very latest, and not for later ones', async () => {
  const { serverUrl: connectionString } = inject('services');
  const [writer, other] = [0, 1].map(() => new pg.Client({ connectionString })) as [
    pg.Client,
    pg.Client,
  ];
  await Promise.all([writer.connect(), other.connect()]);
  // Whoever stores events has asked who is suppressed: that tells writers from all others.
  const begin = 'BEGIN; SELECT pg_current_xact_id(); SELECT FROM suppression';
  await other.query('CREATE TABLE suppression ()');
  try {
    await writer.query(begin);
    let isOver = false;
    const waiting = waitForWriters(other).then(() => (isOver = true));
    await sleep(200);
    expect(isOver).toBe(false);
    await writer.query(`COMMIT; ${begin}`);
    await waiting;
  } finally {
    await writer.query('ROLLBACK');
    await other.query('DROP TABLE suppression');
    await Promise.all([writer.end(), other.end()]);
  }
});
