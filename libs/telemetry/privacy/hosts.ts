import { parse } from 'tldts';
import { memoize } from '../memo.js';
import { consistsOfKnownWords } from './known-words.js';

/*
 * Detects host names in a text. Many ordinary words are top-level domains (`.build`, `.tools`, `.zip`), so the list
 * of these domains, which the library maintains, is not enough: the shape of the whole name decides.
 */

const setOf = (text: string) => new Set(text.trim().split(/\s+/));

/** Endings that are rare outside of host names: one label before them is enough. */
const STRONG = setOf(`
  com net org edu gov mil io cloud eu uk de fr nl ch pl ru cn jp br au biz arpa be dk fi ie pt cz gr hu ua lu lv il
  ae za nz kr tw hk vn cl xyz gmbh ai tv mx tr ro bg hr lt ee sg th ph pk kz ng ke
  local localhost localdomain internal intranet lan corp example invalid intra workgroup onion i2p
  bank ltd llc sarl srl berlin koeln cologne hamburg bayern ruhr saarland wien tirol swiss paris london wales scot
  irish nyc miami tokyo osaka amsterdam brussels vlaanderen istanbul capetown joburg sydney melbourne quebec
`);

/** Endings of internal networks, which are not registered. */
const INTERNAL = setOf(
  'home private int ext prod prd preprod dev test qa stage staging stg sbx uat dmz oob k8s svc vpc mgmt adm infra ' +
    'mesos consul domain',
);

/** Endings that are more common for files and systemd units than for hosts. */
const FILE_ENDINGS = setOf('py sh rs md so ps cc ml mm zip mov pm st');
const UNIT_TYPES = setOf(
  'service socket device mount automount swap target path timer slice scope',
);

/** First labels of classes, packages and modules: `org.apache.kafka.tools`. */
const NAMESPACES = setOf(`
  com org net io java javax jakarta kotlin scala sun jdk android androidx akka google azure aws amazon microsoft
  system windows docker kubernetes python node
`);

/** Endings that follow a label of any kind in names of metrics, and hardly ever in hosts: `acme.total`. */
const METRIC_ENDINGS = setOf('total date data');

/** A role and a number: `db1`, `web-01`, `ip-10`. */
const MACHINE =
  /^(?:db|sql|web|www|app|api|srv|server|host|node|vm|mail|smtp|mx|ns|dns|proxy|lb|gw|fw|sw|ad|dc|pc|nas|esx|esxi|kvm|master|worker|agent|slave|ip|cache|build|ci|mon|log|backup|vpn)-?\d{1,4}$/;

type Ending = 'strong' | 'weak' | 'file' | null;

/** Classifies a label as the last one of a host name. */
const classifyEnding = memoize(500_000, (label: string): Ending => {
  if (STRONG.has(label)) return 'strong';
  if (UNIT_TYPES.has(label)) return null;
  if (FILE_ENDINGS.has(label)) return 'file';
  // Internal names may be numbered: `prod2`.
  if (INTERNAL.has(label) || INTERNAL.has(label.replace(/\d{1,3}$/, ''))) return 'weak';
  const { isIcann } = parse(`a.${label}`, { extractHostname: false, validateHostname: false });
  return isIcann === true ? 'weak' : null;
});

/** Whether a text contains a host name. */
export function containsHost(text: string): boolean {
  if (!text.includes('.')) return false;
  return replaceOtherLetters(text)
    .split(/[^A-Za-z0-9._-]/)
    .some((name) => name.includes('.') && isHost(name.split('.')));
}

const OTHER_LETTER = /[^\p{ASCII}\P{L}]/gu;

/** Host names may have letters of any script. Replaces each by `x`, which preserves the shape. */
function replaceOtherLetters(text: string): string {
  return OTHER_LETTER.test(text) ? text.replace(OTHER_LETTER, 'x') : text;
}

function isHost(labels: readonly string[]): boolean {
  return labels.some((label, at) => {
    if (at === 0 || !/[A-Za-z0-9-]$/.test(labels[at - 1] ?? '')) return false;
    const ending = /^(?:xn--)?[A-Za-z0-9]+/i.exec(label)?.[0] ?? '';
    const strength = classifyEnding(ending.toLowerCase());
    if (strength === null) return false;
    // `alice.example.com-prod` contains a host name as well.
    const isEnd = ending.length < label.length || !/^[\w-]/.test(labels[at + 1] ?? '');
    const isDeep =
      at > 1 &&
      /^[A-Za-z0-9-]{1,63}$/.test(labels[at - 1] ?? '') &&
      /[A-Za-z0-9-]$/.test(labels[at - 2] ?? '');
    if (strength === 'strong') return isEnd || isDeep;
    return isEnd && isWeakHost(labels.slice(0, at), ending, strength, isDeep);
  });
}

/** Whether the labels before an ambiguous ending make it a host name. */
function isWeakHost(
  before: readonly string[],
  ending: string,
  strength: Ending,
  isDeep: boolean,
): boolean {
  const last = (before.at(-1) ?? '').toLowerCase();
  if (MACHINE.test(last)) return true;
  // `1.0.post1.dev2`
  const isVersion = !/[a-z]/.test(last) || before.every(isVersionPart);
  // `Acme.Steps.Email` is a class.
  const isClass = ending.length > 2 && /^[A-Z][a-z]/.test(ending);
  const isNamespace = NAMESPACES.has((before[0] ?? '').toLowerCase());
  if (isVersion || isClass || isNamespace) return false;
  if (strength === 'file') return isDeep && before.some((label) => /[a-z]-?\d+$/i.test(label));
  if (isDeep) return ![...before, ending].every((label) => consistsOfKnownWords(label));
  // One label: `kafka.broker` is a name, and `acme.shop` is a host.
  return (
    !METRIC_ENDINGS.has(ending.toLowerCase()) && last.length > 1 && !consistsOfKnownWords(last)
  );
}

function isVersionPart(label: string): boolean {
  return /^(?:v?\d[\d_-]*)?(?:(?:a|b|c|rc|alpha|beta|post|pre|preview)\d*)?$/i.test(label);
}
