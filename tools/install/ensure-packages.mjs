import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, runStep } from '../run-step.mjs';

/** Installs the packages of package-lock.json, unless they are what is installed already. */
export async function ensurePackages(root) {
  if (arePackagesThere(root)) return;
  // The build needs the development packages, whatever NODE_ENV says. Some of them ask for a newer
  // Node than Muster does, for parts that Muster does not use: engine-strict would refuse them.
  const options = ['--include=dev', '--engine-strict=false', '--no-audit', '--no-fund'];
  await runStep('Installing packages', npm('ci', ...options));
}

/**
 * Compares package-lock.json with the list that npm leaves in node_modules at the end of an
 * installation. So it doesn't matter who installed the packages, and half an installation is none.
 */
function arePackagesThere(root) {
  const list = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(list)) return false;
  const installed = readPackages(list);
  const wanted = Object.entries(readPackages(join(root, 'package-lock.json')));
  return wanted.every(([path, { version, optional, devOptional }]) => {
    const isRoot = path === '';
    // What was made for another machine is left out by npm.
    const mayBeAbsent = (optional || devOptional) && !installed[path];
    return isRoot || mayBeAbsent || installed[path]?.version === version;
  });
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
