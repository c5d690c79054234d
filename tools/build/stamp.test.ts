import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginBuild, endBuild, isBuilt } from './stamp.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'muster-stamp-'));
  for (const file of [
    ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
    ...['apps/main.ts', 'libs/index.ts', 'tools/tool.ts', 'tools/build/bundle.mjs'],
  ]) {
    write(file, 'first');
  }
});

afterEach(() => rmSync(root, { recursive: true }));

test('a build is current until a source changes, and again after the source is restored', () => {
  expect(isBuilt(root)).toBe(false);
  beginBuild(root);
  endBuild(root);
  expect(isBuilt(root)).toBe(true);
  write('libs/index.ts', 'second');
  expect(isBuilt(root)).toBe(false);
  write('libs/index.ts', 'first');
  expect(isBuilt(root)).toBe(true);
});

test('after another build, complete or not, the sources of the previous one count as changed', () => {
  beginBuild(root);
  endBuild(root);
  write('libs/index.ts', 'second');
  beginBuild(root);
  write('libs/index.ts', 'first');
  expect(isBuilt(root)).toBe(false);
  endBuild(root);
  expect(isBuilt(root)).toBe(false);
});

test('a source that changes during a build makes it outdated', () => {
  beginBuild(root);
  write('libs/index.ts', 'second');
  endBuild(root);
  expect(isBuilt(root)).toBe(false);
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}
