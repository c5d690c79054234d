import { expect } from 'vitest';
import { day } from './times.js';
import { table } from './table.js';

const FINGERPRINT = expect.stringMatching(/^[0-9a-f]{8,}$/) as unknown;

export const usage = {
  'How many instances are started, and how many run for long?': table(
    'week_begin started stopped long_running',
    [day(14), 1, 0, 0],
    [day(7), 2, 2, 1],
  ),
  'Which CLI commands are used?': table('command used events', ['search', 4, 3], ['count', 2, 2]),
  'How do jobs end, and how long do they take?': table(
    'product_version outcome jobs mean_duration_s',
    ['4.0.0', 'failed', 1, 300],
    ['4.0.0', 'succeeded', 2, 100],
  ),
  'What happens, and how often?': table(
    'product event outcome events most_installations',
    ['resoto', 'cli.command', null, 2, 1],
    ['resoto', 'system.started', null, 2, 2],
    ['resoto', 'system.stopped', null, 2, 2],
    ['resoto', 'task-handler.task-completed', 'failed', 1, 1],
    ['resoto', 'task-handler.task-completed', 'succeeded', 1, 1],
    ['resoto', 'usage-metrics.turned-off', null, 1, 1],
  ),
  'What are the values of the Octopus metrics?': table(
    'metric unit dimension installations total least greatest',
    ['container', '1', null, 3, 2, 0, 1],
    ['environments', '1', null, 2, 6, 2, 4],
    ['first_deployment', 's', null, 3, 97_200, 3600, 86_400],
    ['internal_events', '1', 'deprecated/legacy_api', 1, 3, 3, 3],
    ['machines', '1', null, 3, 75, 5, 50],
    ['projects', '1', null, 3, 20, 3, 10],
  ),
  'How long do installations take to their first deployment?': table(
    'product_version installations p25_hours median_hours p90_hours',
    ['2021.1.0', 1, 2, 2, 2],
    ['2021.2.0', 2, 1, 1, 24],
  ),
  'Which features are switched on?': table('metric switched_on installations share', [
    'container',
    2,
    3,
    0.667,
  ]),
  'Which deprecated features are still in use?': table(
    'product_version feature installations calls',
    ['2021.2.0', 'deprecated/legacy_api', 1, 3],
  ),
};

export const ui = {
  'How many logins, page views and users are there a day?': table(
    'day product installations users logins page_views',
    [day(2), 'dcos', 1, 1, 0, 1],
    [day(1), 'dcos', 2, 3, 3, 3],
  ),
  'How many different users were there in the last week?': table('product users on_several_days', [
    'dcos',
    3,
    1,
  ]),
  'Which pages are viewed?': table(
    'product path views installations',
    ['dcos', '/nodes', 2, 1],
    ['dcos', '/services', 1, 1],
  ),
};

const NO_KEY = ['KeyError', 'no such key', FINGERPRINT];
const INVALID = ['ValueError', 'invalid request', FINGERPRINT];

export const errors = {
  'Which kinds of error does each version have?': table(
    'product product_version kind errors a_day',
    ['resoto', '4.0.0', 'KeyError', 3, 1.5], // on two days
    ['resoto', '4.1.0', 'KeyError', 3, 3],
    ['resoto', '4.1.0', 'ValueError', 1, 1],
  ),
  'Which errors are the most frequent?': table(
    'product event kind message fingerprint errors most_installations versions',
    ['resoto', 'error.server', ...NO_KEY, 6, 1, ['4.0.0', '4.1.0']],
    ['resoto', 'error.client', ...INVALID, 1, 1, ['4.1.0']],
  ),
  'Which errors are new?': table(
    'product product_version kind message fingerprint first_day errors is_new',
    ['resoto', '4.1.0', ...INVALID, day(1), 1, true],
    ['resoto', '4.1.0', ...NO_KEY, day(1), 3, false],
  ),
};
