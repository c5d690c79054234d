import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findCertificate } from './certificate.js';

test('the created certificate is valid for the hosts of ingest and of the admin API', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-certificate-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const hosts = { host: 'muster.example', adminHost: '192.168.1.5' };
  const { certFile } = await findCertificate(hosts, dataDir);
  const certificate = new X509Certificate(await readFile(certFile));
  expect(certificate.checkHost('muster.example')).toBeDefined();
  expect(certificate.checkIP('192.168.1.5')).toBeDefined();
  expect(certificate.checkHost('localhost')).toBeDefined();
});
