import { expect, test } from 'vitest';
import { asUtf8 } from './charset.js';

const BODY = '{"name":"müller"}';
const UTF8 = Buffer.from(BODY);
const LATIN1 = Buffer.from(BODY, 'latin1');
const UTF16 = Buffer.from(BODY, 'utf16le');

test.each([
  ['application/json; charset=iso-8859-1', LATIN1],
  ['application/json;charset="ISO-8859-1"', LATIN1],
  ['text/plain; charset=latin1', LATIN1],
  ['application/json; charset=windows-1252', LATIN1],
  ['application/json; charset=utf-16', UTF16],
  ['application/json; charset=UTF-16LE', UTF16],
  ['application/json; charset=utf-16be', Buffer.from(UTF16).swap16()],
  ['application/json; charset=utf-16', Buffer.concat([Buffer.from([0xff, 0xfe]), UTF16])],
])('a body of %s is read in this charset', (contentType, bytes) => {
  expect(asUtf8(bytes, contentType).toString()).toBe(BODY);
});

test.each([
  undefined,
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=no-such',
  'application/json; charset=iso-8859-1',
  'application/json; charset=utf-16',
])('a body in UTF-8 stays as it is, where the content type is %s', (contentType) => {
  expect(asUtf8(UTF8, contentType)).toBe(UTF8);
});
