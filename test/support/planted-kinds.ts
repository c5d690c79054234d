import type { Draw } from './draw.js';
import {
  account,
  digits,
  encoded,
  guid,
  ipv4,
  ipv6,
  mac,
  type Made,
  serial,
  swapped,
} from './planted-forms.js';

type Variants = readonly [
  (draw: Draw) => Made,
  (draw: Draw) => Made,
  (draw: Draw) => Made,
  (draw: Draw) => Made,
];

const byte = (draw: Draw) => draw.int(100, 254);

/** The last labels of host names: top-level domains and names of internal networks. */
const ENDINGS = [
  ...'example dk com xyz ai bank shop tech me tv pro berlin mx tr ro id online site agency'.split(
    ' ',
  ),
  ...'london systems rocks swiss prod dmz k8s svc corp lan intra internal staging'.split(' '),
];

/** Kinds of identifiers of people and places, each in four notations. */
export const KINDS = {
  email: [
    (d) => `${d.word()}.${d.word()}@${d.word()}.example`,
    (d) => `${d.name()}_${d.name()}+tag@mail.${d.word()}.com`,
    (d) => `${d.word()}@${d.word()}.co.uk`,
    (d) => `"${d.name()} ${d.name()}" <${d.word()}@${d.word()}.test>`,
  ],
  person: [
    (d) => `${d.name()} ${d.name()}`,
    (d) => `${d.name()}, ${d.name()}`,
    (d) => `Dr. ${d.name()} van ${d.name()}-${d.name()}`,
    (d) => `${d.name()} Ö${d.word()}`,
  ],
  company: [
    (d) => `${d.name()} ${d.name()} GmbH`,
    (d) => `${d.name()} & ${d.name()}, Inc.`,
    (d) => `The ${d.name()} ${d.name()} Company`,
    (d) => `株式会社${d.name()} ${d.word()}`,
  ],
  host: [
    (d) => `db07.${d.word()}.${d.word()}.${d.one(ENDINGS)}`,
    (d) => ipv4(`ip-10-${byte(d)}-${byte(d)}-${byte(d)}.eu-west-1.compute.internal`),
    (d) =>
      ipv4(
        `ip-10-${d.int(10, 99)}-${d.int(10, 99)}-${d.int(10, 99)}`.replaceAll(
          '-',
          d.one(['-', '_']),
        ),
      ),
    (d) => `${d.name()}.AD.${d.word().toUpperCase()}.LOCAL`,
  ],
  domain: [
    (d) => `${d.word()}.${d.word()}.${d.one(ENDINGS)}`,
    (d) => `web-0${d.int(1, 9)}.${d.word()}.${d.one(ENDINGS)}`,
    (d) => `${d.word()}.${d.word()}.${d.one(ENDINGS)}`.toUpperCase(),
    (d) => `${d.word()}.${d.word()}.svc.cluster.local`,
  ],
  shortDomain: [
    (d) => `${d.word()}.${d.one(ENDINGS)}`,
    (d) => `${d.word()}-${d.word()}.${d.one(ENDINGS)}`,
    (d) => `${d.word()}.${d.one(ENDINGS)}`.toUpperCase(),
    (d) => `${d.word()}.${d.one(ENDINGS)}:8443`,
  ],
  ipv4: [
    (d) => ipv4(`10.${byte(d)}.${byte(d)}.${byte(d)}`),
    (d) => ipv4(`${d.int(20, 99)}.${byte(d)}.${byte(d)}.${byte(d)}:8443`),
    (d) => ipv4(`172.16.${byte(d)}.${byte(d)}/24`),
    (d) => ipv4(`10.${d.int(10, 99)}.${d.int(10, 99)}.${d.int(10, 99)}.`),
  ],
  ipv6: [
    (d) => ipv6(`2001:db8:${d.hex(4)}:${d.hex(4)}:${d.hex(4)}:${d.hex(4)}:${d.hex(4)}:${d.hex(4)}`),
    (d) => ipv6(`fe80::${d.hex(4)}:${d.hex(4)}:${d.hex(4)}:${d.hex(4)}`),
    (d) => {
      const address = `fe80::${d.hex(4)}:${d.hex(4)}:${d.hex(4)}:${d.hex(4)}`;
      return ipv6(`${address}%eth0`, address);
    },
    (d) => {
      const address = `2001:db8::${d.hex(4)}:${d.hex(4)}:${d.hex(4)}`;
      return ipv6(`[${address}]:443`, address);
    },
  ],
  mac: [
    (d) => mac(`02${d.hex(10)}`, (bytes) => bytes.join(d.one([':', '_']))),
    (d) => mac(`02${d.hex(10)}`, (bytes) => bytes.join('-').toUpperCase()),
    (d) => mac(`02${d.hex(10)}`, (bytes) => bytes.join('').replace(/....(?=.)/g, '$&.')),
    (d) => mac(`02${d.hex(10)}`, (bytes) => bytes.join('')),
  ],
  machineGuid: [
    (d) => guid(d, (own) => own),
    (d) => guid(d, (own) => `{${own.toUpperCase()}}`),
    (d) => guid(d, swapped),
    (d) => guid(d, (own) => `urn:uuid:${own}`),
  ],
  url: [
    (d) => `https://${d.word()}.example/${d.word()}/login?user=${d.word()}&session=${d.base62(20)}`,
    (d) => ipv4(`http://10.${byte(d)}.${byte(d)}.${byte(d)}:8080/${d.word()}?q=${d.word()}`),
    (d) => `www.${d.word()}.com/${d.word()}`,
    (d) => `ftp://${d.word()}:${d.word()}@${d.word()}.example/`,
  ],
  path: [
    (d) => `/home/${d.word()}/projects/${d.word()}/id_rsa`,
    (d) => `C:\\Users\\${d.name()}\\${d.word()}.docx`,
    (d) => `\\\\${d.word()}\\share$\\${d.word()}`,
    (d) => `~/${d.word()}/${d.word()}.kdbx`,
  ],
  phone: [
    (d) => digits(`+41 79 ${d.digits(3)} ${d.digits(2)} ${d.digits(2)}`),
    (d) => digits(`+4479${d.digits(8)}`),
    (d) => [d.digits(3), d.digits(3), d.digits(4)].join(d.one(['-', '.'])),
    (d) => `0${d.digits(3)}-${d.digits(7)}`,
  ],
  account: [
    (d) => account(d.digits(12)),
    (d) => {
      const number = d.digits(12);
      return account(number, (number.match(/..../g) ?? []).join(d.one(['-', '_'])));
    },
    (d) => {
      const number = d.digits(12);
      return account(number, `arn:aws:iam::${number}:role/${d.word()}`);
    },
    (d) => {
      const number = d.digits(12);
      return account(number, `arn:aws:cloudformation:us-west-2:${number}:stack/${d.word()}/7f0d`);
    },
  ],
  bankAccount: [
    (d) => [`CH93 0076 ${d.digits(4)} ${d.digits(4)} ${d.digits(4)} 7`],
    (d) => d.iban(),
    (d) => digits(d.luhn('4539', 16).replace(/....(?=.)/g, '$& ')),
    (d) => d.luhn('4539', 16),
  ],
  nationalId: [
    (d) => `${d.digits(3)}-${d.digits(2)}-${d.digits(4)}`,
    (d) => `756.${d.digits(4)}.${d.digits(4)}.${d.digits(2)}`,
    (d) => `${d.digits(3)} ${d.digits(3)} ${d.digits(3)}`,
    (d) => `${d.int(3, 9)}${d.digits(7)}Z`,
  ],
  userAgent: [
    (d) => `Mozilla/5.0 (X11; ${d.name()} OS 14.2; rv:101.7) ${d.name()}/118.0`,
    (d) => `${d.name()}Browser/7.1 (${d.word()}; build 4412)`,
    (d) => `curl/8.1 (${d.word()}-${d.word()})`,
    (d) => `${d.name()} ${d.name()}/3`,
  ],
  title: [
    (d) => `${d.name()}’s ${d.name()} dashboard`,
    (d) => `${d.name()} – ${d.name()} payroll`,
    (d) => `Login | ${d.name()} | ${d.name()}`,
    (d) => `Re: ${d.word()} and ${d.word()}`,
  ],
  referrer: [
    (d) => `https://intra.${d.word()}.example/wiki/${d.name()}?from=mail`,
    (d) => `//${d.word()}.example/${d.word()}`,
    (d) => `android-app://com.${d.word()}.${d.word()}/`,
    (d) => `${d.word()}.example/?q=${d.word()}`,
  ],
  serial: [
    (d) => serial(`${d.base32(4)}-${d.base32(4)}-${d.base32(4)}-${d.base32(4)}`),
    (d) => serial(`${d.base32(5)}-${d.base32(5)}-${d.base32(5)}-${d.base32(5)}-${d.base32(5)}`),
    (d) => serial(`${d.base32(4)}-${d.base32(4)}-${d.base32(4)}-${d.base32(4)}`.toLowerCase()),
    (d) => `Serial: ${d.base32(6)} ${d.base32(6)} ${d.base32(6)}`,
  ],
  appId: [
    (d) => `/${d.word()}/team-${d.word()}/payroll`,
    (d) => `/${d.word()}/${d.word()}`,
    (d) => `${d.name()}'s app for ${d.name()}`,
    (d) => `${d.word()} ${d.word()}`,
  ],
  token: [
    (d) => `ghp_${d.base62(36)}`,
    (d) => `AKIA${d.base32(16)}`,
    (d) => `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI${d.base62(30)}.${d.base62(43)}`,
    (d) => `sk_live_${d.base62(24)}`,
  ],
  encoded: [
    (d) => encoded(`${d.word()}@${d.word()}.example`, 'base64'),
    (d) => encoded(`${d.word()}@${d.word()}.example`, 'base64url'),
    (d) => encoded(`${d.word()}.${d.word()}@${d.word()}.ai`, 'base64'),
    (d) => encoded(`${d.word()}@${d.word()}.com`, 'hex'),
  ],
  cloudKey: [
    (d) => `AIza${d.base62(35)}`,
    (d) => `glpat-${d.base62(20)}`,
    (d) => `github_pat_${d.base62(22)}_${d.base62(40)}`,
    (d) => `xoxp-${d.digits(12)}-${d.base62(24)}`,
  ],
  session: [
    (d) => d.hex(40),
    (d) => d.hex(32).toUpperCase(),
    (d) => d.base62(32),
    (d) => `xoxb-${d.digits(12)}-${d.digits(12)}-${d.base62(24)}`,
  ],
  postal: [
    (d) => `${d.name()}gasse 17, 8032 ${d.name()}dorf`,
    (d) => `PO Box 4412, ${d.name()}, ${d.name()} 90210`,
    (d) => `17 Rue ${d.name()}, 75011 ${d.name()}`,
    (d) => `${d.name()}str. 5\n10115 ${d.name()}`,
  ],
} satisfies Record<string, Variants>;

/** Names of users that have the form of an event's name. They may be names of packages or types as well. */
export const LOGINS = {
  login: [
    (d) => `${d.word()}.${d.word()}`,
    (d) => `${d.word()}-${d.word()}`,
    (d) => `${d.word()}_${d.word()}`,
    (d) => `user.${d.word()}`,
  ],
} satisfies Record<string, Variants>;

export type Kind = keyof typeof KINDS | keyof typeof LOGINS;
/** The kinds that are planted in every place. */
export const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
