import type { EventEnvelope, RequestContext } from './envelope.js';
import { formerIdOf, formerIdsOf, installationIdOf, parseInstallationId } from './identity.js';
import { isPlaceholder } from './placeholders.js';
import { DELETION_REQUEST } from './policy.js';
import type { Rejection } from './vocabulary.js';

export type IdentifiedInstallation = Pick<EventEnvelope, 'installationId' | 'formerIds'>;

/**
 * Finds the installation of an event, for every dialect.
 * @param raw the id as the client wrote it, in any form
 * @param place where it is in the event, and what the event is called
 */
export function identify(
  raw: unknown,
  { path, event }: { path: string; event: unknown },
  { identityKey }: Pick<RequestContext, 'identityKey'>,
): IdentifiedInstallation | Rejection {
  if (isPlaceholder(parseInstallationId(raw) ?? '')) {
    return { reason: 'installation_id_placeholder', path };
  }
  const installationId = installationIdOf(raw, identityKey);
  if (installationId === null) {
    return { reason: isGiven(raw) ? 'installation_id_invalid' : 'installation_id_missing', path };
  }
  // Only ingest can derive ids, so it determines all ids whose rows an erasure must find.
  const formerIds =
    event === DELETION_REQUEST ? formerIdsOf(raw, identityKey) : formerIdsOfForm(raw, identityKey);
  return formerIds.length > 0 ? { installationId, formerIds } : { installationId };
}

/** At most one: the id that the same form had in an earlier release. */
function formerIdsOfForm(raw: unknown, identityKey: string): string[] {
  const former = formerIdOf(raw, identityKey);
  return former === null ? [] : [former];
}

/** Whether a client sent a value. Many clients send `null` or empty text instead of omitting it. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
