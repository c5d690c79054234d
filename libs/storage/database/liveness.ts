import type { Session } from './session.js';

const TICK_MS = 1000;
/** A statement that has taken so long is looked up on the server. */
const SUSPECT_MS = 10_000;
const LOOK_UP_EVERY_MS = 4000;
/** While the server cannot be asked, a statement that has taken so long is given up. */
const UNKNOWN_MS = 30_000;

/** Which of these the server is working for, by process or by name. */
export type LookUp = (sessions: readonly Session[]) => Promise<ReadonlySet<Session>>;

/**
 * Gives up connections whose other end vanished without closing them. A statement may rightly take an hour,
 * so its age proves nothing: the server is asked, over another connection, whether it still works on it.
 */
export class Liveness {
  readonly #sessions = new Set<Session>();
  readonly #timer: NodeJS.Timeout;
  /** Statements that the server did not know the last time, by when they began. */
  #unknown = new Map<Session, number>();
  #lookedUpAt = 0;
  #isLookingUp = false;
  /** When a connection was last found to be dead; those that have not answered since may be as well. */
  lostAt = 0;

  constructor(private readonly lookUp: LookUp) {
    this.#timer = setInterval(() => this.#tick(performance.now()), TICK_MS).unref();
  }

  add(session: Session): void {
    this.#sessions.add(session);
  }

  remove(session: Session): void {
    this.#sessions.delete(session);
    this.#unknown.delete(session);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(now: number): void {
    for (const session of this.#sessions) if (session.isOverdue(now)) this.#giveUp(session);
    if (this.#isLookingUp || now < this.#lookedUpAt + LOOK_UP_EVERY_MS) return;
    const suspects = this.#olderThan(SUSPECT_MS, now);
    if (suspects.length === 0) return;
    this.#isLookingUp = true;
    this.#lookedUpAt = now;
    void this.#judge(suspects).finally(() => (this.#isLookingUp = false));
  }

  /** An answer may be on its way, so a statement must be unknown twice. */
  async #judge(suspects: readonly Session[]): Promise<void> {
    try {
      const known = await this.lookUp(suspects);
      const before = this.#unknown;
      this.#unknown = new Map();
      for (const session of suspects) {
        const { busySince } = session;
        if (busySince === null || known.has(session)) continue;
        if (before.get(session) === busySince) this.#giveUp(session);
        else this.#unknown.set(session, busySince);
      }
    } catch {
      for (const session of this.#olderThan(UNKNOWN_MS, performance.now())) this.#giveUp(session);
    }
  }

  #giveUp(session: Session): void {
    this.lostAt = performance.now();
    session.destroy();
  }

  #olderThan(ageMs: number, now: number): Session[] {
    return [...this.#sessions].filter(
      ({ busySince, route }) => route !== null && busySince !== null && now > busySince + ageMs,
    );
  }
}
