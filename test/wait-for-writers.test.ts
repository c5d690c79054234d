import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { waitForWriters } from '../libs/storage/database/wait-for-writers.js';

/** Only writers have read `suppression` in a transaction with a number. */
const BEGIN = 'BEGIN; SELECT pg_current_xact_id(); SELECT FROM suppression';

let writer: pg.Client;
let other: pg.Client;

beforeEach(async () => {
  const { serverUrl: connectionString } = inject('services');
  [writer, other] = [new pg.Client({ connectionString }), new pg.Client({ connectionString })];
  await Promise.all([writer.connect(), other.connect()]);
  await other.query('CREATE TABLE suppression ()');
});

afterEach(async () => {
  await writer.query('ROLLBACK');
  await other.query('DROP TABLE suppression');
  await Promise.all([writer.end(), other.end()]);
});

test('waiting for writers includes the latest one, and none that begins later', async () => {
  await writer.query(BEGIN);
  let isOver = false;
  const waiting = waitForWriters(other).then(() => (isOver = true));
  await sleep(200);
  expect(isOver).toBe(false);
  await writer.query(`COMMIT; ${BEGIN}`);
  await waiting;
});

test('a writer that does not end is waited for up to the limit', async () => {
  await writer.query(BEGIN);
  await expect(waitForWriters(other, 100)).rejects.toThrow('do not end: 1');
  await writer.query('COMMIT');
  await waitForWriters(other, 100);
});
