import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { StartupError } from '#platform';
import { letPass } from './owner-only.js';

const run = promisify(execFile);

/** Whom the programs of Postgres run as, and through which command to get there, if any. */
export interface PostgresUser {
  /** Undefined when they run as whoever we are. */
  ids?: Ids;
  through: string[];
}

interface Ids {
  uid: number;
  gid: number;
}

/**
 * Postgres refuses to run as root, so that root runs it as the user postgres, made if missing.
 * Where that user can't enter our folders (a clone in /root or in a private temporary folder), it
 * is given the right to pass by permissions, which root has and may hand on.
 *
 * @param folders what the programs must be able to enter
 * @param own one of these that is ours alone: only the group of that user may pass through it
 * @throws StartupError when there is no way, and for a user id without a name
 */
export async function postgresUser(
  folders: readonly string[],
  own?: string,
): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) {
    refuseNamelessUser();
    return { through: [] };
  }
  const ids = (await idsOfPostgres()) ?? (await makePostgresUser());
  if (own !== undefined) await letPass(own, ids);
  for (const through of [[], passingPermissions(ids)]) {
    const user = { ids, through };
    if (await canEnter(user, folders)) return user;
  }
  throw new StartupError(
    `Started by root, Postgres runs as the user postgres, who cannot enter ${folders.join(' or ')}; ` +
      'start Muster as an ordinary user, move it to a folder open to all, or set DATABASE_URL.',
  );
}

/** What to give to `spawn` for a program that is to run as that user. */
export function runAs({ ids, through }: PostgresUser, program: string, programArgs: string[]) {
  const [command = program, ...args] = [...through, program, ...programArgs];
  return { command, args, ...(through.length === 0 ? ids : undefined) };
}

/** Postgres looks its user up by id; container platforms run programs under ids that have no name. */
function refuseNamelessUser(): void {
  try {
    userInfo();
  } catch (cause) {
    throw new StartupError(
      `The embedded Postgres needs a user with a name, and user id ${process.getuid?.()} has none; ` +
        'add a line for it to /etc/passwd (or use nss_wrapper), or set DATABASE_URL to a Postgres that runs elsewhere.',
      { cause },
    );
  }
}

async function idsOfPostgres(): Promise<Ids | undefined> {
  try {
    const [user, group] = await Promise.all([
      run('id', ['-u', 'postgres']),
      run('id', ['-g', 'postgres']),
    ]);
    return { uid: Number(user.stdout), gid: Number(group.stdout) };
  } catch {
    return undefined;
  }
}

async function makePostgresUser(): Promise<Ids> {
  const nologin = '/usr/sbin/nologin';
  await run('useradd', ['--system', '--user-group', '--no-create-home', '-s', nologin, 'postgres'])
    .catch(() => run('adduser', ['-S', '-D', '-H', '-s', nologin, 'postgres']))
    .catch(() => undefined);
  const ids = await idsOfPostgres();
  if (ids) return ids;
  throw new StartupError(
    'Started by root, Postgres needs a user named postgres, which could not be made; add one, start Muster as an ordinary user, or set DATABASE_URL.',
  );
}

/**
 * CAP_DAC_OVERRIDE, kept across the change of user. The secure bit is for access(2), which Postgres
 * asks about its own programs and which otherwise forgets the capabilities of all but root.
 */
function passingPermissions({ uid, gid }: Ids): string[] {
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--securebits=+no_setuid_fixup',
  ];
}

async function canEnter(user: PostgresUser, folders: readonly string[]): Promise<boolean> {
  const enter = ['-c', 'for folder; do cd "$folder" || exit 1; done', 'sh', ...folders];
  const { command, args, ...ids } = runAs(user, 'sh', enter);
  const entering = run(command, args, { ...ids, cwd: '/' });
  return entering.then(
    () => true,
    () => false,
  );
}
