import { DECLARABLE_EVENT, isDeclarableEvent } from '../privacy/keys.js';
import { declarableResources, type DeclaredResource } from '../resource-figures.js';
import type {
  Cadence,
  EventDeclaration,
  InstallationField,
  MetricDeclaration,
  ProductDeclaration,
  ResourceDeclaration,
} from './declaration.js';
import { metricKinds, reportIntervals } from './declaration.js';
import { PRODUCT_NAME } from './product-name.js';
import {
  explained,
  fail,
  type FieldsOf,
  type JsonSchema,
  listOf,
  mapOf,
  matching,
  number,
  object,
  oneOf,
  positive,
  text,
  trueOr,
  wholeNumber,
} from './shape.js';

const METRIC_NAME = /^[a-z][a-z0-9_]{0,62}$/;

const metric = object<MetricDeclaration>({
  name: matching(METRIC_NAME, 'lower-case letters, digits and _, such as jobs_started'),
  kind: explained(
    'count: a whole number. counts: a number for each type. ratio, bytes, duration: a number from 0. flag: a boolean. date: RFC 3339.',
    oneOf(...metricKinds),
  ),
  unit: explained('1 for counts, s, By, percent, … as in https://ucum.org.', text),
  about: explained('What it means. Views and the catalogue show it.', text),
  'since?': explained("The product's version in which it first appeared.", text),
  'property?': explained('The property that holds it. Default: the name.', text),
  'types?': explained(
    'The allowed types of counts. Others are counted together as *.',
    listOf(text),
  ),
  'most?': explained('The largest plausible value, if the default does not fit.', positive),
  'perEvent?': explained(
    '1 per event; with moreThan, only if a property exceeds a limit.',
    trueOr(object<{ property: string; moreThan: number }>({ property: text, moreThan: number })),
  ),
});

const resource = object<ResourceDeclaration>({
  property: text,
  'minus?': explained('A property to subtract.', text),
  unit: oneOf('bytes', 'cores', 'percent'),
});

const resources = Object.fromEntries(
  declarableResources.map((figure) => [`${figure}?`, resource]),
) as FieldsOf<Partial<Record<DeclaredResource, ResourceDeclaration>>>;

const event = object<EventDeclaration>({
  about: text,
  store: explained(
    'metrics: the state of an installation. usage: something that happened. error: an error.',
    oneOf('metrics', 'usage', 'error'),
  ),
  'describes?': explained(
    'Whether it carries version, platform, … of its installation.',
    oneOf(true, false),
  ),
  'metrics?': listOf(metric),
  'outcome?': explained(
    'The property with the outcome, and the meaning of each of its values.',
    object<NonNullable<EventDeclaration['outcome']>>({ property: text, values: mapOf(text) }),
  ),
  'resources?': explained(
    'Properties that are also resources of a machine.',
    object<NonNullable<EventDeclaration['resources']>>(resources),
  ),
  'error?': explained(
    "The properties of an error's parts. Only the first error of list counts.",
    object<NonNullable<EventDeclaration['error']>>({
      ...{ 'list?': text, 'kind?': text, 'message?': text, 'count?': text },
    }),
  ),
  'consent?': explained('The consent that the event declares.', oneOf('opted_out', 'opted_in')),
});

const product = object<ProductDeclaration>({
  product: matching(PRODUCT_NAME.pattern, PRODUCT_NAME.allowed),
  about: text,
  events: mapOf(event, { isName: isDeclarableEvent, schema: DECLARABLE_EVENT }),
  'cadence?': explained(
    'How often installations report, and after how many whole days without anything one counts as silent. Default: 3.',
    object<Cadence>({ every: oneOf(...reportIntervals), silentAfterDays: wholeNumber(1, 90) }),
  ),
  'unknownEvents?': explained(
    'How undeclared events of newer agents are treated. Default: usage.',
    oneOf('usage', 'quarantined'),
  ),
  'browserDistinctId?': explained(
    "Whose id the product's web pages pass to posthog.identify. Default: user.",
    oneOf('user', 'installation'),
  ),
  'installation?': explained(
    'The properties that describe the installation.',
    object<Partial<Record<InstallationField, string>>>({
      ...{ 'version?': text, 'variant?': text, 'provider?': text, 'platform?': text },
      ...{ 'source?': text, 'licenseSha1?': text },
    }),
  ),
  'collapse?': explained(
    'Names of properties that contain identifiers of the sender.',
    listOf(matching(/^[^*]*\*[^*]+$/, 'a name with one *, which must not be at the end')),
  ),
  'ignore?': explained('Ignored properties; * at the end matches anything.', listOf(text)),
  '$schema?': text,
});

/** The form of a declaration as JSON Schema, for editors. What a name may reveal is checked by `readDeclaration` only. */
export const declarationSchema: JsonSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A product that sends events to Muster',
  ...product.schema,
};

/**
 * Validates a declaration from JSON.
 * @throws InvalidDeclaration with the path and the problem
 */
export function readDeclaration(json: unknown): ProductDeclaration {
  product.check(json, '');
  const declaration = json as ProductDeclaration;
  for (const [name, { metrics = [] }] of Object.entries(declaration.events)) {
    const names = metrics.map((metric) => metric.name);
    const twice = names.find((one, index) => names.indexOf(one) < index);
    if (twice) fail(`events.${name}.metrics`, `declares ${twice} twice`);
  }
  return declaration;
}
