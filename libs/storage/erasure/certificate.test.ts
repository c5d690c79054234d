import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { canonicalJson } from '#telemetry';
import { addTo, certify, isGenuine, type ErasureCertificate } from './certificate.js';
import type { ErasureFacts } from './context.js';

const { privateKey: key } = generateKeyPairSync('ed25519');
const publicKey = createPublicKey(key);
const AT = '2026-11-29T12:00:00.000Z';
const facts: ErasureFacts = {
  ...{ id: '0', mode: 'erase', installationIds: ['a'], requestedAt: AT, suppressedAt: AT },
  ...{ erasedAt: AT, completedAt: AT, removed: { report: 1 }, verified: { report: 0 } },
  ...{ ledger: { sequence: 1, hash: 'h' }, reappliedAt: null },
  redisAppendOnlyFile: { state: 'pending', rewrittenAt: null },
};
const certificate = certify(facts, { key, software: 'muster', backupDays: 30 });

test('a certificate states what remains, and for how many days in backups', () => {
  expect(isGenuine(certificate, publicKey)).toBe(true);
  expect(certificate.statement.remains?.backups).toContain('30 days');
});

test('an addendum belongs to one certificate, and a change in it shows', () => {
  const state = { state: 'rewritten', rewrittenAt: AT } as const;
  const addendum = addTo(certificate, state, { key, software: 'muster' });
  expect(isGenuine({ ...certificate, addendum }, publicKey)).toBe(true);
  const other = certify({ ...facts, id: '1' }, { key, software: 'muster' });
  expect(isGenuine({ ...other, addendum }, publicKey)).toBe(false);
  const statement = { ...addendum.statement, redisAppendOnlyFile: { ...state, rewrittenAt: null } };
  const changed = { ...addendum, statement };
  expect(isGenuine({ ...certificate, addendum: changed }, publicKey)).toBe(false);
});

test('a certificate of a version that knew neither ledger nor addenda stays genuine', () => {
  const { ledger, reappliedAt, redisAppendOnlyFile, remains, ...statement } = certificate.statement;
  expect([ledger, reappliedAt, redisAppendOnlyFile, remains]).not.toContain(undefined);
  const value = sign(null, Buffer.from(canonicalJson(statement)), key).toString('base64');
  const old: ErasureCertificate = { statement, signature: { ...certificate.signature, value } };
  expect(isGenuine(old, publicKey)).toBe(true);
});
