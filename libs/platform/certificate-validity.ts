import { X509Certificate } from 'node:crypto';
import { pemBlocks } from './pem.js';

const DAY_MS = 86_400_000;
/** A certificate with this many days left, or fewer, counts as expiring. */
const EXPIRING_DAYS = 30;

/** The validity of a certificate. A chain is valid while all of its certificates are. */
export interface CertificateValidity {
  state: 'valid' | 'expiring' | 'expired' | 'not_yet_valid';
  /** ISO 8601, UTC. */
  notBefore: string;
  notAfter: string;
  /** Whole days until `notAfter`; negative after it. */
  daysLeft: number;
}

/** @param pem one or more certificates */
export function certificateValidity(pem: string, now = Date.now()): CertificateValidity {
  const chain = certificatesIn(pem);
  const notBefore = Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom)));
  const notAfter = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
  const daysLeft = Math.floor((notAfter - now) / DAY_MS);
  return {
    state: stateOf({ isFuture: now < notBefore, isPast: now >= notAfter, daysLeft }),
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    daysLeft,
  };
}

/** Whether the current date is within the certificate's dates. */
export function isCurrent({ state }: CertificateValidity): boolean {
  return state === 'valid' || state === 'expiring';
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pemBlocks(pem, 'CERTIFICATE');
  return (blocks.length > 0 ? blocks : [pem]).map((block) => new X509Certificate(block));
}

function stateOf(dates: {
  isFuture: boolean;
  isPast: boolean;
  daysLeft: number;
}): CertificateValidity['state'] {
  if (dates.isFuture) return 'not_yet_valid';
  if (dates.isPast) return 'expired';
  return dates.daysLeft <= EXPIRING_DAYS ? 'expiring' : 'valid';
}
