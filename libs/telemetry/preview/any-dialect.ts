import { readNative, type EventRejection } from '../dialects/native.js';
import { readDatedReport, type DatedReport } from '../dialects/octopus.js';
import { findPosthogKey, readPosthog } from '../dialects/posthog.js';
import { printedEvents, readReport } from '../dialects/reports.js';
import {
  findSegmentKey,
  readSegmentBatch,
  readSegmentCall,
  segmentTypes,
} from '../dialects/segment.js';
import type { ReceivedEnvelope, RequestContext } from '../envelope.js';
import { InvalidRequest } from '../envelope.js';
import { isObject } from '../vocabulary.js';

export const dialectNames = ['native', 'segment', 'posthog', 'octopus', 'report'] as const;
export type DialectName = (typeof dialectNames)[number];

/** One event of a request: as sent, and as its dialect reads it. */
export interface ReadItem {
  raw: unknown;
  outcome: ReceivedEnvelope | { rejected: EventRejection };
}

/** Parameters that some dialects have in the URL instead of the body. */
export type Hints = Partial<DatedReport> & { dialect?: DialectName | undefined };

/** The write key in a body of any dialect; undefined if missing. */
export function findAnyKey(body: unknown): string | undefined {
  return findSegmentKey(body) ?? findPosthogKey(body);
}

/**
 * Reads a body in the given dialect, or in the one that it appears to be written in.
 * @throws InvalidRequest as that dialect does, or `unknown_dialect`
 */
export function readAny(
  body: unknown,
  hints: Hints,
  context: RequestContext,
): { dialect: DialectName; items: ReadItem[] } {
  const dialect = hints.dialect ?? detectDialect(body, hints);
  return { dialect, items: readers[dialect](body, context, hints) };
}

function detectDialect(body: unknown, hints: Hints): DialectName {
  if (hints.installationId !== undefined) return 'octopus';
  if (
    isObject(body) &&
    (isObject(body.cosmos) || isObject(body.diagnostics) || isObject(body.mesos))
  ) {
    return 'report';
  }
  // A batch may be empty, and an item of it may be anything.
  const first = itemsOf(body).find(isObject) ?? {};
  if ('installationId' in first) return 'native';
  if (isPosthog(first) || (isObject(body) && isPosthog(body))) return 'posthog';
  if (Array.isArray(body) && body.some(isObject)) return 'native';
  if (!isObject(body)) throw unknownDialect();
  if ('batch' in body || 'writeKey' in body || isSegmentType(first.type)) return 'segment';
  if (('Event' in body && 'Properties' in body) || 'clusterId' in body) return 'report';
  throw unknownDialect();
}

function isPosthog(value: Record<string, unknown>): boolean {
  const { properties } = value;
  return (
    'distinct_id' in value ||
    '$distinct_id' in value ||
    'api_key' in value ||
    'token' in value ||
    '$token' in value ||
    (isObject(properties) && 'distinct_id' in properties)
  );
}

function isSegmentType(type: unknown): boolean {
  return segmentTypes.some((known) => known === type);
}

function unknownDialect(): InvalidRequest {
  return new InvalidRequest(
    'unknown_dialect',
    `The dialect of the body cannot be detected; name it with ?dialect=${dialectNames.join(' or ')}.`,
  );
}

type Reader = (body: unknown, context: RequestContext, hints: Hints) => ReadItem[];

const readers: Record<DialectName, Reader> = {
  native: (body, context) => {
    const raw: unknown[] = Array.isArray(body) ? body : [body];
    return pair(raw, readNative(body, context).map(withoutAccepted));
  },
  report: (body, context) =>
    pair(
      printedEvents(body).map(({ event, properties }) => ({ event, properties })),
      readReport(body, context).map(withoutAccepted),
    ),
  octopus: (body, context, hints) => {
    const { installationId, date = new Date(context.receivedAt).toISOString().slice(0, 10) } =
      hints;
    const outcome = readDatedReport(body, { installationId, date }, context);
    return [{ raw: { properties: body }, outcome: withoutAccepted(outcome) }];
  },
  posthog: (body, context) => pair(itemsOf(body), readPosthog(body, context)),
  segment: (body, context) => {
    if (isObject(body) && 'batch' in body)
      return pair(itemsOf(body), readSegmentBatch(body, context));
    const type = isObject(body) ? segmentTypes.find((known) => known === body.type) : undefined;
    return pair([body], readSegmentCall(type ?? 'track', body, context));
  },
};

function itemsOf(body: unknown): unknown[] {
  if (Array.isArray(body)) return body as unknown[];
  return isObject(body) && Array.isArray(body.batch) ? (body.batch as unknown[]) : [body];
}

function pair(raw: readonly unknown[], outcomes: readonly ReadItem['outcome'][]): ReadItem[] {
  return outcomes.map((outcome, index) => ({ raw: raw[index], outcome }));
}

export function withoutAccepted(
  outcome: { accepted: ReceivedEnvelope } | { rejected: EventRejection },
): ReadItem['outcome'] {
  return 'accepted' in outcome ? outcome.accepted : { rejected: outcome.rejected };
}
