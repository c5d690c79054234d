import { expect, test } from 'vitest';
import { createLogger, NestLogger } from './logging.js';

test('a line is JSON with an ISO time and a level by name', () => {
  const { logger, lines } = loggerInMemory();
  logger.info({ port: 1 }, 'ready');
  expect(lines[0]).toMatchObject({ level: 'info', name: 'test', port: 1, msg: 'ready' });
  expect(lines[0]!.time).toBe(new Date(lines[0]!.time).toISOString());
});

test('only type, message, code and stack of an error are logged', () => {
  const { logger, lines } = loggerInMemory();
  logger.error({ err: errorWith({ code: '23505', detail: 'Key (id)=(SECRET)', where: 'SECRET' }) });
  logger.error(
    errorWith({ command: { name: 'set', args: ['SECRET'] }, previousErrors: ['SECRET'] }),
  );
  expect(lines[0]!.err).toEqual({
    type: 'Error',
    message: 'it broke',
    code: '23505',
    stack: expect.stringContaining('logging.test.ts'),
  });
  expect(lines[0]!.msg).toBe('it broke');
  expect(Object.keys(lines[1]!.err)).toEqual(['type', 'message', 'stack']);
  expect(JSON.stringify(lines)).not.toContain('SECRET');
});

test('error messages that quote data are replaced wherever they would be logged', () => {
  const { logger, lines } = loggerInMemory();
  const refused = errorWith({ code: '22P02' }, 'invalid input syntax for type uuid: "SECRET"');
  const syntax = syntaxErrorOf('{"SECRET": tru}');
  expect(syntax.message).toContain('SECRET');
  logger.error(refused);
  logger.error({ err: syntax });
  logger.error({ err: new Error('could not store', { cause: refused }) }, 'job failed');
  const nest = new NestLogger(logger);
  nest.error(syntax);
  nest.error('request failed', syntax.stack, 'Ingest');
  expect(lines.map((line) => line.msg)).toEqual([
    'the database refused a value (SQLSTATE 22P02)',
    'not valid JSON',
    'job failed',
    'not valid JSON',
    'request failed',
  ]);
  expect(lines[2]!.err.cause).toMatchObject({ code: '22P02', message: lines[0]!.msg });
  expect(JSON.stringify(lines)).not.toContain('SECRET');
});

test('an error is logged under its name, or under that of its class', () => {
  const { logger, lines } = loggerInMemory();
  class DatabaseError extends Error {}
  const named = errorWith({ name: 'QueueUnavailable' });
  for (const error of [named, Object.assign(new DatabaseError(), { name: 'error' })]) {
    logger.error({ err: error }, 'failed');
  }
  expect(lines.map(({ err }) => err.type)).toEqual(['QueueUnavailable', 'DatabaseError']);
});

test('a failed connection to several addresses is logged with each address', () => {
  const { logger, lines } = loggerInMemory();
  logger.error(new AggregateError([new Error('connect ECONNREFUSED ::1:1')], ''));
  expect(lines[0]!.msg).toBe('connect ECONNREFUSED ::1:1');
});

test('lines of Nest keep their level and context', () => {
  const { logger, lines } = loggerInMemory();
  const nest = new NestLogger(logger);
  nest.log('started', 'NestApplication');
  nest.warn('careful', 'Router');
  nest.error('broken', 'Error: broken\n    at place (file.ts:1:1)', 'Handler');
  expect(lines).toMatchObject([
    { level: 'info', context: 'NestApplication', msg: 'started' },
    { level: 'warn', context: 'Router', msg: 'careful' },
    { level: 'error', context: 'Handler', msg: 'broken', stack: '    at place (file.ts:1:1)' },
  ]);
});

interface Line {
  level: string;
  time: string;
  msg: string;
  err: { type: string; cause?: object };
}

function loggerInMemory() {
  const lines: Line[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };
  return { logger: createLogger({ name: 'test', level: 'trace' }, destination), lines };
}

function errorWith(extras: object, message = 'it broke'): Error {
  return Object.assign(new Error(message), extras);
}

function syntaxErrorOf(json: string): Error {
  try {
    JSON.parse(json);
  } catch (error) {
    return error as Error;
  }
  throw new Error('that was valid JSON');
}
