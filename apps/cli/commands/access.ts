import type { Command } from 'commander';
import { parseNonNegativeNumber, parsePositiveNumber } from '../arguments.js';
import type { WithTools } from '../tools.js';
import { fields, table, type Column } from '../print.js';

interface Key {
  id: string;
  product: string;
  name: string | null;
  hint: string;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

const KEY_COLUMNS: Column<Key>[] = [
  ['ID', ({ id }) => id],
  ['PRODUCT', ({ product }) => product],
  ['NAME', ({ name }) => name],
  ['ENDS WITH', ({ hint }) => hint],
  ['CREATED', ({ createdAt }) => createdAt],
  ['EXPIRES', ({ expiresAt }) => expiresAt],
  ['REVOKED', ({ revokedAt }) => revokedAt],
];

interface Token {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

const TOKEN_COLUMNS: Column<Token>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['SCOPES', ({ scopes }) => scopes.join(' ')],
  ['CREATED', ({ createdAt }) => createdAt],
  ['EXPIRES', ({ expiresAt }) => expiresAt],
  ['REVOKED', ({ revokedAt }) => revokedAt],
];

/** Write keys and admin tokens. */
export function addAccess(program: Command, withTools: WithTools): void {
  addKeys(program, withTools);
  addTokens(program, withTools);
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
        const response = await admin.request<CreatedSecret>('POST', '/v1/keys', {
          body: { product, name },
        });
        printer.print(response, () => secretLines(response));
      }),
    );
  keys
    .command('list')
    .description('list write keys')
    .option('--product <product>', 'only keys of this product')
    .action(
      withTools(async ({ admin, printer }, { product }: { product?: string }) => {
        const response = await admin.request<{ keys: Key[] }>('GET', '/v1/keys', {
          query: { product },
        });
        printer.print(response, () => table(response.keys, KEY_COLUMNS));
      }),
    );
  keys
    .command('rotate <id>')
    .description('create a key that replaces this one')
    .option('--overlap-hours <n>', 'how long the old key stays valid', parseNonNegativeNumber, 24)
    .action(
      withTools(async ({ admin, printer }, id: string, options: { overlapHours: number }) => {
        const path = `/v1/keys/${encodeURIComponent(id)}/rotate`;
        const response = await admin.request<CreatedSecret>('POST', path, { body: options });
        printer.print(response, () => secretLines(response));
      }),
    );
  keys
    .command('revoke <id>')
    .description('revoke a key; requests that use it are rejected within seconds')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const response = await admin.request<{ key: object }>(
          'DELETE',
          `/v1/keys/${encodeURIComponent(id)}`,
        );
        printer.print(response, () => fields(response.key));
      }),
    );
}

function addTokens(program: Command, withTools: WithTools): void {
  const tokens = program.command('tokens').description('manage admin tokens');
  tokens
    .command('create <name> [scope...]')
    .description('create a token, which is shown only once; without scopes, it gets all of yours')
    .option('--days <n>', 'days until it expires', parsePositiveNumber)
    .action(
      withTools(
        async ({ admin, printer }, name: string, named: string[], options: { days?: number }) => {
          const scopes = named.length > 0 ? named : undefined;
          const response = await admin.request<CreatedSecret>('POST', '/v1/tokens', {
            body: { name, scopes, ...options },
          });
          printer.print(response, () => secretLines(response));
        },
      ),
    );
  tokens
    .command('list')
    .description('list admin tokens')
    .action(
      withTools(async ({ admin, printer }) => {
        const response = await admin.request<{ tokens: Token[] }>('GET', '/v1/tokens');
        printer.print(response, () => table(response.tokens, TOKEN_COLUMNS));
      }),
    );
  tokens
    .command('revoke <name>')
    .description('revoke a token')
    .action(
      withTools(async ({ admin, printer }, name: string) => {
        const response = await admin.request<{ token: object }>(
          'DELETE',
          `/v1/tokens/${encodeURIComponent(name)}`,
        );
        printer.print(response, () => fields(response.token));
      }),
    );
}

/** The response to creating a key or token. It contains the secret, which is shown only once. */
interface CreatedSecret {
  key?: Key;
  token?: Token;
  secret: string;
}

function secretLines({ key, token, secret }: CreatedSecret): string[] {
  return [...fields(key ?? token ?? {}), '', secret, '', 'Store it now: it is shown only once.'];
}
