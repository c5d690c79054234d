import { type Kind, kinds } from './planted-kinds.js';
import { NUMBER, type Place } from './planted.js';

/** A key of the vendor's may look like any of these, and is kept as it is. */
export const KEY_LIKE: readonly Kind[] = [
  ...(['phone', 'account', 'bankAccount', 'nationalId', 'mac', 'machineGuid'] as const),
  ...(['serial', 'token', 'session'] as const),
];

/** What may be a mere number is one where a figure is expected. */
export const NUMBER_LIKE: readonly Kind[] = ['phone', 'account', 'bankAccount'];

export const NOT_A_NUMBER = kinds.filter((kind) => !['phone', 'account'].includes(kind));

export function places(paths: string): Place[] {
  return paths.split(' ').map((path) => [path]);
}

/** Numbers whose names say that they are somebody's. */
export const NUMBERS = [
  ...places('account_id accountId AWS_ACCOUNT phone phoneNumber mobile'),
  ...places('contact/phone/number account/owner/n phones accounts phone/$length tel accountid'),
].map(([path]): Place => [`properties/${path}`, NUMBER, NOT_A_NUMBER]);
