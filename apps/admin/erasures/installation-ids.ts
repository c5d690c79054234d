import { formerIdsOf, installationIdOf } from '#telemetry';
import { AdminError } from '../http/errors.js';

/** An installation, with every id that its rows may have. */
export interface NamedInstallation {
  /** The id under which it is stored. */
  installationId: string;
  /** Ids under which earlier releases may have stored it. */
  formerIds: readonly string[];
}

/** Converts the id that an installation displays, in any form, to its stored id. */
export class InstallationIds {
  constructor(private readonly identityKey: string) {}

  /** @throws AdminError if `raw` is neither a GUID nor a cloud resource name */
  find(raw: string, path = 'installationId'): NamedInstallation {
    const installationId = installationIdOf(raw, this.identityKey);
    if (installationId !== null) {
      return { installationId, formerIds: formerIdsOf(raw, this.identityKey) };
    }
    const message = `${path} must be a GUID or a cloud resource name.`;
    throw new AdminError('invalid_request', message, path);
  }

  findAll(raw: readonly string[]): NamedInstallation[] {
    return raw.map((id, index) => this.find(id, `installationIds[${index}]`));
  }
}
