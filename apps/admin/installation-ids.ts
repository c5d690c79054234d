import { formerIdsOf, installationIdOf } from '#telemetry';
import { AdminError } from './errors.js';

/** An installation by every id that its rows may have. */
export interface NamedInstallation {
  /** Under which it is stored. */
  installationId: string;
  /** Under which earlier releases may have stored it. */
  formerIds: readonly string[];
}

/** Understands the id that an installation shows itself, in whatever form. */
export class InstallationIds {
  constructor(private readonly identityKey: string) {}

  /** @throws AdminError if it is neither a GUID nor the name of a cloud resource */
  find(raw: string, path = 'installationId'): NamedInstallation {
    const installationId = installationIdOf(raw, this.identityKey);
    if (installationId !== null) {
      return { installationId, formerIds: formerIdsOf(raw, this.identityKey) };
    }
    const message = `${path} must be a GUID or the name of a cloud resource.`;
    throw new AdminError('invalid_request', message, path);
  }

  findAll(raw: readonly string[]): NamedInstallation[] {
    return raw.map((id, index) => this.find(id, `installationIds[${index}]`));
  }
}
