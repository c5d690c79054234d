import { Gauge, type Registry } from 'prom-client';

/** Registers the metric of the clock's offset. */
export function measureClock(registry: Registry, clock: { readonly offsetMs: number }): void {
  new Gauge({
    name: 'muster_clock_offset_seconds',
    help: "How far this machine's clock is ahead of Redis' clock.",
    registers: [registry],
    collect() {
      this.set(clock.offsetMs / 1000);
    },
  });
}
