import type { Command } from 'commander';
import { numberFromZero, positiveNumber } from '../arguments.js';
import type { WithTools } from '../run-command.js';
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

/** Who may send events, and who may administer. */
export function addAccess(program: Command, withTools: WithTools): void {
  addKeys(program, withTools);
  addTokens(program, withTools);
}

function addKeys(program: Command, withTools: WithTools): void {
  const keys = program.command('keys').description('write keys, with which agents send events');
  keys
    .command('create <product>')
    .description('make a key; it is shown this once')
    .option('--name <name>', 'what it is for')
    .action(
      withTools(async ({ admin, printer }, product: string, { name }: { name?: string }) => {
        const answer = await admin.ask<Secret>('POST', '/v1/keys', { body: { product, name } });
        printer.answer(answer, () => tellSecret(answer));
      }),
    );
  keys
    .command('list')
    .option('--product <product>', 'only those of this product')
    .action(
      withTools(async ({ admin, printer }, { product }: { product?: string }) => {
        const answer = await admin.ask<{ keys: Key[] }>('GET', '/v1/keys', { query: { product } });
        printer.answer(answer, () => table(answer.keys, KEY_COLUMNS));
      }),
    );
  keys
    .command('rotate <id>')
    .description('make a key that takes the place of this one')
    .option('--overlap-hours <n>', 'how long the old one still works', numberFromZero, 24)
    .action(
      withTools(async ({ admin, printer }, id: string, options: { overlapHours: number }) => {
        const path = `/v1/keys/${encodeURIComponent(id)}/rotate`;
        const answer = await admin.ask<Secret>('POST', path, { body: options });
        printer.answer(answer, () => tellSecret(answer));
      }),
    );
  keys
    .command('revoke <id>')
    .description('end a key; agents that use it are refused within seconds')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const answer = await admin.ask<{ key: object }>(
          'DELETE',
          `/v1/keys/${encodeURIComponent(id)}`,
        );
        printer.answer(answer, () => fields(answer.key));
      }),
    );
}

function addTokens(program: Command, withTools: WithTools): void {
  const tokens = program.command('tokens').description('tokens of administrators');
  tokens
    .command('create <name> [scope...]')
    .description('make a token; it is shown this once. Without a scope it has all of yours')
    .option('--days <n>', 'after how many days it expires', positiveNumber)
    .action(
      withTools(
        async ({ admin, printer }, name: string, named: string[], options: { days?: number }) => {
          const scopes = named.length > 0 ? named : undefined;
          const answer = await admin.ask<Secret>('POST', '/v1/tokens', {
            body: { name, scopes, ...options },
          });
          printer.answer(answer, () => tellSecret(answer));
        },
      ),
    );
  tokens.command('list').action(
    withTools(async ({ admin, printer }) => {
      const answer = await admin.ask<{ tokens: Token[] }>('GET', '/v1/tokens');
      printer.answer(answer, () => table(answer.tokens, TOKEN_COLUMNS));
    }),
  );
  tokens
    .command('revoke <name>')
    .description('end a token')
    .action(
      withTools(async ({ admin, printer }, name: string) => {
        const answer = await admin.ask<{ token: object }>(
          'DELETE',
          `/v1/tokens/${encodeURIComponent(name)}`,
        );
        printer.answer(answer, () => fields(answer.token));
      }),
    );
}

/** What was made, with what is shown this once. */
interface Secret {
  key?: Key;
  token?: Token;
  secret: string;
}

function tellSecret({ key, token, secret }: Secret): string[] {
  return [...fields(key ?? token ?? {}), '', secret, '', 'It is shown this once: keep it.'];
}
