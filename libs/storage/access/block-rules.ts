import { randomUUID } from 'node:crypto';
import type { BlockRule } from '#telemetry';
import { nameOf, type Actor } from '../database/audit-log.js';
import type { PolicyChanges } from './changes.js';

/** A block as administrators see it. */
export interface Block extends BlockRule {
  id: string;
  note: string | null;
  createdAt: string;
  createdBy: string;
}

interface Row extends BlockRule {
  block_id: string;
  note: string | null;
  created_at: Date;
  created_by: string;
}

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
      const { rows: same } = await tx.query<Row>(
        `SELECT * FROM block_rule
          WHERE product = $1 AND event IS NOT DISTINCT FROM $2 AND version IS NOT DISTINCT FROM $3`,
        [product, event, version],
      );
      if (same[0]) return { result: { block: toBlock(same[0]), isNew: false }, act: null };
      const { rows } = await tx.query<Row>(
        `INSERT INTO block_rule VALUES ($1, $2, $3, $4, $5, now(), $6) RETURNING *`,
        [randomUUID(), product, event, version, note, nameOf(actor)],
      );
      const block = toBlock(rows[0] as Row);
      const detail = { blockId: block.id, product, event, version };
      return { result: { block, isNew: true }, act: { act: 'block.create', detail } };
    });
  }

  /** Newest first. */
  async list(): Promise<Block[]> {
    const { rows } = await this.changes.database.query<Row>(
      'SELECT * FROM block_rule ORDER BY created_at DESC, block_id',
    );
    return rows.map(toBlock);
  }

  /** @returns what it was; null where there is no such block */
  async remove(blockId: string, actor: Actor): Promise<Block | null> {
    return this.changes.make(actor, async (tx) => {
      const { rows } = await tx.query<Row>(
        'DELETE FROM block_rule WHERE block_id = $1 RETURNING *',
        [blockId],
      );
      if (!rows[0]) return { result: null, act: null };
      const block = toBlock(rows[0]);
      const { product, event, version } = block;
      const detail = { blockId, product, event, version };
      return { result: block, act: { act: 'block.remove', detail } };
    });
  }
}

function toBlock({
  block_id: id,
  created_at: createdAt,
  created_by: createdBy,
  ...rest
}: Row): Block {
  const { product, event, version, note } = rest;
  return { id, product, event, version, note, createdAt: createdAt.toISOString(), createdBy };
}
