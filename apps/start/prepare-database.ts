import { StartupError, type StartSettings } from '#platform';
import { APPLICATION_ROLE, isApplication, migrate, UnsuitableDatabase } from '#storage';
import { cadencesOf, catalogueOf, type ProductDeclaration } from '#telemetry';
import { isReachable } from './check-connections.js';
import { urlAs } from './endpoints.js';
import type { Secrets } from './secrets.js';

export interface DatabaseOptions {
  settings: Pick<
    StartSettings,
    | 'databaseUrl'
    | 'analystPassword'
    | 'appPassword'
    | 'privacyAnalystPassword'
    | 'privacyMinInstallations'
  >;
  secrets: Pick<Secrets, 'analystPassword' | 'appPassword'>;
  /** URL for the owner: of the settings, or of the embedded Postgres. */
  databaseUrl: string;
  declarations: readonly ProductDeclaration[];
  say: (line: string) => void;
}

/**
 * Migrates the database and sets up its roles. A role of an external server that can already log in keeps its
 * password unless the settings contain one.
 *
 * @returns the URLs of Muster's processes and of analysts
 * @throws StartupError if an unreleased version of Muster created the database
 */
export async function prepareDatabase({
  settings,
  secrets,
  databaseUrl,
  declarations,
  say,
}: DatabaseOptions): Promise<{ appUrl: string; analystUrl: string }> {
  const analystPassword = settings.analystPassword ?? secrets.analystPassword;
  const appPassword = settings.appPassword ?? secrets.appPassword;
  // Another Muster on an external server may have created the roles.
  const isExternal = settings.databaseUrl !== undefined;
  const { hasApplicationRole } = await migrate({
    ...{ databaseUrl, analystPassword, appPassword, log: say },
    keepsAnalystPassword: isExternal && settings.analystPassword === undefined,
    keepsAppPassword: isExternal && settings.appPassword === undefined,
    privacyAnalystPassword: settings.privacyAnalystPassword,
    privacyMinInstallations: settings.privacyMinInstallations,
    ...{ catalogue: catalogueOf(declarations), cadences: cadencesOf(declarations) },
  }).catch((cause: unknown) => {
    if (!(cause instanceof UnsuitableDatabase)) throw cause;
    throw new StartupError(cause.message, { cause });
  });
  const appUrl = hasApplicationRole
    ? await applicationUrl(databaseUrl, appPassword, say)
    : databaseUrl;
  return { appUrl, analystUrl: await findAnalystUrl(databaseUrl, analystPassword, say) };
}

type Say = DatabaseOptions['say'];

/** The database URL of Muster's processes. They use a role that cannot change the audit log. */
async function applicationUrl(databaseUrl: string, password: string, say: Say): Promise<string> {
  const url = urlAs(databaseUrl, APPLICATION_ROLE, password);
  if (await isApplication(url)) return url;
  say(
    `The role ${APPLICATION_ROLE} has a different password, so workers and the admin API connect as the user of DATABASE_URL. Set APP_PASSWORD to the role's password.`,
  );
  return databaseUrl;
}

/** The database URL of analysts, without a password if the role does not accept it. */
async function findAnalystUrl(databaseUrl: string, password: string, say: Say): Promise<string> {
  const url = urlAs(databaseUrl, 'analyst', password);
  if (await isReachable(url)) return url;
  say(
    "The role analyst has a different password, so its URL is printed without one. Set ANALYST_PASSWORD to the role's password.",
  );
  return urlAs(databaseUrl, 'analyst', '');
}
