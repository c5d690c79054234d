import { type Kind, kinds } from './planted-kinds.js';
import { NUMBER, type Place } from './planted.js';

/** Excluded because vendor keys may look like any of these and are stored unchanged. */
export const KEY_LIKE: readonly Kind[] = [
  ...(['phone', 'account', 'mac', 'machineGuid', 'serial', 'session'] as const),
];

/** Excluded because these may be plain numbers where a number is expected. */
export const NUMBER_LIKE: readonly Kind[] = ['phone', 'account', 'bankAccount'];

export const NOT_A_NUMBER = kinds.filter((kind) => !['phone', 'account'].includes(kind));

export function places(paths: string): Place[] {
  return paths.split(' ').map((path) => [path]);
}

/** Number properties whose names indicate personal data. */
export const NUMBERS = [
  ...places('account_id accountId AWS_ACCOUNT phone phoneNumber mobile'),
  ...places('contact/phone/number account/owner/n phones accounts phone/$length tel accountid'),
  ...places('customer_number customer_no user_no employeeNumber member_no client_no tenant_no'),
  ...places(
    'device_no contact_number ip_addr macAddr ipv4 lat_e7 lng_e7 date_of_birth_ms pan_number',
  ),
  ...places('nhs_no cvv pin otp invoiceNo kundennummer phone/work owner/ip_addr phone_total'),
].map(([path]): Place => [`properties/${path}`, NUMBER, NOT_A_NUMBER]);
