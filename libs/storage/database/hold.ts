import type pg from 'pg';
import { limitOf, sessionOf, type Session } from './session.js';
import type { Path } from './transaction.js';
import { restoringStatements, statementsOf, type SessionSettings } from './session-settings.js';

export interface HoldOptions {
  /** For as long as the connection is held. Behind a pooler they hold in transactions only. */
  settings?: SessionSettings;
  signal?: AbortSignal | undefined;
  path?: Path;
  /** Under which the process follows its progress. */
  name?: string;
}

/** Does work on one connection, with other settings meanwhile. */
export async function holdSession<T>(
  client: pg.ClientBase,
  work: (client: pg.ClientBase) => Promise<T>,
  options: HoldOptions & {
    cancel: (session: Session) => Promise<void>;
    onStatement: (() => void) | undefined;
  },
): Promise<T> {
  const { settings = {}, signal, cancel } = options;
  const session = sessionOf(client);
  if (!session) throw new Error('The connection is not one of a Database.');
  const { limitMs, settings: usual } = session;
  const isChanged = Object.keys(settings).length > 0;
  const onAbort = () => void cancel(session).catch(() => undefined); // then the statement ends by itself
  session.limitMs = limitOf(settings) ?? limitMs;
  session.settings = { ...usual, ...settings };
  session.onStatement = options.onStatement;
  signal?.addEventListener('abort', onAbort);
  try {
    if (isChanged && !session.isPooled) await client.query(statementsOf('SET', settings));
    const result = await work(client);
    if (isChanged && !session.isPooled) await client.query(restoringStatements(settings, usual));
    return result;
  } catch (error) {
    session.isBroken = true; // it may be in the middle of something
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    session.onStatement = undefined;
    session.limitMs = limitMs;
    session.settings = usual;
  }
}
