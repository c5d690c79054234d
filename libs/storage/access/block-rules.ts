import { randomUUID } from 'node:crypto';
import type { BlockRule } from '#telemetry';
import { nameOf, type Actor } from '../database/audit-log.js';
import { queryRecords, selectList } from '../database/records.js';
import type { PolicyChanges } from './changes.js';

/** A block as administrators see it. */
export interface Block extends BlockRule {
  id: string;
  note: string | null;
  createdAt: string;
  createdBy: string;
}

const BLOCK = selectList<Block>({
  id: 'block_id',
  product: 'product',
  event: 'event',
  version: 'version',
  note: 'note',
  createdAt: 'created_at',
  createdBy: 'created_by',
});

/** Which events are dropped at the door. */
export class BlockRules {
  constructor(private readonly changes: PolicyChanges) {}

  /** @returns the block, new or as it was there before */
  async create(
    rule: BlockRule & { note: string | null },
    actor: Actor,
  ): Promise<{ block: Block; isNew: boolean }> {
    const { product, event, version, note } = rule;
    return this.changes.make<{ block: Block; isNew: boolean }>(actor, async (tx) => {
      const [same] = await queryRecords<Block>(
        tx,
        `SELECT ${BLOCK} FROM block_rule
          WHERE product = $1 AND event IS NOT DISTINCT FROM $2 AND version IS NOT DISTINCT FROM $3`,
        [product, event, version],
      );
      if (same) return { result: { block: same, isNew: false }, act: null };
      const [block] = (await queryRecords<Block>(
        tx,
        `INSERT INTO block_rule VALUES ($1, $2, $3, $4, $5, now(), $6) RETURNING ${BLOCK}`,
        [randomUUID(), product, event, version, note, nameOf(actor)],
      )) as [Block];
      const detail = { blockId: block.id, product, event, version };
      return { result: { block, isNew: true }, act: { act: 'block.create', detail } };
    });
  }

  /** Newest first. */
  async list(): Promise<Block[]> {
    return queryRecords<Block>(
      this.changes.database,
      `SELECT ${BLOCK} FROM block_rule ORDER BY created_at DESC, block_id`,
    );
  }

  /** @returns what it was; null where there is no such block */
  async remove(blockId: string, actor: Actor): Promise<Block | null> {
    return this.changes.make(actor, async (tx) => {
      const [block] = await queryRecords<Block>(
        tx,
        `DELETE FROM block_rule WHERE block_id = $1 RETURNING ${BLOCK}`,
        [blockId],
      );
      if (!block) return { result: null, act: null };
      const { product, event, version } = block;
      const detail = { blockId, product, event, version };
      return { result: block, act: { act: 'block.remove', detail } };
    });
  }
}
