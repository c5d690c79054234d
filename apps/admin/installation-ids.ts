import { installationIdOf } from '#telemetry';
import { AdminError } from './errors.js';

/** Understands the id that an installation shows itself, in whatever form it is stored. */
export class InstallationIds {
  constructor(private readonly identityKey: string) {}

  /** @throws AdminError where it is neither a GUID nor the name of a cloud resource */
  stored(raw: string, path = 'installationId'): string {
    const id = installationIdOf(raw, this.identityKey);
    if (id !== null) return id;
    throw new AdminError('invalid_request', `${path} is no id of an installation.`, path);
  }

  storedAll(raw: readonly string[]): string[] {
    return raw.map((id, index) => this.stored(id, `installationIds[${index}]`));
  }
}
