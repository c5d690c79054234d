import { Counter, Gauge, Registry } from 'prom-client';
import { type HttpServers, measureCertificate, measureClock } from '#platform';
import type { EnvelopeWriter, IngestCounts, PolicyFollower, StoreClock } from '#queue';

export interface Measured {
  counts: IngestCounts;
  writer: EnvelopeWriter;
  follower: PolicyFollower;
  clock: StoreClock;
  servers: HttpServers;
}

/**
 * What one ingest process counts, for Prometheus. Labels are from closed sets: products, error codes, patterns of
 * routes, dialects and reasons. Figures are read when they are asked for, so they cost requests nothing.
 */
export function ingestMetrics({ counts, writer, follower, clock, servers }: Measured): Registry {
  const registry = new Registry();
  measureAcknowledged(registry, counts);
  measureRefused(registry, counts);
  measureQueue(registry, writer);
  measurePolicy(registry, follower);
  measureClock(registry, clock);
  measureCertificate(registry, servers);
  return registry;
}

function measureAcknowledged(registry: Registry, counts: IngestCounts): void {
  new Counter({
    name: 'muster_acknowledged_events_total',
    help: 'Events that Redis has confirmed, by product.',
    labelNames: ['product'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [product, count] of counts.totals.acknowledged) this.inc({ product }, count);
    },
  });
}

const REFUSED = ['product', 'code', 'route', 'dialect'] as const;

function measureRefused(registry: Registry, counts: IngestCounts): void {
  const measure = (unit: 'requests' | 'events', help: string) =>
    new Counter({
      name: `muster_refused_${unit}_total`,
      help,
      labelNames: REFUSED,
      registers: [registry],
      collect() {
        this.reset();
        for (const { product, code, route, dialect, ...counted } of counts.totals.refused) {
          this.inc({ product, code, route, dialect }, counted[unit]);
        }
      },
    });
  measure(
    'requests',
    'Requests and connections rejected as a whole. product is empty without a valid key.',
  );
  measure('events', 'Events rejected individually, in requests that ingest could parse.');
}

function measureQueue(registry: Registry, writer: EnvelopeWriter): void {
  new Gauge({
    name: 'muster_queue_open',
    help: '1 while ingest accepts events, 0 while Redis cannot store them.',
    registers: [registry],
    collect() {
      this.set(writer.closed === null ? 1 : 0);
    },
  });
  new Gauge({
    name: 'muster_queue_closed',
    help: '1 for the reason why ingest accepts no events; no sample while it does.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      if (writer.closed) this.set({ reason: writer.closed.reason }, 1);
    },
  });
}

function measurePolicy(registry: Registry, follower: PolicyFollower): void {
  new Gauge({
    name: 'muster_policy_known',
    help: '1 if the policy can be read; if 0, unknown write keys get a 503 response.',
    registers: [registry],
    collect() {
      this.set(follower.state === 'unread' ? 0 : 1);
    },
  });
}
