import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * The health event printed in the telemetry document of DC/OS 1.7. The path is relative to the
 * repository root.
 */
const DOCUMENT = 'test/fixtures/documents/flat-ping-1.7.json';

/** Most reports of a fleet equal the previous one. One in this many has new content. */
const CHANGES_ONE_IN = 100;

type Properties = Record<string, string | number>;

/** The health events of a fleet: 3 KB each, with 29 units, equal except for one in a hundred. */
export class HealthEvents {
  readonly product = 'dcos';
  readonly event = 'health';
  readonly installations: readonly string[];
  readonly #shared: Properties;
  readonly #sharedJson: string;
  readonly #units: string[];
  #made = 0;

  constructor(installations: number) {
    this.installations = Array.from({ length: installations }, () => randomUUID());
    const { clusterId: _, ...shared } = JSON.parse(readFileSync(DOCUMENT, 'utf8')) as Properties;
    this.#shared = shared;
    this.#sharedJson = JSON.stringify(shared);
    this.#units = Object.keys(shared).flatMap((key) => /^(.*)-total$/.exec(key)?.[1] ?? []);
  }

  /** The properties of an installation's next report. */
  properties(installationId: string): Properties {
    return {
      clusterId: `${installationId}\n`,
      ...(this.#isChanged() ? this.#change() : this.#shared),
    };
  }

  /** The next event of a random installation as a request body, with the current time. */
  json(): string {
    const installationId = this.installations[randomInt(this.installations.length)] ?? '';
    const rest = this.#isChanged() ? JSON.stringify(this.#change()) : this.#sharedJson;
    // Concatenated, because JSON.stringify would cost more than sending.
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

  /** Changed numbers for one unit, which hardly any other report has. */
  #change(): Properties {
    const unit = this.#units[randomInt(this.#units.length)] ?? '';
    const total = randomInt(4, 10_000);
    return { ...this.#shared, [`${unit}-total`]: total, [`${unit}-unhealthy`]: randomInt(total) };
  }
}
