/** Makes an administrator's token and prints it, once: `npm run admin-token -- NAME [SCOPE ...]`. */
import { parseArgs } from 'node:util';
import { runProcess, StartupError, tokenSettings } from '#platform';
import { adminScopes, AdminStore, Database, type AdminScope } from '#storage';

const USAGE = `npm run admin-token -- NAME [SCOPE ...] [--days N]

Prints a new token of that name; an older one of the same name ends. Without a scope it has all:
${adminScopes.join(', ')}.
--days  after how many days it expires; never when not given
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
  const lifeMs = days === undefined ? undefined : Number(days) * 86_400_000;
  const { databaseUrl, suppressionKey } = tokenSettings();
  const database = new Database({ databaseUrl, name: 'muster-admin-token', connections: 2 });
  const store = new AdminStore({ database, suppressionKey });
  try {
    return await store.createToken(name, scopes, { lifeMs });
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

/** Up to a hundred years; longer ones are no dates. */
function isLife(days: string | undefined): boolean {
  return days === undefined || (/^\d{1,5}(\.\d+)?$/.test(days) && Number(days) <= 36_500);
}
