import { describe, expect, test } from 'vitest';
import type { EventEnvelope, ReceivedEnvelope } from './envelope.js';
import { normalise, normaliseKept } from './normalise.js';
import { type BlockRule, decisionsOf, noPolicy } from './policy.js';
import { compileProducts } from './products/index.js';

const products = compileProducts();
const ID = '70b28f00-e38f-41b2-a723-aab344f535b9';

function envelope(more: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    ...{ receivedAt: 0, product: 'dcos', installationId: ID, event: 'health', properties: {} },
    ...more,
  };
}

const isBlocked = (rule: Partial<BlockRule>, it: ReceivedEnvelope) => {
  const blocks = [{ product: 'dcos', event: null, version: null, ...rule }];
  return decisionsOf({ ...noPolicy, blocks }, products).isBlocked(it);
};

describe('a block', () => {
  test('by name drops the events of that name, only of its product', () => {
    expect(isBlocked({ event: 'health' }, envelope())).toBe(true);
    expect(isBlocked({ event: 'health' }, envelope({ event: 'health2' }))).toBe(false);
    expect(isBlocked({ event: 'health' }, envelope({ event: 'Health' }))).toBe(false);
    expect(isBlocked({ event: 'health' }, envelope({ product: 'octopus' }))).toBe(false);
  });

  test.each<[string, Partial<EventEnvelope>]>([
    ['of the envelope', { version: '1.13.3' }],
    ['that DC/OS agents give', { properties: { environmentVersion: '1.13.3' } }],
    ['in the properties', { product: 'octopus', properties: { version: '1.13.3' } }],
    ['of a product that is not declared', { product: 'acme', version: '1.13.3' }],
  ])('of a version knows the one %s', (_, more) => {
    const it = envelope(more);
    const { product } = it;
    expect(isBlocked({ product, version: '1.13.3' }, it)).toBe(true);
    expect(isBlocked({ product, version: '1.13' }, it)).toBe(false);
  });

  test('of a name and a version drops what has both', () => {
    const rule = { event: 'health', version: '1.13.3' };
    expect(isBlocked(rule, envelope({ version: '1.13.3' }))).toBe(true);
    expect(isBlocked(rule, envelope({ version: '1.13.4' }))).toBe(false);
    expect(isBlocked(rule, envelope({ version: '1.13.3', event: 'page' }))).toBe(false);
    expect(isBlocked(rule, envelope())).toBe(false);
  });

  test('leaves alone what is no event', () => {
    const rejection = { reason: 'installation_id_missing', path: '' } as const;
    const receipt = { receivedAt: 0, product: 'dcos' };
    expect(isBlocked({ event: '' }, { ...receipt, empty: true })).toBe(false);
    expect(isBlocked({ event: '' }, { ...receipt, rejection, keys: [] })).toBe(false);
  });

  test.each([
    ['dcos', 'opted_out'],
    ['dcos', 'opted_in'],
    ['resoto', 'usage-metrics.turned-off'],
  ])('never drops the consent that an installation of %s declares with %s', (product, event) => {
    const it = envelope({ product, event, version: '1.13.3' });
    expect(isBlocked({ product, version: '1.13.3' }, it)).toBe(false);
    expect(isBlocked({ product, event }, it)).toBe(false);
    const { id: _, ...kept } = it;
    const blocks = [{ product, event: null, version: '1.13.3' }];
    const decisions = decisionsOf({ ...noPolicy, blocks }, products);
    const replayed = normaliseKept(kept, '1', { products, retentionMs: 1, decisions });
    expect(replayed).toMatchObject({ fate: 'stored', consent: expect.any(String) });
  });

  test('gives the event the fate blocked, even if ingest has replaced it by a marker', () => {
    const blocks = [{ product: 'dcos', event: 'health', version: null }];
    const decisions = decisionsOf({ ...noPolicy, blocks }, products);
    const options = { products, retentionMs: 1, decisions };
    const blocked = { fate: 'blocked', product: 'dcos', receivedAt: 0 };
    expect(normalise(envelope(), options)).toEqual(blocked);
    const mark = { receivedAt: 0, product: 'dcos', blocked: true } as const;
    expect(normalise(mark, { products, retentionMs: 1 })).toEqual(blocked);
  });
});

describe('a deletion request', () => {
  const limits = { eventsPerMinutePerKey: null, eventsPerMinutePerInstallation: null };
  const fateWhere = (selfErasure: boolean) =>
    normalise(envelope({ event: 'deletion_request', properties: { why: 'x' } }), {
      ...{ products, retentionMs: 1 },
      decisions: decisionsOf(
        { ...noPolicy, products: [{ product: 'dcos', limits, selfErasure }] },
        products,
      ),
    });

  test('is nothing but its installation, where the product allows it', () => {
    const request = { fate: 'suppressed', product: 'dcos', receivedAt: 0, installationId: ID };
    expect(fateWhere(true)).toEqual(request);
  });

  test.each([true, false])(
    'is dropped by a block unless the product allows it: %s',
    (selfErasure) => {
      const it = envelope({ event: 'deletion_request', version: '1.13.3' });
      const policy = {
        ...noPolicy,
        products: [{ product: 'dcos', limits, selfErasure }],
        blocks: [{ product: 'dcos', event: null, version: '1.13.3' }],
      };
      expect(decisionsOf(policy, products).isBlocked(it)).toBe(!selfErasure);
    },
  );

  test('is an event as any other where it does not', () => {
    expect(fateWhere(false)).toMatchObject({ fate: 'quarantined', reason: 'unknown_event' });
  });
});
