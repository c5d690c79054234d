import { expect, test } from 'vitest';
import { optionsTakenByNpm } from './npm-options.js';

const names = ['dry-run', 'mode', 'json', 'all', 'to', 'file', 'accept-loss'];

/** Variables that npm 11 always sets, and that users' .npmrc files add. */
const ALWAYS = {
  npm_lifecycle_event: 'muster',
  npm_config_allow_scripts: '',
  npm_config_cafile: '/etc/ca.pem',
  npm_config_call: 'x',
  npm_config_global_prefix: '/usr',
  npm_config_omit: 'dev',
  npm_config_user_agent: 'npm/11',
};

function taken(env: Record<string, string>, words: string[] = ['erase', 'ID']): string[] {
  return optionsTakenByNpm({ script: 'muster', names, words }, { ...ALWAYS, ...env });
}

test.each([
  ['npm_config_dry_run', 'dry-run'],
  ['npm_config_dryrun', 'dry-run'],
  ['npm_config_dry_runn', 'dry-run'],
  ['npm_config_dyr_run', 'dry-run'],
  ['npm_config_drrun', 'dry-run'],
  ['npm_config_mod', 'mode'],
  ['npm_config_mofe', 'mode'],
  ['npm_config_accept_loss', 'accept-loss'],
  ['npm_config_token_description', 'to'],
])('%s means that npm took --%s', (key, name) => {
  expect(taken({ [key]: 'true' })).toEqual([name]);
});

test('settings of npm itself are not options of the script', () => {
  expect(taken({})).toEqual([]);
});

test('an option that the script also received is not missing', () => {
  const env = { npm_config_dry_run: 'true', npm_config_mode: 'erase' };
  expect(taken(env, ['erase', '--dry-run', 'ID', '--mode=erase'])).toEqual([]);
});

test('outside the npm script nothing is missing', () => {
  expect(taken({ npm_config_dry_run: 'true', npm_lifecycle_event: 'start' })).toEqual([]);
});
