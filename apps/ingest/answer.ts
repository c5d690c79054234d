import type { FastifyReply } from 'fastify';
import { errorTable } from '#platform';
import type { EventRejection, ReceivedEnvelope } from '#telemetry';
import { statusOf } from './errors.js';
import type { Over } from './limits.js';
import type { Refusals } from './refusals.js';

export type Outcome =
  { accepted: ReceivedEnvelope } | { rejected: EventRejection; trace?: ReceivedEnvelope };

const RATE_LIMITED: EventRejection = {
  code: 'rate_limited',
  path: '',
  message: errorTable.rate_limited.message,
};

const TOO_MUCH = new Set<EventRejection['code']>(['event_too_large', 'too_deep']);

/** The envelopes to queue: accepted events, and the traces of those that are too large. */
export function envelopesOf(outcomes: readonly Outcome[]): ReceivedEnvelope[] {
  return outcomes.flatMap((it) => ('accepted' in it ? it.accepted : (it.trace ?? [])));
}

/**
 * Sends the result of each event, and of the request as a whole. Counts the refused events.
 * @param over the events above a rate limit
 */
export function answerOutcomes(
  reply: FastifyReply,
  outcomes: readonly Outcome[],
  { envelopes: over, limited }: Over,
  refusals: Refusals,
): void {
  const results = outcomes.map((outcome) => {
    if ('rejected' in outcome) {
      const isOver = outcome.trace !== undefined && over.has(outcome.trace);
      return { status: 'rejected' as const, ...(isOver ? RATE_LIMITED : outcome.rejected) };
    }
    if (over.has(outcome.accepted)) return { status: 'rejected' as const, ...RATE_LIMITED };
    return { status: 'accepted' as const };
  });
  const rejections = results.filter((result) => result.status === 'rejected');
  const accepted = results.length - rejections.length;
  const counts = { accepted, rejected: rejections.length, results };
  const refused = new Map<string, number>();
  for (const { code } of rejections) refused.set(code, (refused.get(code) ?? 0) + 1);
  if (refused.size > 0) refusals.ofEvents(reply.request, refused, accepted === 0);
  if (limited) void reply.header('retry-after', limited.retryAfterS);
  if (accepted > 0) {
    void reply.status(202).send({ success: true, ...counts });
    return;
  }
  // If there are several reasons, prefer the rate limit: a retry may succeed in part.
  const { code, message = '' } = (limited ? RATE_LIMITED : rejections[0]) ?? {};
  const areAllTooMuch = rejections.every(({ code }) => TOO_MUCH.has(code));
  const like = limited ? 'rate_limited' : areAllTooMuch ? 'event_too_large' : 'bad_request';
  const body = { success: false, code, message, detail: message, ...counts };
  void reply.status(statusOf[like]).send(body);
}
