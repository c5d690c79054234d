/** Creates an administrator's token and prints it: `npm run admin-token -- NAME [SCOPE ...]`. */
import { parseArgs } from 'node:util';
import { runProcess, StartupError, tokenSettings } from '#platform';
import { adminScopes, AdminStore, Database, tokenNameProblem, type AdminScope } from '#storage';

const USAGE = `npm run admin-token -- NAME [SCOPE ...] [--days N]

Creates a token of that name and prints it. An existing token of the same name, in any case, is revoked.
Without a scope the token has all of them: ${adminScopes.join(', ')}.
--days  days until the token expires; without it, the token never expires
`;

runProcess(
  async () => {
    const { positionals, values } = readArguments();
    if (values.help) process.stdout.write(USAGE);
    else process.stdout.write(`${await createToken(positionals, values.days)}\n`);
    return { stop: () => Promise.resolve() };
  },
  { name: 'admin-token' },
);

async function createToken([name, ...named]: string[], days: string | undefined): Promise<string> {
  const scopes = named.length === 0 ? adminScopes : adminScopes.filter((it) => named.includes(it));
  const isWrong = named.some((scope) => !adminScopes.includes(scope as AdminScope));
  if (name === undefined || isWrong || !isLife(days)) throw new StartupError(USAGE);
  const problem = tokenNameProblem(name);
  if (problem !== null) throw new StartupError(`The ${problem}.`);
  const lifeMs = days === undefined ? undefined : Number(days) * 86_400_000;
  const { databaseUrl, suppressionKey } = tokenSettings();
  const database = new Database({ databaseUrl, name: 'muster-admin-token', connections: 2 });
  const store = new AdminStore({ database, suppressionKey });
  try {
    return await store.createToken(name, scopes, { actor: 'admin-token', lifeMs });
  } finally {
    await database.close();
  }
}

/** @throws StartupError with the usage */
function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { days: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (cause) {
    throw new StartupError(USAGE, { cause });
  }
}

/** More than nothing, and at most 100 years, which Postgres can add to a date. */
function isLife(days: string | undefined): boolean {
  if (days === undefined) return true;
  return /^\d{1,5}(\.\d+)?$/.test(days) && Number(days) > 0 && Number(days) <= 36_500;
}
