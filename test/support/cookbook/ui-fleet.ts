import { after, sick, type Cluster } from './dcos-fleet.js';
import { at } from './times.js';

/** A call of the UI as sent by analytics.js: `page`, or `track` with an event. */
function call(
  cluster: Cluster,
  time: string,
  user: string,
  what: { path: string } | { event: string },
) {
  return {
    ...{
      type: 'path' in what ? 'page' : 'track',
      messageId: `call ${time} ${cluster.id}`,
      timestamp: time,
    },
    ...{ userId: `${user}@example.com`, anonymousId: `browser-of-${user}` },
    ...('event' in what && { event: what.event }),
    properties: {
      ...{ clusterId: cluster.id, version: cluster.version, appVersion: cluster.version },
      ...('path' in what && { path: what.path }),
    },
  };
}

export const uiBatch = {
  batch: [
    call(after, at(2, '10:05'), 'one', { path: '/nodes' }),
    call(after, at(1, '10:05'), 'one', { event: 'dcos_login' }),
    call(after, at(1, '10:06'), 'one', { path: '/services' }),
    call(after, at(1, '10:06:01'), 'one', { path: '/services' }),
    call(after, at(1, '10:07'), 'one', { path: '/nodes' }),
    call(after, at(1, '10:10'), 'other', { event: 'dcos_login' }),
    call(after, at(1, '10:11'), 'other', { path: '/nodes' }),
    call(sick, at(1, '10:05'), 'one', { event: 'dcos_login' }),
    call(sick, at(1, '10:20'), 'one', { event: 'dcos_logout' }),
  ],
};
