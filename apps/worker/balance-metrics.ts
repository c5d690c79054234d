import { Gauge, type Registry } from 'prom-client';
import type { IngestBalance } from '#storage';

/** Registers the metric of lost events. */
export function measureBalance(registry: Registry, balance: IngestBalance): void {
  new Gauge({
    name: 'muster_lost_events',
    help: 'Acknowledged events of the last 7 days that are neither stored nor queued, by product.',
    labelNames: ['product'],
    registers: [registry],
    async collect() {
      const lost = await balance.lostByProduct().catch(() => null); // while the database is unavailable
      if (lost === null) return;
      this.reset();
      for (const { product, lost: count } of lost) this.set({ product }, count);
    },
  });
}
