// An application that uses PostHog's own client. It is a separate process, so that the client's
// fetch can get a CA and the client a mode. Argument: {host, key, distinctId, events, error, flag}.
// Reports each response, each error and the value of the flag to its parent.
import { PostHog } from 'posthog-node';

const { host, key, distinctId, events, error, flag } = JSON.parse(process.argv[2]);
process.on('disconnect', () => process.exit());
const posthog = new PostHog(key, { host, fetch: tellingFetch });
posthog.on('error', ({ name, message }) => process.send({ error: `${name}: ${message}` }));
if (flag) {
  const enabled = await posthog.isFeatureEnabled(flag, distinctId);
  const value = await posthog.getFeatureFlag(flag, distinctId);
  const flags = await posthog.evaluateFlags(distinctId);
  // JSON has no undefined. The client returns it for a flag that is off.
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
