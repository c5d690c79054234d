import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { StartupError } from '#platform';
import { allowTraversal } from './owner-only.js';

const run = promisify(execFile);

/** The user that Postgres runs as, and the command that switches to it. */
export interface PostgresUser {
  /** Undefined for the current user. */
  ids?: Ids;
  /** The command that runs the program as that user; empty if spawn does. */
  wrapper: string[];
}

interface Ids {
  uid: number;
  gid: number;
}

/**
 * Postgres refuses to run as root, so root runs it as the user postgres, which is created if missing. If that user
 * cannot enter the folders (a clone in /root or in a private temporary folder), it gets the capability to bypass
 * file permissions.
 *
 * @param folders the folders that the programs must be able to enter
 * @param own the folder of Muster among these; the user's group gets the right to traverse it
 * @throws StartupError if that is not possible, or if the current user id has no name
 */
export async function ensurePostgresUser(
  folders: readonly string[],
  own?: string,
): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) {
    requireNamedUser();
    return { wrapper: [] };
  }
  const ids = (await findPostgresIds()) ?? (await createPostgresUser());
  if (own !== undefined) await allowTraversal(own, ids);
  for (const wrapper of [[], bypassPermissions(ids)]) {
    const user = { ids, wrapper };
    if (await canEnter(user, folders)) return user;
  }
  throw new StartupError(
    `When started by root, Postgres runs as the user postgres, who cannot enter ${folders.join(' or ')}; ` +
      'start Muster as a regular user, move it to a folder that all users can enter, or set DATABASE_URL.',
  );
}

/** The arguments of `spawn` that run a program as this user. */
export function runAs({ ids, wrapper }: PostgresUser, program: string, programArgs: string[]) {
  const [command = program, ...args] = [...wrapper, program, ...programArgs];
  return { command, args, ...(wrapper.length === 0 ? ids : undefined) };
}

/** Postgres looks up its user by id; container platforms run programs under ids without a name. */
function requireNamedUser(): void {
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

async function findPostgresIds(): Promise<Ids | undefined> {
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

async function createPostgresUser(): Promise<Ids> {
  const nologin = '/usr/sbin/nologin';
  await run('useradd', ['--system', '--user-group', '--no-create-home', '-s', nologin, 'postgres'])
    .catch(() => run('adduser', ['-S', '-D', '-H', '-s', nologin, 'postgres']))
    .catch(() => undefined);
  const ids = await findPostgresIds();
  if (ids) return ids;
  throw new StartupError(
    'When started by root, Postgres needs a user named postgres, which could not be created; add one, start Muster as a regular user, or set DATABASE_URL.',
  );
}

/**
 * Keeps CAP_DAC_OVERRIDE across the change of user. The secure bit is for access(2), which Postgres calls on its own
 * programs, and which otherwise ignores the capabilities of users other than root.
 */
function bypassPermissions({ uid, gid }: Ids): string[] {
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
