import type { KeyObject } from 'node:crypto';
import { checkChain, type Chain } from './chain.js';
import {
  BEGINNING,
  hashOfLine,
  keysById,
  writeLines,
  type LedgerPlace,
  type LedgerRecord,
} from './entry.js';
import type { LedgerFile } from './ledger-file.js';
import { planRepair, type Repair } from './repair.js';

interface ListEnd {
  length: number;
  lastLine: string;
}

/** The copy that orders all who append: a list in Redis. */
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
  /** Public keys that have signed before it. */
  formerKeys?: readonly KeyObject[];
  /** Told whenever the copies were not the same. */
  onRepair?: (repair: Repair) => void;
}

/** How both copies end. */
interface End extends ListEnd {
  place: LedgerPlace;
}

/** How often others may append first. */
const ATTEMPTS = 20;

/**
 * Remembers erasures outside the database: a chain of signed entries that only grows, in Redis and in a
 * file. Redis orders those who append; each process brings its file in line with Redis, or Redis with it.
 */
export class ErasureLedger {
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** Null before the copies were compared in full. */
  #end: End | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: LedgerOptions) {
    this.keys = keysById([options.key, ...(options.formerKeys ?? [])]);
  }

  /**
   * Makes both copies the same. Cheap where nothing has changed; the first call reads both in full.
   * @returns the place of the last entry
   * @throws where one of them cannot be read or written
   */
  async synchronise(): Promise<LedgerPlace> {
    return this.#alone(() => this.#synchronise());
  }

  /**
   * Appends entries; resolves when both copies have them.
   * @returns their places
   */
  async append(records: readonly LedgerRecord[]): Promise<LedgerPlace[]> {
    if (records.length === 0) return [];
    return this.#alone(() => this.#append(records));
  }

  /** The entries after a place, as they are in Redis. */
  async read(after: LedgerPlace = BEGINNING): Promise<Chain> {
    const lines = await this.options.list.read(after.sequence);
    return checkChain(lines, { keys: this.keys, after, signatures: 'last' });
  }

  /** How Redis' copy ends, for what can be done while the other one is not writable. */
  async headInRedis(): Promise<LedgerPlace> {
    const { length, lastLine } = await this.options.list.end();
    return length === 0 ? BEGINNING : { sequence: length, hash: hashOfLine(lastLine) };
  }

  /** Has the next call compare the copies in full. */
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
    throw new Error('The ledger could not be read: others changed it all the time.');
  }

  /** Takes over what others have appended since. @returns null where a copy does not continue `known` */
  async #follow(known: End, end: ListEnd): Promise<LedgerPlace | null> {
    const { list, file } = this.options;
    const inFile = file ? await file.added() : [];
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

  /** Compares both copies in full. @returns null where others have changed the list meanwhile */
  async #repair(end: ListEnd): Promise<LedgerPlace | null> {
    const { list, file, onRepair } = this.options;
    const inRedis = await list.read();
    const inFile = file ? await file.read() : inRedis;
    const repair = planRepair(inRedis, inFile, this);
    const { lines, redis } = repair;
    if (!isSameEnd(end, { length: inRedis.length, lastLine: inRedis.at(-1) ?? '' })) {
      return null;
    }
    if (!(await this.#repairList(end, repair))) return null;
    if (file && repair.file.action === 'add') await file.append(lines.slice(repair.file.kept));
    if (file && repair.file.action === 'replace') await file.replace(lines);
    const { head } = checkChain(lines, { keys: this.keys, signatures: 'last' });
    this.#end = { length: lines.length, lastLine: lines.at(-1) ?? '', place: head };
    if (redis.action !== 'keep' || (file && repair.file.action !== 'keep')) onRepair?.(repair);
    if (repair.again.length > 0) await this.#append(repair.again);
    return this.#end.place;
  }

  async #repairList(end: ListEnd, { lines, redis }: Repair): Promise<boolean> {
    const { list } = this.options;
    if (redis.action === 'add') return list.append(end, lines.slice(redis.kept));
    if (redis.action === 'replace') return list.replace(end, lines);
    return true;
  }

  async #append(records: readonly LedgerRecord[]): Promise<LedgerPlace[]> {
    const { list, file, key } = this.options;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const after = await this.#synchronise();
      const end = this.#end;
      if (!end) break;
      const added = writeLines(records, { after, at: new Date(), key });
      const lines = added.map(({ line }) => line);
      if (!(await list.append(end, lines))) continue;
      await file?.append(lines);
      const place = added.at(-1)?.place ?? after;
      this.#end = { length: place.sequence, lastLine: lines.at(-1) ?? '', place };
      return added.map((it) => it.place);
    }
    throw new Error('The ledger could not be appended to: others were always first.');
  }

  /** One thing at a time: within a process nothing else moves the end meanwhile. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

function isSameEnd(one: ListEnd, other: ListEnd): boolean {
  return one.length === other.length && one.lastLine === other.lastLine;
}
