// An application that reports with PostHog's own client, in a process of its own: there, a CA can be
// given to the client's fetch, and a mode to the client. Its argument: {host, key, distinctId, events,
// error, flag}. Tells its parent each answer, each error, and what the client says of the flag.
import { PostHog } from 'posthog-node';

const { host, key, distinctId, events, error, flag } = JSON.parse(process.argv[2]);
process.on('disconnect', () => process.exit());
const posthog = new PostHog(key, { host, fetch: tellingFetch });
posthog.on('error', ({ name, message }) => process.send({ error: `${name}: ${message}` }));
if (flag) {
  const enabled = await posthog.isFeatureEnabled(flag, distinctId);
  const value = await posthog.getFeatureFlag(flag, distinctId);
  const flags = await posthog.evaluateFlags(distinctId);
  // undefined is no JSON, and off in the client's own words.
  process.send({ flag: [enabled ?? 'off', value ?? 'off', flags.isEnabled(flag)] });
}
for (const { identify, ...event } of events) {
  if (identify) posthog.identify({ distinctId, properties: identify });
  else posthog.capture({ distinctId, ...event });
}
if (error) posthog.captureException(new TypeError(error), distinctId, { source: 'resotoworker' });
await posthog.shutdown();
process.disconnect();

async function tellingFetch(url, options) {
  const response = await fetch(url, options);
  process.send({ path: new URL(url).pathname, status: response.status });
  return response;
}
