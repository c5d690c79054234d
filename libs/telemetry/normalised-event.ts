import type { Clock } from './clock.js';
import type { EventEnvelope, UnidentifiedEnvelope } from './envelope.js';
import type { InstallationDescription, ReportContent, ReportKind } from './report.js';
import type { Defect, Rejection } from './vocabulary.js';

/** Identifies an event and its duplicates, and dates it. */
export interface EventIdentity {
  product: string;
  installationId: string;
  /** See `EventEnvelope`. */
  formerIds?: readonly string[];
  /** See `eventKey`. */
  eventKey: string;
  /** In milliseconds since 1970. Of several copies, the one received first counts. */
  receivedAt: number;
  /** In milliseconds since 1970. */
  observedAt: number;
}

/**
 * An event in a form that may be stored: text that no rule allows is replaced by its length. It has no id, because an
 * id may contain anything; its key is stored instead.
 */
export type KeptEvent = Omit<EventEnvelope, 'id' | 'formerIds'>;

interface Kept {
  /** Returns the event for storage, if it must be replayable because something was dropped. */
  keep: () => KeptEvent;
}

/** An event whose rows can be stored. */
export interface UnderstoodEvent extends EventIdentity, ReportContent, Kept {
  fate: 'stored';
  kind: ReportKind;
  clock: Clock;
  /** What it reports about its installation. */
  description: InstallationDescription;
  /** Whether it describes the installation. */
  describes: boolean;
  /** The id of the write key that sent it; undefined in jobs of earlier releases. */
  key?: string | undefined;
  defects: Defect[];
}

/** An unusable event of a known installation. It can be replayed. */
export interface QuarantinedEvent extends EventIdentity, Rejection, Kept {
  fate: 'quarantined';
  event: string;
  /** The product's version in the event; null if it has none. */
  version: string | null;
}

/** An event without an installation. It is counted by reason, with its property names. */
export interface UnidentifiedEvent extends UnidentifiedEnvelope {
  fate: 'unidentified';
}

export interface EmptyEvent {
  fate: 'empty';
  product: string;
  receivedAt: number;
}

/** Only the fate of the event is stored. */
export interface SuppressedEvent {
  fate: 'suppressed';
  product: string;
  receivedAt: number;
}

/** An event with which an installation requests its own erasure. Nothing else of it is stored. */
export interface DeletionRequest extends SuppressedEvent {
  installationId: string;
  /** See `EventEnvelope`. */
  formerIds?: readonly string[];
}

export interface BlockedEvent {
  fate: 'blocked';
  product: string;
  receivedAt: number;
}

/** The possible outcomes for an event of a known installation, also after a replay. */
export type ReplayedEvent = UnderstoodEvent | QuarantinedEvent | EmptyEvent | BlockedEvent;

export type NormalisedEvent = ReplayedEvent | UnidentifiedEvent | SuppressedEvent | DeletionRequest;
