import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The health event that the telemetry document of DC/OS 1.7 prints, seen from the root. */
const DOCUMENT = 'test/fixtures/documents/flat-ping-1.7.json';

/** In a fleet most reports say what the one before said; one in so many says something new. */
const CHANGES_ONE_IN = 100;

type Properties = Record<string, string | number>;

/** The health events of a fleet: 3 KB each, of 29 units, alike but for one in a hundred. */
export class HealthEvents {
  readonly product = 'dcos';
  readonly event = 'health';
  readonly installations: readonly string[];
  readonly #usual: Properties;
  readonly #usualJson: string;
  readonly #units: string[];
  #made = 0;

  constructor(installations: number) {
    this.installations = Array.from({ length: installations }, () => randomUUID());
    const { clusterId: _, ...usual } = JSON.parse(readFileSync(DOCUMENT, 'utf8')) as Properties;
    this.#usual = usual;
    this.#usualJson = JSON.stringify(usual);
    this.#units = Object.keys(usual).flatMap((key) => /^(.*)-total$/.exec(key)?.[1] ?? []);
  }

  /** What the next report of an installation says. */
  properties(installationId: string): Properties {
    return {
      clusterId: `${installationId}\n`,
      ...(this.#isChanged() ? this.#change() : this.#usual),
    };
  }

  /** The next event, of any installation, as the body of a request. It happens now. */
  json(): string {
    const installationId = this.installations[randomInt(this.installations.length)] ?? '';
    const rest = this.#isChanged() ? JSON.stringify(this.#change()) : this.#usualJson;
    // Put together from parts, because JSON.stringify would cost more than sending it does.
    return (
      `{"id":"${randomUUID()}","installationId":"${installationId}","product":"${this.product}",` +
      `"event":"${this.event}","occurredAt":"${new Date().toISOString()}",` +
      `"properties":{"clusterId":"${installationId}\\n",${rest.slice(1)}}`
    );
  }

  #isChanged(): boolean {
    this.#made += 1;
    return this.#made % CHANGES_ONE_IN === 0;
  }

  /** Other numbers for one unit, which hardly any other report has. */
  #change(): Properties {
    const unit = this.#units[randomInt(this.#units.length)] ?? '';
    const total = randomInt(4, 10_000);
    return { ...this.#usual, [`${unit}-total`]: total, [`${unit}-unhealthy`]: randomInt(total) };
  }
}
