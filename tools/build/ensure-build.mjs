import { npm, runStep } from '../run-step.mjs';
import { isBuilt } from './stamp.mjs';

/** Builds, unless dist was built from the current sources. */
export async function ensureBuild(root) {
  if (!isBuilt(root)) await runStep('Building', npm('run', 'build', '--silent'));
}
