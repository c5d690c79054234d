import { Gauge, type Registry } from 'prom-client';
import type { CertificateValidity } from './certificate-validity.js';

/** Registers the metrics of the served certificate. Plain HTTP has none. */
export function measureCertificate(
  registry: Registry,
  served: { certificateValidity(): CertificateValidity | undefined },
): void {
  if (!served.certificateValidity()) return;
  const measure = (name: string, help: string, dateOf: (validity: CertificateValidity) => string) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const validity = served.certificateValidity();
        if (validity) this.set(Date.parse(dateOf(validity)) / 1000);
      },
    });
  measure(
    'muster_certificate_not_before_timestamp_seconds',
    'Unix time at which the served TLS certificate becomes valid.',
    ({ notBefore }) => notBefore,
  );
  measure(
    'muster_certificate_not_after_timestamp_seconds',
    'Unix time at which the served TLS certificate expires.',
    ({ notAfter }) => notAfter,
  );
}
