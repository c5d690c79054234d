/** Why a reading of an event was dropped. The rest of the event is stored. */
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

/** A dropped reading: its path and the reason, never its value. */
export interface Defect {
  path: string;
  reason: DefectReason;
  /** The number of dropped readings, or of dropped characters of a text that is too long. Default: 1. */
  leftOut?: number;
}

/** Why an event was quarantined. */
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

/** Why an event cannot be used, and the path of the cause. */
export interface Rejection {
  reason: QuarantineReason;
  path: string;
}

/**
 * Every accepted event has exactly one of these fates; what each means. Tallies, replay counts and types derive from it.
 * A new one needs columns of its name in a migration and a line in the glossary: tests compare.
 */
export const FATES = {
  stored: 'Its rows are in the views.',
  duplicate: 'Another copy of it counts.',
  quarantined: 'It cannot be used; it is kept with a reason, and can be replayed after a fix.',
  suppressed: 'Its installation is erased or suppressed, or asks to be.',
  empty: 'A request without an event.',
  blocked: 'An administrator blocked it.',
  opted_out: 'It happened while its installation was opted out.',
} as const;
export type Fate = keyof typeof FATES;
export const fates = Object.keys(FATES) as readonly Fate[];

export type Properties = Readonly<Record<string, unknown>>;

/** The result of reading properties: the content, and the defects of what was dropped. */
export interface Understood<T> {
  content: T;
  defects: Defect[];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
