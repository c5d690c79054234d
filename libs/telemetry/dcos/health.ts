import { memoize } from '../memo.js';
import { isIdentifying } from '../privacy/identifying.js';
import { safeKey } from '../privacy/keys.js';
import { maxAnonymous } from '../privacy/number-names.js';
import { asCount } from '../readings.js';
import type { ReportContent } from '../report.js';
import { healthSnapshot } from '../report.js';
import type { Defect, DefectReason, Properties, Understood } from '../vocabulary.js';

const PREFIX = 'health-unit-';
const TOTAL = '-total';
const UNHEALTHY = '-unhealthy';
const MAX_UNIT_LENGTH = 256; // systemd's limit for a unit's name

/** What systemd allows in a unit's name. */
const UNIT = /^[A-Za-z0-9:_.\\@-]+$/;

const UNIT_TYPES = new Set(
  'service socket device mount automount swap target path timer slice scope'.split(' '),
);

export interface UnitReading {
  unit: string;
  type: string;
  total: number;
  unhealthy: number;
}

/**
 * Reads a health event. For every systemd unit, `health-unit-<unit>-total` is the number of nodes it runs on, and
 * `-unhealthy` the number of nodes on which it is unhealthy. Agents replace the dots of a unit's name by dashes
 * (`dcos-signal.timer` is sent as `dcos-signal-timer`). That cannot be reversed, so the dashes stay; the type is the
 * last word.
 * Source: github.com/dcos/dcos-signal, the diagnostics report.
 */
export function readHealth(properties: Properties): Understood<ReportContent | null> {
  const { content, defects } = readUnits(properties);
  if (content.length === 0) return { content: null, defects };
  const snapshot = healthSnapshot({
    units: content.map(({ unit }) => unit),
    unitTypes: content.map(({ type }) => type),
    totals: content.map(({ total }) => total),
    unhealthy: content.map(({ unhealthy }) => unhealthy),
  });
  return { content: { snapshot }, defects };
}

/** Reads one reading per unit, sorted by name. An invalid reading does not affect the others. */
export function readUnits(properties: Properties): Understood<UnitReading[]> {
  const readings: UnitReading[] = [];
  const defects: Defect[] = [];
  for (const path of Object.keys(properties)) {
    const key = parseUnitKey(path);
    if (!key) continue;
    if (key.defect) defects.push({ path: safeKey(path), reason: key.defect });
    else if (!Object.hasOwn(properties, key.partner)) {
      defects.push({ path: safeKey(path), reason: 'without_partner' });
    } else if (key.isTotal) {
      const reading = readUnit(path, key, properties);
      if ('reason' in reading) defects.push(reading);
      else readings.push(reading);
    }
  }
  return { content: readings.sort((a, b) => (a.unit < b.unit ? -1 : 1)), defects };
}

function readUnit(path: string, key: UnitKey, properties: Properties): UnitReading | Defect {
  const total = asCount(properties[path]);
  if ('defect' in total) return { path: safeKey(path), reason: total.defect };
  if (total.value > maxAnonymous(path)) return { path: safeKey(path), reason: 'identifying' };
  const unhealthy = asCount(properties[key.partner]);
  if ('defect' in unhealthy) return { path: safeKey(key.partner), reason: unhealthy.defect };
  if (unhealthy.value > total.value) {
    return { path: safeKey(key.partner), reason: 'unhealthy_exceeds_total' };
  }
  return { unit: key.unit, type: key.type, total: total.value, unhealthy: unhealthy.value };
}

interface UnitKey {
  unit: string;
  /** The systemd type; empty if the last word is not a type. */
  type: string;
  isTotal: boolean;
  /** The key of the other half of the reading. */
  partner: string;
  defect: DefectReason | null;
}

/** Parses a key of a health event; null if it names no unit. */
export const parseUnitKey = memoize(2_000_000, splitUnitKey);

function splitUnitKey(key: string): UnitKey | null {
  const suffix = [TOTAL, UNHEALTHY].find((ending) => key.endsWith(ending));
  if (!key.startsWith(PREFIX) || suffix === undefined) return null;
  const unit = key.slice(PREFIX.length, -suffix.length);
  if (unit === '') return null;
  const isTotal = suffix === TOTAL;
  const lastWord = unit.slice(unit.lastIndexOf('-') + 1);
  return {
    unit,
    type: UNIT_TYPES.has(lastWord) ? lastWord : '',
    isTotal,
    partner: PREFIX + unit + (isTotal ? UNHEALTHY : TOTAL),
    defect: nameDefect(unit),
  };
}

function nameDefect(unit: string): DefectReason | null {
  if (unit.length > MAX_UNIT_LENGTH) return 'too_long';
  if (isIdentifying(unit)) return 'identifying';
  return UNIT.test(unit) ? null : 'malformed';
}
