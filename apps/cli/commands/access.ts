import type { Command } from 'commander';
import type {
  KnownToken,
  KnownWriteKey,
  MadeToken,
  MadeWriteKey,
  OneToken,
  OneWriteKey,
  TokenList,
  WriteKeyList,
} from '../admin-types.js';
import { parseLifetime, parseNonNegativeNumber, parsePositiveNumber } from '../arguments.js';
import type { WithDatabase, WithTools } from '../tools.js';
import { fields, table, type Column } from '../print.js';

const KEY_COLUMNS: Column<KnownWriteKey>[] = [
  ['ID', ({ id }) => id],
  ['PRODUCT', ({ product }) => product],
  ['NAME', ({ name }) => name],
  ['ENDS WITH', ({ hint }) => hint],
  ['CREATED', ({ createdAt }) => createdAt],
  ['EXPIRES', ({ expiresAt }) => expiresAt],
  ['REVOKED', ({ revokedAt }) => revokedAt],
];

const TOKEN_COLUMNS: Column<KnownToken>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['SCOPES', ({ scopes }) => scopes.join(' ')],
  ['CREATED', ({ createdAt }) => createdAt],
  ['EXPIRES', ({ expiresAt }) => expiresAt],
  ['REVOKED', ({ revokedAt }) => revokedAt],
];

/** Write keys and admin tokens. */
export function addAccess(
  program: Command,
  withTools: WithTools,
  withDatabase: WithDatabase,
): void {
  addKeys(program, withTools);
  addBootstrap(addTokens(program, withTools), withDatabase);
}

function addKeys(program: Command, withTools: WithTools): void {
  const keys = program
    .command('keys')
    .description('manage write keys, which agents use to send events');
  keys
    .command('create <product>')
    .description('create a write key; the key is shown only once')
    .option('--name <name>', 'purpose of the key')
    .action(
      withTools(async ({ admin, printer }, product: string, { name }: { name?: string }) => {
        const response = await admin.request<MadeWriteKey>('POST', '/v1/keys', {
          body: { product, name },
        });
        printer.print(response, () => secretLines(response.key, response.secret));
      }),
    );
  keys
    .command('list')
    .description('list write keys')
    .option('--product <product>', 'only keys of this product')
    .action(
      withTools(async ({ admin, printer }, { product }: { product?: string }) => {
        const response = await admin.request<WriteKeyList>('GET', '/v1/keys', {
          query: { product },
        });
        printer.print(response, () => table(response.keys, KEY_COLUMNS));
      }),
    );
  addKeyChanges(keys, withTools);
}

function addKeyChanges(keys: Command, withTools: WithTools): void {
  keys
    .command('rotate <id>')
    .description('create a key that replaces this one')
    .option('--overlap-hours <n>', 'how long the old key stays valid', parseNonNegativeNumber, 24)
    .action(
      withTools(async ({ admin, printer }, id: string, options: { overlapHours: number }) => {
        const path = `/v1/keys/${encodeURIComponent(id)}/rotate`;
        const response = await admin.request<MadeWriteKey>('POST', path, { body: options });
        printer.print(response, () => secretLines(response.key, response.secret));
      }),
    );
  keys
    .command('revoke <id>')
    .description('revoke a key; requests that use it are rejected within seconds')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const response = await admin.request<OneWriteKey>(
          'DELETE',
          `/v1/keys/${encodeURIComponent(id)}`,
        );
        printer.print(response, () => fields(response.key));
      }),
    );
}

function addTokens(program: Command, withTools: WithTools): Command {
  const tokens = program.command('tokens').description('manage admin tokens');
  tokens
    .command('create <name> [scope...]')
    .description('create a token, which is shown only once; without scopes, it gets all of yours')
    .option('--days <n>', 'days until it expires', parsePositiveNumber)
    .action(
      withTools(
        async ({ admin, printer }, name: string, named: string[], options: { days?: number }) => {
          const scopes = named.length > 0 ? named : undefined;
          const response = await admin.request<MadeToken>('POST', '/v1/tokens', {
            body: { name, scopes, ...options },
          });
          printer.print(response, () => secretLines(response.token, response.secret));
        },
      ),
    );
  tokens
    .command('list')
    .description('list admin tokens')
    .action(
      withTools(async ({ admin, printer }) => {
        const response = await admin.request<TokenList>('GET', '/v1/tokens');
        printer.print(response, () => table(response.tokens, TOKEN_COLUMNS));
      }),
    );
  tokens
    .command('revoke <name>')
    .description('revoke a token')
    .action(
      withTools(async ({ admin, printer }, name: string) => {
        const response = await admin.request<OneToken>(
          'DELETE',
          `/v1/tokens/${encodeURIComponent(name)}`,
        );
        printer.print(response, () => fields(response.token));
      }),
    );
  return tokens;
}

function addBootstrap(tokens: Command, withDatabase: WithDatabase): void {
  tokens
    .command('bootstrap <name> [scope...]')
    .description(
      'create a token in the database (DATABASE_URL, SUPPRESSION_KEY) and print it; without scopes, it gets all; an existing token of this name is revoked',
    )
    .option('--days <n>', 'days until it expires; by default it never does', parseLifetime)
    .action(
      withDatabase(
        async ({ out, env }, name: string, named: string[], { days }: { days?: number }) => {
          const { createToken } = await import('./create-token.js');
          out.write(`${await createToken({ name, named, days }, env)}\n`);
        },
      ),
    );
}

/** Shows a new key or token with its secret, which no later response contains. */
function secretLines(made: object, secret: string): string[] {
  return [...fields(made), '', secret, '', 'Store it now: it is shown only once.'];
}
