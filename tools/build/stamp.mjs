import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Includes package-lock.json, because packages are bundled. */
const SOURCES = [
  ...['apps', 'libs', 'tools', 'package.json', 'package-lock.json'],
  ...['tsconfig.json', 'tsconfig.build.json', 'tools/build/bundle.mjs'],
];

/** Contains a hash of the sources that dist was built from. */
const stampOf = (root) => join(root, 'dist/.sources');
const draftOf = (root) => `${stampOf(root)}.new`;

/** Whether dist was built from the current sources, and completely. */
export function isBuilt(root) {
  const stamp = stampOf(root);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hashSources(root);
}

/** Invalidates the stamp of the last build, and hashes the sources before the compiler reads them. */
export function beginBuild(root) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  rmSync(stampOf(root), { force: true });
  writeFileSync(draftOf(root), hashSources(root));
}

export function endBuild(root) {
  renameSync(draftOf(root), stampOf(root));
}

/** Hashes contents, because a checkout changes the modification times. */
function hashSources(root) {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((name) => listFiles(root, name))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function listFiles(root, name) {
  if (name.includes('.')) return name.endsWith('.test.ts') ? [] : [name];
  const entries = readdirSync(join(root, name), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = `${name}/${entry.name}`;
      if (entry.isDirectory()) return listFiles(root, path);
      return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
    })
    .sort();
}
