import { InvalidArgumentError, type Command } from 'commander';
import { Failure } from '../outcome.js';
import type { WithTools } from '../run-command.js';
import { fields, table, type Column } from '../print.js';

interface Product {
  product: string;
  limits: {
    eventsPerMinutePerKey: number | null;
    eventsPerMinutePerInstallation: number | null;
  };
  selfErasure: boolean;
  retentionDays: number | null;
}

const PRODUCT_COLUMNS: Column<Product>[] = [
  ['PRODUCT', ({ product }) => product],
  ['EVENTS/MIN A KEY', ({ limits }) => limits.eventsPerMinutePerKey ?? 'unlimited'],
  ['AN INSTALLATION', ({ limits }) => limits.eventsPerMinutePerInstallation ?? 'unlimited'],
  ['SELF-ERASURE', ({ selfErasure }) => (selfErasure ? 'on' : 'off')],
  ['KEPT (DAYS)', ({ retentionDays }) => retentionDays ?? 'as usual'],
];

interface Block {
  id: string;
  product: string;
  event: string | null;
  version: string | null;
  note: string | null;
  createdAt: string;
}

const BLOCK_COLUMNS: Column<Block>[] = [
  ['ID', ({ id }) => id],
  ['PRODUCT', ({ product }) => product],
  ['EVENT', ({ event }) => event ?? 'any'],
  ['VERSION', ({ version }) => version ?? 'any'],
  ['NOTE', ({ note }) => note],
  ['CREATED', ({ createdAt }) => createdAt],
];

interface ProductOptions {
  keyLimit?: number | null;
  installationLimit?: number | null;
  selfErasure?: boolean;
  retentionDays?: number | null;
}

/** What holds for a product: limits, self-erasure, retention, and what of it is blocked. */
export function addProducts(program: Command, withTools: WithTools): void {
  const products = program.command('products').description('what holds for each product');
  products.command('list').action(
    withTools(async ({ admin, printer }) => {
      const answer = await admin.ask<{ products: Product[] }>('GET', '/v1/products');
      printer.answer(answer, () => table(answer.products, PRODUCT_COLUMNS));
    }),
  );
  products
    .command('set <product>')
    .description('change what holds for a product; what is not named stays')
    .option('--key-limit <n>', 'events a minute with one key, or none', numberOr('none'))
    .option('--installation-limit <n>', 'events a minute of one, or none', numberOr('none'))
    .option('--self-erasure <on|off>', 'whether installations may ask for their erasure', onOrOff)
    .option('--retention-days <n>', 'how long its reports are kept, or usual', numberOr('usual'))
    .action(
      withTools(async ({ admin, printer }, product: string, options: ProductOptions) => {
        const body = changesOf(options);
        if (Object.keys(body).length === 0) throw new Failure('What to change? See --help.');
        const path = `/v1/products/${encodeURIComponent(product)}`;
        const answer = await admin.ask<{ product: object }>('PATCH', path, { body });
        printer.answer(answer, () => fields(answer.product));
      }),
    );
  addBlocks(program, withTools);
}

function addBlocks(program: Command, withTools: WithTools): void {
  const blocks = program.command('blocks').description('events that are dropped at the door');
  blocks
    .command('create <product>')
    .description('drop a kind of event, a version, or a version of a kind; agents hear success')
    .option('--event <event>', 'the kind of event')
    .option('--version <version>', "the product's version")
    .option('--note <note>', 'why')
    .action(
      withTools(async ({ admin, printer }, product: string, options: object) => {
        const answer = await admin.ask<{ block: object }>('POST', '/v1/blocks', {
          body: { product, ...options },
        });
        printer.answer(answer, () => fields(answer.block));
      }),
    );
  blocks.command('list').action(
    withTools(async ({ admin, printer }) => {
      const answer = await admin.ask<{ blocks: Block[] }>('GET', '/v1/blocks');
      printer.answer(answer, () => table(answer.blocks, BLOCK_COLUMNS));
    }),
  );
  blocks
    .command('remove <id>')
    .description('take such events again')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const answer = await admin.ask<{ block: object }>(
          'DELETE',
          `/v1/blocks/${encodeURIComponent(id)}`,
        );
        printer.answer(answer, () => fields(answer.block));
      }),
    );
}

function changesOf(options: ProductOptions): object {
  const { keyLimit, installationLimit, selfErasure, retentionDays } = options;
  const limits = {
    ...(keyLimit !== undefined && { eventsPerMinutePerKey: keyLimit }),
    ...(installationLimit !== undefined && { eventsPerMinutePerInstallation: installationLimit }),
  };
  return {
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(selfErasure !== undefined && { selfErasure }),
    ...(retentionDays !== undefined && { retentionDays }),
  };
}

/** A whole number, or the word that takes one away. */
function numberOr(word: string): (text: string) => number | null {
  return (text) => {
    if (text === word) return null;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number or ${word}.`);
  };
}

function onOrOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new InvalidArgumentError('It must be on or off.');
}
