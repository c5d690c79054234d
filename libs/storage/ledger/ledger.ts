import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyObject } from 'node:crypto';
import { checkChain, type Chain } from './chain.js';
import {
  BEGINNING,
  hashOfLine,
  keysById,
  writeLines,
  type LedgerLine,
  type LedgerPlace,
  type LedgerRecord,
} from './entry.js';
import { UnknownLedgerKey, type LedgerFile } from './ledger-file.js';
import { planRepair, type Repair } from './repair.js';

interface ListEnd {
  length: number;
  lastLine: string;
}

/** The list in Redis. Appending to it is atomic, which orders concurrent writers. */
export interface OrderedCopy {
  end(): Promise<ListEnd>;
  read(from?: number): Promise<string[]>;
  append(end: ListEnd, lines: readonly string[]): Promise<boolean>;
  replace(end: ListEnd, lines: readonly string[]): Promise<boolean>;
}

export interface LedgerOptions {
  list: OrderedCopy;
  /** A second copy, which outlives the loss of Redis. */
  file: LedgerFile | null;
  /** Signs what is appended. */
  key: KeyObject;
  /** Public keys that signed earlier entries. */
  formerKeys?: readonly KeyObject[];
  /** The stores' time (see StoreClock), in milliseconds since 1970. */
  clock: { now(): number };
  /** Called after differing copies were repaired. */
  onRepair?: (repair: Repair) => void;
}

/** The end of both copies. */
interface End extends ListEnd {
  place: LedgerPlace;
}

/** Attempts while other processes append first. */
const ATTEMPTS = 20;
/** The longest pause after the first failed attempt; it grows with each, so that all processes get their turn. */
const PAUSE_MS = 10;

/**
 * Records erasures outside the database, as an append-only chain of signed entries in Redis and in a file. Redis orders
 * concurrent writers; each process keeps its file and Redis in sync.
 */
export class ErasureLedger {
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** Null until the copies have been compared in full. */
  #end: End | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: LedgerOptions) {
    this.keys = keysById([options.key, ...(options.formerKeys ?? [])]);
  }

  /**
   * Makes both copies equal. Cheap if nothing has changed; the first call reads both in full.
   * @returns the place of the last entry
   * @throws LedgerNotWritable if the file cannot be used; UnknownLedgerKey
   */
  async synchronise(): Promise<LedgerPlace> {
    return this.#inTurn(() => this.#synchronise());
  }

  /**
   * Appends entries to both copies.
   * @returns their places
   */
  async append(records: readonly LedgerRecord[]): Promise<LedgerPlace[]> {
    if (records.length === 0) return [];
    return this.#inTurn(() => this.#append(records));
  }

  /** The entries after a place, as they are in Redis. */
  async read(after: LedgerPlace = BEGINNING): Promise<Chain> {
    const lines = await this.options.list.read(after.sequence);
    return checkChain(lines, { keys: this.keys, after, signatures: 'last' });
  }

  /** The place of the last entry in Redis, for work that is possible while the file is not writable. */
  async headInRedis(): Promise<LedgerPlace> {
    const { length, lastLine } = await this.options.list.end();
    return length === 0 ? BEGINNING : { sequence: length, hash: hashOfLine(lastLine) };
  }

  /** Makes the next call compare the copies in full. */
  distrust(): void {
    this.#end = null;
  }

  async #synchronise(): Promise<LedgerPlace> {
    const { list, file } = this.options;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      await file?.checkWritable();
      const end = await list.end();
      const known = this.#end;
      const place = (known && (await this.#follow(known, end))) ?? (await this.#repair(end));
      if (place) return place;
    }
    throw new Error('The ledger could not be read: other processes kept changing it.');
  }

  /** Copies entries that others have appended since. @returns null if a copy does not continue `known` */
  async #follow(known: End, end: ListEnd): Promise<LedgerPlace | null> {
    const { list, file } = this.options;
    const inFile = file ? await file.readAdded() : [];
    if (!inFile || end.length < known.length) return null;
    const overlap = Math.min(known.length, 1);
    const inRedis = isSameEnd(end, known) ? [] : await list.read(known.length - overlap);
    if (inRedis.length > 0 && overlap > 0 && inRedis.shift() !== known.lastLine) return null;
    if (inRedis.length === 0 && !isSameEnd(end, known)) return null;
    const check = { keys: this.keys, after: known.place, signatures: 'last' } as const;
    const { fault, head: place } = checkChain(inRedis, check);
    const isForeign = (line: string) => line !== known.lastLine && !inRedis.includes(line);
    if (fault || inFile.some(isForeign)) return null;
    await file?.append(inRedis.filter((line) => !inFile.includes(line)));
    this.#end = { length: place.sequence, lastLine: inRedis.at(-1) ?? known.lastLine, place };
    return place;
  }

  /**
   * Compares both copies in full. The list gets all entries in one step before the file changes, so a repair that
   * fails halfway loses nothing. @returns null if another process has changed the list meanwhile
   */
  async #repair(end: ListEnd): Promise<LedgerPlace | null> {
    const { list, file, onRepair } = this.options;
    const inRedis = await list.read();
    const inFile = file ? await file.read() : inRedis;
    const repair = planRepair(inRedis, inFile, this);
    if (!isSameEnd(end, endOf(inRedis))) return null;
    if (repair.unknownKey) {
      const { reason, sequence } = repair.unknownKey;
      throw new UnknownLedgerKey(`ledger ${reason} at ${sequence}`);
    }
    const { head } = checkChain(repair.lines, { keys: this.keys, signatures: 'last' });
    const again = this.#sign(repair.again, head);
    const lines = [...repair.lines, ...again.map(({ line }) => line)];
    const isDone =
      repair.redis.action === 'replace'
        ? await list.replace(end, lines)
        : await list.append(end, lines.slice(repair.redis.kept));
    if (!isDone) return null;
    if (repair.file.action === 'replace') await file?.replace(lines);
    else await file?.append(lines.slice(repair.file.kept));
    this.#end = { ...endOf(lines), place: again.at(-1)?.place ?? head };
    if (repair.redis.action !== 'keep' || (file && repair.file.action !== 'keep'))
      onRepair?.(repair);
    return this.#end.place;
  }

  async #append(records: readonly LedgerRecord[]): Promise<LedgerPlace[]> {
    const { list, file } = this.options;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const after = await this.#synchronise();
      const end = this.#end;
      if (!end) break;
      const added = this.#sign(records, after);
      const lines = added.map(({ line }) => line);
      if (!(await list.append(end, lines))) {
        await sleep(Math.random() * attempt * PAUSE_MS);
        continue;
      }
      await file?.append(lines);
      const place = added.at(-1)?.place ?? after;
      this.#end = { length: place.sequence, lastLine: lines.at(-1) ?? '', place };
      return added.map((it) => it.place);
    }
    throw new Error('The ledger could not be appended to: other processes were always first.');
  }

  #sign(records: readonly LedgerRecord[], after: LedgerPlace): LedgerLine[] {
    const { key, clock } = this.options;
    return writeLines(records, { after, at: new Date(clock.now()), key });
  }

  /** Runs one task at a time, so that no other task of this process moves the end. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

function endOf(lines: readonly string[]): ListEnd {
  return { length: lines.length, lastLine: lines.at(-1) ?? '' };
}

function isSameEnd(one: ListEnd, other: ListEnd): boolean {
  return one.length === other.length && one.lastLine === other.lastLine;
}
