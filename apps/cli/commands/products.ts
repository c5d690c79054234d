import { InvalidArgumentError, type Command } from 'commander';
import type {
  BlockList,
  KnownBlock,
  ListedProduct,
  OneBlock,
  OneProduct,
  ProductBody,
  ProductList,
} from '../admin-types.js';
import { Failure } from '../outcome.js';
import type { WithTools } from '../tools.js';
import { fields, table, type Column } from '../print.js';

const PRODUCT_COLUMNS: Column<ListedProduct>[] = [
  ['PRODUCT', ({ product }) => product],
  ['EVENTS/MIN PER KEY', ({ limits }) => limits.eventsPerMinutePerKey ?? 'unlimited'],
  ['PER INSTALLATION', ({ limits }) => limits.eventsPerMinutePerInstallation ?? 'unlimited'],
  ['SELF-ERASURE', ({ selfErasure }) => (selfErasure ? 'on' : 'off')],
  ['RETENTION (DAYS)', ({ retentionDays }) => retentionDays ?? 'default'],
];

const BLOCK_COLUMNS: Column<KnownBlock>[] = [
  ['ID', ({ id }) => id],
  ['PRODUCT', ({ product }) => product],
  ['EVENT', ({ event }) => event ?? 'any'],
  ['VERSION', ({ version }) => version ?? 'any'],
  ['NOTE', ({ note }) => note],
  ['CREATED', ({ createdAt }) => createdAt],
];

/** A number, or the word that removes the setting. */
type NumberOr<W extends string> = number | W;

interface ProductOptions {
  keyLimit?: NumberOr<'none'>;
  installationLimit?: NumberOr<'none'>;
  selfErasure?: boolean;
  retentionDays?: NumberOr<'usual'>;
}

/** Settings of a product (limits, self-erasure, retention), and its blocks. */
export function addProducts(program: Command, withTools: WithTools): void {
  const products = program
    .command('products')
    .description('list and change the settings of products');
  products
    .command('list')
    .description('list products and their settings')
    .action(
      withTools(async ({ admin, printer }) => {
        const response = await admin.request<ProductList>('GET', '/v1/products');
        printer.print(response, () => table(response.products, PRODUCT_COLUMNS));
      }),
    );
  addSet(products, withTools);
  addBlocks(program, withTools);
}

function addSet(products: Command, withTools: WithTools): void {
  products
    .command('set <product>')
    .description('change settings of a product; other settings keep their values')
    .option('--key-limit <n>', 'events per minute per write key, or none', parseNumberOr('none'))
    .option(
      '--installation-limit <n>',
      'events per minute per installation, or none',
      parseNumberOr('none'),
    )
    .option(
      '--self-erasure <on|off>',
      'whether installations may request their own erasure',
      parseOnOff,
    )
    .option(
      '--retention-days <n>',
      'days to keep its reports, or usual (RETENTION_DAYS)',
      parseNumberOr('usual'),
    )
    .action(
      withTools(async ({ admin, printer }, product: string, options: ProductOptions) => {
        const body = changesOf(options);
        if (Object.keys(body).length === 0)
          throw new Failure('Nothing to change. Pass at least one option; see --help.');
        const path = `/v1/products/${encodeURIComponent(product)}`;
        const response = await admin.request<OneProduct>('PATCH', path, { body });
        printer.print(response, () => fields(response.product));
      }),
    );
}

function addBlocks(program: Command, withTools: WithTools): void {
  const blocks = program.command('blocks').description('manage rules that drop events at ingest');
  blocks
    .command('create <product>')
    .description(
      'drop events by name, product version, or both; agents still get a success response',
    )
    .option('--event <event>', 'event name')
    .option('--version <version>', 'product version')
    .option('--note <note>', 'reason for the block')
    .action(
      withTools(async ({ admin, printer }, product: string, options: object) => {
        const response = await admin.request<OneBlock>('POST', '/v1/blocks', {
          body: { product, ...options },
        });
        printer.print(response, () => fields(response.block));
      }),
    );
  blocks
    .command('list')
    .description('list blocks')
    .action(
      withTools(async ({ admin, printer }) => {
        const response = await admin.request<BlockList>('GET', '/v1/blocks');
        printer.print(response, () => table(response.blocks, BLOCK_COLUMNS));
      }),
    );
  blocks
    .command('remove <id>')
    .description('remove a block; its events are accepted again')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const response = await admin.request<OneBlock>(
          'DELETE',
          `/v1/blocks/${encodeURIComponent(id)}`,
        );
        printer.print(response, () => fields(response.block));
      }),
    );
}

function changesOf(options: ProductOptions): ProductBody {
  const { keyLimit, installationLimit, selfErasure, retentionDays } = options;
  const limits = {
    ...(keyLimit !== undefined && { eventsPerMinutePerKey: numberOf(keyLimit) }),
    ...(installationLimit !== undefined && {
      eventsPerMinutePerInstallation: numberOf(installationLimit),
    }),
  };
  return {
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(selfErasure !== undefined && { selfErasure }),
    ...(retentionDays !== undefined && { retentionDays: numberOf(retentionDays) }),
  };
}

function numberOf(given: number | string): number | null {
  return typeof given === 'number' ? given : null;
}

function parseNumberOr<W extends string>(word: W): (text: string) => NumberOr<W> {
  return (text) => {
    if (text === word) return word;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number or ${word}.`);
  };
}

function parseOnOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new InvalidArgumentError('It must be on or off.');
}
