/** Why one reading of an event was left out. The rest of the event is stored. */
export const defectReasons = [
  'not_a_number',
  'negative',
  'fractional',
  'out_of_range',
  'without_partner',
  'unhealthy_exceeds_total',
  'not_text',
  'malformed',
  'too_long',
  'too_many',
  'not_a_list',
  'not_an_object',
  'not_a_package_name',
  'not_a_timestamp',
  'not_a_flag',
  'not_a_sha1_digest',
  'identifying',
  'too_many_defects',
  'too_many_dropped',
] as const;
export type DefectReason = (typeof defectReasons)[number];

/** A reading that was left out: where it stood and why, never what it said. */
export interface Defect {
  path: string;
  reason: DefectReason;
  /** How many readings, or characters of a text that is too long, were left out; 1 when not given. */
  leftOut?: number;
}

/** Why an event as a whole was kept aside. */
export const quarantineReasons = [
  'installation_id_missing',
  'installation_id_invalid',
  'installation_id_placeholder',
  'installation_id_of_visitor',
  'not_an_event',
  'event_too_large',
  'event_too_deep',
  'unknown_event',
  'nothing_usable',
  'normaliser_failed',
  'refused_by_store',
] as const;
export type QuarantineReason = (typeof quarantineReasons)[number];

/** Why an event as a whole cannot be understood, and where to look. */
export interface Rejection {
  reason: QuarantineReason;
  path: string;
}

/** Every accepted event ends as exactly one of these. */
export const fates = [
  'stored',
  'duplicate',
  'quarantined',
  'suppressed',
  'empty',
  'blocked',
  'opted_out',
] as const;
export type Fate = (typeof fates)[number];

export type Properties = Readonly<Record<string, unknown>>;

/** What a normaliser made of an event's properties: its content, and what had to be left out. */
export interface Understood<T> {
  content: T;
  defects: Defect[];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
