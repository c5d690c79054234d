import { join, resolve } from 'node:path';
import { loadTls, makeCertificate, type StartSettings, type TlsFiles } from '#platform';

type CertificateSettings = Pick<StartSettings, 'certFile' | 'keyFile' | 'host' | 'adminHost'>;

/**
 * The certificate of ingest and of the admin API: the configured one, or a self-signed one for the hosts of both.
 *
 * @throws StartupError if the configured one cannot be used
 */
export async function findCertificate(
  { certFile, keyFile, host, adminHost }: CertificateSettings,
  dataDir: string,
): Promise<TlsFiles> {
  if (certFile === undefined || keyFile === undefined) {
    return makeCertificate(join(dataDir, 'tls'), [host, adminHost]);
  }
  const files = { certFile: resolve(certFile), keyFile: resolve(keyFile) };
  await loadTls(files);
  return files;
}
