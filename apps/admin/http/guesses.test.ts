import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Guesses } from './guesses.js';

const silent = pino({ level: 'silent' });

test('an address has ten guesses a minute, and hears when the minute ends', () => {
  const guesses = new Guesses(silent);
  const start = 1_000_000;
  for (let at = 0; at < 10; at += 1) expect(guesses.count('192.0.2.1', start + at)).toBe(0);
  expect(guesses.count('192.0.2.1', start + 20_000)).toBe(40);
  expect(guesses.count('192.0.2.1', start + 59_999)).toBe(1);
  expect(guesses.count('192.0.2.1', start + 60_000)).toBe(0);
});

test('addresses are counted apart, and a host with a whole IPv6 network once', () => {
  const guesses = new Guesses(silent);
  for (let at = 0; at < 10; at += 1) guesses.count(`2001:db8::${at}`, 0);
  expect(guesses.count('2001:db8::99', 0)).toBe(60);
  expect(guesses.count('2001:db8:0:1::1', 0)).toBe(0);
});

test('guesses from very many addresses forget the oldest address, and no other', () => {
  const guesses = new Guesses(silent);
  const address = (at: number) => `10.0.${Math.floor(at / 256)}.${at % 256}`;
  for (let tries = 0; tries < 10; tries += 1) {
    guesses.count(address(0), 0);
    guesses.count(address(1), 0);
  }
  for (let at = 2; at <= 10_000; at += 1) guesses.count(address(at), 0);
  expect([guesses.count(address(1), 0), guesses.count(address(0), 0)]).toEqual([60, 0]);
});

test('a flood of wrong tokens is one log line a minute, with its number', () => {
  vi.useFakeTimers();
  const lines: { refused: number }[] = [];
  const sink = {
    write: (line: string) => void lines.push(JSON.parse(line) as { refused: number }),
  };
  const guesses = new Guesses(pino({}, sink));
  for (let at = 0; at < 5000; at += 1) guesses.report();
  vi.advanceTimersByTime(60_000);
  expect(lines.map(({ refused }) => refused)).toEqual([1, 4999]);
  vi.advanceTimersByTime(600_000);
  expect(lines).toHaveLength(2);
  vi.useRealTimers();
});
