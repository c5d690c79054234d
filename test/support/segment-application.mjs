// An application that uses Segment's own client. It is a separate process, so that the client's
// fetch can get a CA. Argument: {host, writeKey, events}. Reports each response to its parent.
import { Analytics } from '@segment/analytics-node';

const { host, writeKey, events } = JSON.parse(process.argv[2]);
process.on('disconnect', () => process.exit());
const analytics = new Analytics({ host, writeKey });
analytics.on('http_response', ({ status }) => process.send({ status }));
analytics.on('error', ({ code }) => process.send({ error: code }));
for (const event of events) analytics.track(event);
await analytics.closeAndFlush();
process.disconnect();
