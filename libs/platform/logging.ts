import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { DestinationStream, Logger } from 'pino';
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

interface LoggedError {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: LoggedError;
}

/**
 * The root logger of a process: one JSON object per line, to stdout. Of an error, only type, message, code and stack
 * are logged, because other properties that libraries add (query parameters, arguments of a Redis command, the
 * `detail` of Postgres) may contain telemetry.
 */
export function createLogger(
  options: { name: string; level?: LogLevel },
  destination: DestinationStream = pino.destination(1),
): Logger {
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      hooks: {
        // Without a message, pino would log that of the error, bypassing the serializer.
        logMethod(args: unknown[], method) {
          const error = args[0] instanceof Error ? args[0] : errorIn(args[0]);
          const [bindings, message, ...rest] = args;
          const text = message ?? (error && messageOf(error));
          method.apply(this, [bindings, text, ...rest] as Parameters<typeof method>);
        },
      },
    },
    destination,
  );
}

/** Passes the log lines of Nest and its packages to our logger. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]) {
    this.write('info', message, rest);
  }

  /** Nest calls this with an error, with (message, stack) or with (message, stack, context). */
  error(message: unknown, ...rest: unknown[]) {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]) {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]) {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]) {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]) {
    this.write('fatal', message, rest);
  }

  private write(level: Exclude<LogLevel, 'silent'>, message: unknown, rest: unknown[]) {
    const error = [message, ...rest].find((part) => part instanceof Error);
    const texts = rest.filter((part) => typeof part === 'string');
    const stack = texts.find((text) => framesOf(text));
    const context = texts.findLast((text) => text !== stack);
    const bindings = { context, ...(error ? { err: error } : { stack: framesOf(stack) }) };
    // An object that is not an error may contain anything.
    const text = typeof message === 'string' ? message : error ? undefined : `(${typeof message})`;
    this.logger[level](bindings, text);
  }
}

function describeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error' };
  const message = messageOf(error);
  const code = (error as { code?: unknown }).code;
  const described: LoggedError = { type: typeOf(error), message };
  if (typeof code === 'string' || typeof code === 'number') described.code = String(code);
  const stack = framesOf(error.stack);
  if (stack) described.stack = stack;
  if (error.cause instanceof Error && depth < 4) {
    described.cause = describeError(error.cause, depth + 1);
  }
  return described;
}

/** The name that an error has, or that of its class: libraries leave the name as it is, or write it small. */
function typeOf({ name, constructor }: Error): string {
  return /^(error)?$/i.test(name) ? constructor.name || 'Error' : name;
}

/** The frames of a stack, without the message before them, which may have been replaced. */
function framesOf(stack: string | undefined): string | undefined {
  return stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}

/** The message of an error, replaced if messages of its kind quote data. */
function messageOf(error: Error): string {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code)) {
    return `the database refused a value (SQLSTATE ${code})`;
  }
  if (error instanceof SyntaxError && error.message.includes('JSON')) return 'not valid JSON';
  // A failed connection to a name with several addresses has an empty message.
  if (error.message === '' && error instanceof AggregateError) {
    return error.errors.map((part) => (part instanceof Error ? part.message : '')).join('; ');
  }
  return error.message;
}

function errorIn(bindings: unknown): Error | undefined {
  if (typeof bindings !== 'object' || bindings === null) return undefined;
  return Object.values(bindings).find((value) => value instanceof Error);
}

/** Logs when the machine's clock becomes wrong, and when it is right again. */
export function logClock(logger: Logger): (state: { isOff: boolean; offsetMs: number }) => void {
  return ({ isOff, offsetMs }) => {
    if (isOff) {
      logger.warn({ offsetMs }, "this machine's clock is off; using Redis' clock");
    } else logger.info({ offsetMs }, "this machine's clock is right again");
  };
}
