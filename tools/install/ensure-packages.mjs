import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, runStep } from '../run-step.mjs';

/** Installs the packages of package-lock.json, unless exactly these are installed. */
export async function ensurePackages(root) {
  if (arePackagesInstalled(root)) return;
  // The build needs the development packages regardless of NODE_ENV. Some of them require a newer Node than Muster
  // for features that Muster does not use, so engine-strict would reject them.
  const options = ['--include=dev', '--engine-strict=false', '--no-audit', '--no-fund'];
  await runStep('Installing packages', npm('ci', ...options));
}

/**
 * Compares package-lock.json with the list that npm writes to node_modules at the end of an installation. An
 * interrupted installation counts as missing.
 */
function arePackagesInstalled(root) {
  const list = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(list)) return false;
  const installed = readPackages(list);
  const wanted = Object.entries(readPackages(join(root, 'package-lock.json')));
  return wanted.every(([path, { version, optional, devOptional }]) => {
    const isRoot = path === '';
    // npm omits packages for other platforms.
    const mayBeAbsent = (optional || devOptional) && !installed[path];
    return isRoot || mayBeAbsent || installed[path]?.version === version;
  });
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
