import type { FastifyReply } from 'fastify';
import type { EventRejection, ReceivedEnvelope } from '#telemetry';
import type { Over } from './limits.js';

export type Outcome =
  { accepted: ReceivedEnvelope } | { rejected: EventRejection; trace?: ReceivedEnvelope };

const RATE_LIMITED: EventRejection = {
  code: 'rate_limited',
  path: '',
  message: 'Rate limit exceeded: too many events per minute. Retry later.',
};

const TOO_MUCH = new Set<EventRejection['code']>(['event_too_large', 'too_deep']);

/**
 * Sends the result of each event, and of the request as a whole.
 * @returns how many events were refused, by code, and whether the request was refused as a whole
 */
export function answerOutcomes(
  reply: FastifyReply,
  outcomes: readonly Outcome[],
  { envelopes: over, limited }: Over,
): { refused: Map<string, number>; isWhole: boolean } {
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
  if (limited) void reply.header('retry-after', limited.retryAfterS);
  if (accepted > 0) {
    void reply.status(202).send({ success: true, ...counts });
    return { refused, isWhole: false };
  }
  // If there are several reasons, prefer the rate limit: a retry may succeed in part.
  const { code, message = '' } = (limited ? RATE_LIMITED : rejections[0]) ?? {};
  const areAllTooMuch = rejections.every(({ code }) => TOO_MUCH.has(code));
  const status = limited ? 429 : areAllTooMuch ? 413 : 400;
  void reply.status(status).send({ success: false, code, message, detail: message, ...counts });
  return { refused, isWhole: true };
}
