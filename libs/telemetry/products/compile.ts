import { safeTime } from '../clock.js';
import { asSha1, asToken, asVersion } from '../privacy/tokens.js';
import { isEventName, safeKey } from '../privacy/keys.js';
import { wordsOf } from '../privacy/known-words.js';
import type { TextRule } from '../privacy/redact.js';
import type { EventKind, InstallationDescription, Product } from '../report.js';
import type { Defect, Properties, Understood } from '../vocabulary.js';
import type { EventDeclaration, InstallationField, ProductDeclaration } from './declaration.js';
import { errorReader } from './errors.js';
import { metricReader } from './events.js';
import { isTypeOf } from './counts.js';
import { readers } from './declared.js';
import { maxFor } from './plausible.js';
import { rulesOf, type ProductRules } from './rules.js';

/** Events with which installations of every product may opt out and in. */
const CONSENT: Record<string, EventDeclaration> = {
  opted_out: { about: 'Telemetry was turned off.', store: 'usage', consent: 'opted_out' },
  opted_in: { about: 'Telemetry was turned on again.', store: 'usage', consent: 'opted_in' },
};

const UNDECLARED: EventDeclaration = { about: 'An event that is not declared.', store: 'usage' };

/** Compiles a declaration into readers. */
export function compileProduct(declaration: ProductDeclaration): Product {
  const rules = rulesOf(declaration);
  const kinds = new Map<string, EventKind>();
  for (const [name, event] of Object.entries({ ...CONSENT, ...declaration.events })) {
    kinds.set(name, compileEvent(event, rules));
  }
  const undeclared = compileEvent(UNDECLARED, rules);
  const ownWords = new Set([declaration.product, ...kinds.keys()].flatMap(wordsOf));
  const keepsName = (event: string) => kinds.has(event) || isEventName(event, ownWords);
  const keepsUndeclared = declaration.unknownEvents !== 'quarantined';
  const { product, browserDistinctId } = declaration;
  return {
    product,
    ...(browserDistinctId && { browserDistinctId }),
    find: (event) => kinds.get(event) ?? (keepsUndeclared && keepsName(event) ? undeclared : null),
    keepsName,
    unitOf: (event, metric) =>
      declaration.events[event]?.metrics?.find(({ name }) => name === metric)?.unit ?? null,
    describe: (properties, version) => describe(rules, properties, version),
  };
}

/** The readers of `opted_out` and `opted_in`, for a product that is not compiled from a declaration. */
export function consentKinds(product: string): Record<string, EventKind> {
  const rules = rulesOf({ product, about: '', events: {} });
  return Object.fromEntries(
    Object.entries(CONSENT).map(([name, event]) => [name, compileEvent(event, rules)]),
  );
}

function compileEvent(event: EventDeclaration, rules: ProductRules): EventKind {
  const reader = event.store === 'error' ? errorReader(event, rules) : metricReader(event, rules);
  const { store: kind, describes = false, consent } = event;
  const keepText = textRule(event, rules);
  return { kind, ...reader, describes, keepText, ...(consent && { consent }) };
}

/** How each property that describes an installation is read. */
const FIELDS: Record<InstallationField, (raw: unknown) => string | null> = {
  version: asVersion,
  variant: asToken,
  provider: asToken,
  platform: asToken,
  source: asToken,
  licenseSha1: asSha1,
};

function describe(
  { declaration }: ProductRules,
  properties: Properties,
  envelopeVersion: string | undefined,
): Understood<InstallationDescription> {
  const defects: Defect[] = [];
  const paths: Partial<Record<InstallationField, string>> = {
    version: 'version',
    ...declaration.installation,
  };
  const read = (field: InstallationField): string | null => {
    const path = paths[field];
    const raw = path === undefined ? undefined : properties[path];
    if (path === undefined || raw === undefined || raw === null || raw === '') return null;
    const value = FIELDS[field](raw);
    if (value === null) {
      const reason = field === 'licenseSha1' ? 'not_a_sha1_digest' : 'malformed';
      defects.push({ path: safeKey(path), reason });
    }
    return value;
  };
  if (envelopeVersion && asVersion(envelopeVersion) === null) {
    defects.push({ path: 'version', reason: 'malformed' });
  }
  const content: InstallationDescription = {
    version: read('version') ?? asVersion(envelopeVersion),
    variant: read('variant'),
    provider: read('provider'),
    platform: read('platform'),
    source: read('source'),
    customerKey: null,
    licenseId: read('licenseSha1'),
  };
  return { content, defects };
}

/** Keeps the text that the event's reader accepts. */
function textRule(event: EventDeclaration, { declaration }: ProductRules): TextRule {
  const rules = new Map<string, (text: string) => string | null>();
  const when = (test: (text: string) => boolean) => (text: string) => (test(text) ? text : null);
  for (const metric of event.metrics ?? []) {
    const path = metric.property ?? metric.name;
    const isType = (text: string) => isTypeOf(metric, text);
    if (metric.kind === 'counts') {
      rules.set(path, when(isType));
      rules.set(`${path}[]`, when(isType));
    } else if (metric.kind !== 'flag') {
      const read = readers[metric.kind];
      const kept = metric.kind === 'date' ? safeTime : (text: string) => text;
      rules.set(path, (text) => ('value' in read(text, maxFor(metric)) ? kept(text) : null));
    }
  }
  const fields = { version: 'version', ...declaration.installation };
  for (const [field, path] of Object.entries(fields)) {
    rules.set(path, FIELDS[field as InstallationField]);
  }
  const { outcome, error } = event;
  if (outcome)
    rules.set(
      outcome.property,
      when((text) => Object.hasOwn(outcome.values, text)),
    );
  const kind = error?.list ? `${error.list}[].${error.kind}` : error?.kind;
  if (kind !== undefined) rules.set(kind, asToken);
  return (path, text) => rules.get(path)?.(text) ?? null;
}
