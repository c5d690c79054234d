// The script of a page that reports with Segment's own client for browsers, as the DC/OS UI did.
import analytics from '@segment/analytics.js-core';
import segment from '@segment/analytics.js-integration-segmentio';

let hear;

// Listens below the client, so that the client runs as it was published.
const { send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.send = function (body) {
  this.addEventListener('loadend', () => {
    hear({ body: JSON.parse(body), status: this.status, text: this.responseText });
  });
  send.call(this, body);
};

analytics.addIntegration(segment);

/** As Segment's snippet does, with the settings that belong to a write key. */
globalThis.initialize = (settings) => {
  analytics.initialize({ 'Segment.io': settings });
};

/** Calls the client; resolves with what it sends and what the page can read of the answer. */
globalThis.report = (method, args) =>
  new Promise((resolve) => {
    hear = resolve;
    analytics[method](...args);
  });
