// An application that reports with Segment's own client, in a process of its own: there, a CA can be
// given to the client's fetch. Its argument: {host, writeKey, events}. Tells its parent each answer.
import { Analytics } from '@segment/analytics-node';

const { host, writeKey, events } = JSON.parse(process.argv[2]);
process.on('disconnect', () => process.exit());
const analytics = new Analytics({ host, writeKey });
analytics.on('http_response', ({ status }) => process.send({ status }));
analytics.on('error', ({ code }) => process.send({ error: code }));
for (const event of events) analytics.track(event);
await analytics.closeAndFlush();
process.disconnect();
