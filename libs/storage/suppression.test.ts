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
  try {
    await writer.query('BEGIN; SELECT pg_current_xact_id()');
    let isOver = false;
    const waiting = waitForWriters(other).then(() => (isOver = true));
    await sleep(200);
    expect(isOver).toBe(false);
    await writer.query('COMMIT; BEGIN; SELECT pg_current_xact_id()');
    await waiting;
  } finally {
    await Promise.all([writer.end(), other.end()]);
  }
});
