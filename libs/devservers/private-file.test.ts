import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writePrivateFile } from './private-file.js';

let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-private-'));
  file = join(dir, 'secrets.json');
});

afterEach(() => rm(dir, { recursive: true }));

test('a private file is replaced as a whole, even if an earlier attempt left an open draft', async () => {
  await writeFile(`${file}.new`, 'half of a', { mode: 0o644 });
  await writePrivateFile(file, 'first');
  await writePrivateFile(file, 'second');
  expect(await readFile(file, 'utf8')).toBe('second');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(dir)).toEqual(['secrets.json']);
});

test('a private file with the same content is not written again', async () => {
  await writePrivateFile(file, 'same');
  const { ino, mtimeMs } = await stat(file);
  await writePrivateFile(file, 'same');
  expect(await stat(file)).toMatchObject({ ino, mtimeMs });
});

test('a file with the same content that others may read becomes private', async () => {
  await writePrivateFile(file, 'same');
  await chmod(file, 0o644);
  await writePrivateFile(file, 'same');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
