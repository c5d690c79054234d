import type {
  NormalisedEvent,
  QuarantinedEvent,
  UnderstoodEvent,
  UnidentifiedEvent,
} from '#telemetry';
import type { IdentifiedEvent } from './batch.js';

export function isUnderstood(event: NormalisedEvent): event is UnderstoodEvent {
  return event.fate === 'stored';
}

export function isQuarantined(event: NormalisedEvent): event is QuarantinedEvent {
  return event.fate === 'quarantined';
}

export function isIdentified(event: NormalisedEvent): event is IdentifiedEvent {
  return isUnderstood(event) || isQuarantined(event);
}

export function isUnidentified(event: NormalisedEvent): event is UnidentifiedEvent {
  return event.fate === 'unidentified';
}

/** Whether nothing of the event is stored but its fate. */
export function isOnlyCounted(
  event: NormalisedEvent,
): event is Extract<NormalisedEvent, { fate: 'empty' | 'suppressed' | 'blocked' }> {
  return event.fate === 'empty' || event.fate === 'suppressed' || event.fate === 'blocked';
}
