import { expect, test } from 'vitest';
import { Agents } from './agent.js';

const agents = new Agents(['dcos', 'billing']);

test.each([
  ['posthog-python/3.7.0', 'posthog-python/3.7.0'],
  ['analytics-go (version: 3.0.0)', 'analytics-go/3.0.0'],
  ['Go-http-client/1.1', 'go-http-client/1.1'],
  ['billing/2.3 (linux; amd64)', 'billing/2.3'],
  ['Mozilla/5.0 (X11; Linux x86_64)', 'browser'],
  ['erika@example.com/1.0', 'other'],
  ['curl/8.5.0-of-jane', 'curl/8.5.0'],
  ['curl', 'other'],
  ['10.0.0.7', 'other'],
  [undefined, 'none'],
  ['', 'none'],
])('the User-Agent %s is counted as %s', (userAgent, name) => {
  expect(agents.nameOf(userAgent)).toBe(name);
});
