import type { Environment } from './settings.js';

/** npm 11 completes `--to` to its own option `--token-description`. */
const COMPLETED_BY_NPM: Readonly<Record<string, string>> = { tokendescription: 'to' };

/** Shorter names are too similar to options of npm itself: `all` and `call`. */
const MIN_LETTERS_OF_TYPO = 4;

/**
 * Finds options of an npm script that npm took for itself. Without a `--` before them, `npm run SCRIPT ID --dry-run`
 * runs the script with `ID` only; npm leaves `npm_config_dry_run` in the environment.
 *
 * @param names the script's options, such as `dry-run`; spellings that differ in one letter, case, `-` or `_` count too
 * @param words the arguments that the script received. Options among them are not missing.
 * @returns the names of the missing options
 */
export function optionsTakenByNpm(
  { script, names, words }: { script: string; names: readonly string[]; words: readonly string[] },
  env: Environment = process.env,
): string[] {
  if (env.npm_lifecycle_event !== script) return [];
  const taken = Object.entries(env)
    .filter(([key, value]) => key.startsWith('npm_config_') && value !== 'false')
    .map(([key]) => lettersOf(key.slice('npm_config_'.length)))
    .map((letters) => COMPLETED_BY_NPM[letters] ?? letters);
  return names.filter((name) => {
    const isReceived = words.some((word) => word.split('=', 1)[0] === `--${name}`);
    return !isReceived && taken.some((letters) => isSpellingOf(lettersOf(name), letters));
  });
}

function lettersOf(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}

/** Whether the texts are equal, or one letter is wrong, missing, extra, or swapped with the next. */
function isSpellingOf(name: string, typed: string): boolean {
  if (name === typed) return true;
  if (name.length < MIN_LETTERS_OF_TYPO) return false;
  let same = 0;
  while (same < name.length && name[same] === typed[same]) same += 1;
  const [rest, typedRest] = [name.slice(same), typed.slice(same)];
  const swapped = rest.slice(1, 2) + rest.slice(0, 1) + rest.slice(2);
  const spellings = [typedRest.slice(1), typedRest];
  return spellings.includes(rest.slice(1)) || rest === typedRest.slice(1) || swapped === typedRest;
}
