import { describe, expect, test } from 'vitest';
import { isIdentifyingKey, maxAnonymous } from './number-names.js';

describe('a number', () => {
  test.each([
    ...['id', 'ID', 'account_id', 'accountId', 'userID', 'uid', 'guid', 'phone'],
    ...['phoneNumber', 'phone_1', 'customer_account_no', 'IP', 'serialNumber', 'zip', 'birthdate'],
    ...[
      'lat',
      'longitude',
      'taxId',
      'iban',
      'card_number',
      'imei',
      'customer_number',
      'customer_no',
    ],
    ...['user_no', 'employee_number', 'member_no', 'client_no', 'tenant_no', 'device_no'],
    ...[
      'contact_number',
      'ip_addr',
      'mac_addr',
      'ipAddr',
      'ipv4',
      'lat_e7',
      'lng_e7',
      'cvv',
      'pin',
    ],
    ...['date_of_birth_ms', 'pan_number', 'nhs_no', 'otp', 'order_no', 'customerno', 'macaddress'],
    ...[
      'phone_raw',
      'clientIp',
      'Kundennummer',
      'telefonnummer',
      'dateOfBirth',
      'userNbr',
      'invoiceNo',
    ],
    ...'remote_addr hwAddr bssid coord_x latlng born_at yob fingerprint vin ein tin siret mrn'.split(
      ' ',
    ),
    ...'social_security driverLicense sort_code card_pan imei_sv ssn_last4 userhash acctnum'.split(
      ' ',
    ),
  ])('with the name %s may be identifying', (key) => {
    expect(isIdentifyingKey(key)).toBe(true);
  });

  const OWNERS =
    'customer cust user client emp member patient student policy order invoice payment transaction txn tracking ' +
    'registration reference case meter loyalty house visa asset visitor matriculation booking ticket phone whatsapp';
  const NUMBERS = 'no nr nbr number id key code ref hash';
  test.each(OWNERS.split(' '))(
    'that is the number of a %s may be identifying, in any spelling',
    (owner) => {
      for (const number of NUMBERS.split(' ')) {
        const [first = '', ...rest] = number;
        const capital = first.toUpperCase() + rest.join('');
        const names = [
          `${owner}_${number}`,
          `${owner}${capital}`,
          `home.${owner}-${number}`,
          owner + number,
        ];
        for (const name of [
          ...names,
          `${owner}_${number}_raw`,
          `${owner}_${number}_1`.toUpperCase(),
        ]) {
          expect([name, isIdentifyingKey(name)]).toEqual([name, true]);
        }
      }
      expect(isIdentifyingKey(`${owner}_count`)).toBe(false);
    },
  );

  test.each([
    ...[
      '',
      'count',
      'account_count',
      'aws_accounts',
      'grid',
      'valid',
      'paid',
      'ids_count',
      'zipped',
      'latency',
    ],
    ...['cpu_total', 'number', 'no', 'skip', 'mem_total', 'step_count', 'duration', 'identity'],
    ...['customer_count', 'users', 'member_total', 'lat_ms', 'error_code', 'exit_code', 'status'],
    ...'hash_rate asset_size payment_total case_count tracking_errors address_space host_count'.split(
      ' ',
    ),
    ...['domino', 'casino', 'plan', 'devices', 'sessions_open', 'pan', 'spin', 'device_version'],
    ...['health-unit-dcos-cluster-id-total', 'node_count_*.aws_ec2_instance', '0'],
  ])('under the name %j counts something', (key) => {
    expect(isIdentifyingKey(key)).toBe(false);
  });
});

describe('the largest number that is kept', () => {
  test.each(['id', 'phone', 'customer_no', 'ip_addr'])('under %s does not exist', (key) => {
    expect(maxAnonymous(key)).toBe(-1);
  });

  test.each([
    ...['accounts', 'phones', 'ids_count', 'phone_total', 'customer_num', 'account_id.first'],
    ...['health-unit-phone-total', 'contact.phone.x'],
  ])('under %s is a count of things, not one of their numbers', (key) => {
    expect(maxAnonymous(key)).toBe(999_999);
  });

  test.each(['nodes', 'memory', 'task_count', 'users', 'health-unit-dcos-net-service-total'])(
    'with the name %s has no maximum',
    (key) => {
      expect(maxAnonymous(key)).toBe(Infinity);
    },
  );
});
