import { HttpException } from '@nestjs/common';
import { expect, test } from 'vitest';
import { type ErrorMeanings, hasStatus, isA, responseTo } from './errors.js';

class Lost extends Error {}

class Refused extends Error {
  readonly code = 'rate_limited';
  readonly retryAfterS = 7;
}

const meanings: ErrorMeanings<'rate_limited' | 'unavailable' | 'not_found'> = {
  own: [Refused],
  rules: [
    { matches: isA(Lost), code: 'unavailable', message: 'Retry later.', log: 'connection lost' },
    { matches: hasStatus((status) => status === 404), code: 'not_found' },
  ],
};

test('an error that carries a code gets the status of the code, and its own message and wait', () => {
  expect(responseTo(new Refused('Slow down.'), meanings)).toEqual({
    ...{ code: 'rate_limited', status: 429, message: 'Slow down.', retryAfterS: 7, log: null },
  });
});

test('an error of a library gets the code of the first rule that matches it', () => {
  expect(responseTo(new Lost('ECONNRESET 10.0.0.7'), meanings)).toEqual({
    ...{ code: 'unavailable', status: 503, message: 'Retry later.', retryAfterS: 5 },
    log: { level: 'warn', line: 'connection lost' },
  });
});

test.each([[new HttpException('GET /secret', 404)], [{ statusCode: 404 }]])(
  'errors of Nest and Fastify are recognised by their status',
  (error) => {
    expect(responseTo(error, meanings)).toMatchObject({ code: 'not_found', message: 'Not found.' });
  },
);

test.each([[new Error('secret')], [new HttpException('secret', 502)], ['secret'], [null]])(
  'any other error is internal, is logged, and its message stays here',
  (error) => {
    expect(responseTo(error, meanings)).toEqual({
      ...{ code: 'internal', status: 500, message: 'Internal server error.' },
      log: { level: 'error', line: 'request failed' },
    });
  },
);
