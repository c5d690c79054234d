// The script of a page that uses Segment's own browser client, like the DC/OS UI. It imports uuid without declaring it.
import analytics from '@segment/analytics.js-core';
import segment from '@segment/analytics.js-integration-segmentio';

let hear;

// Intercepts requests below the client, so that the published client runs unchanged.
const { send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.send = function (body) {
  this.addEventListener('loadend', () => {
    hear({ body: JSON.parse(body), status: this.status, text: this.responseText });
  });
  send.call(this, body);
};

analytics.addIntegration(segment);

/** Initialises the client like Segment's snippet, with the settings of a write key. */
globalThis.initialize = (settings) => {
  analytics.initialize({ 'Segment.io': settings });
};

/** Calls the client. Resolves with the request and the readable part of the response. */
globalThis.report = (method, args) =>
  new Promise((resolve) => {
    hear = resolve;
    analytics[method](...args);
  });
