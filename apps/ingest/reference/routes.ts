import { dialectNames } from '#telemetry';
import { EventsController } from '../events.controller.js';
import { HealthController } from '../health.controller.js';
import { OctopusController } from '../octopus.controller.js';
import { PosthogController } from '../posthog.controller.js';
import { PreviewController } from '../preview.controller.js';
import { SegmentController } from '../segment.controller.js';
import { describe, type Media } from './describe.js';
import * as examples from './examples.js';
import { ref } from './schemas.js';

const TAKES_EVENTS = ['too_many_events', 'unavailable'] as const;
const RESULTS = {
  202: {
    about: 'At least one event was accepted. Contains one result per event, in order.',
    schema: ref('Accepted'),
  },
  400: { about: 'No event was accepted.', schema: ref('AllRejected') },
  413: { about: 'All events were too large.', schema: ref('AllRejected') },
  429: {
    about:
      'No event was accepted, and some exceeded a rate limit. `Retry-After` is the time to wait.',
    schema: ref('AllRejected'),
  },
};
const ANY_CONTENT_TYPE = 'The content type is ignored.';

describe(EventsController, 'events', {
  summary: 'Accepts events in Muster’s native dialect',
  about:
    'Accepts one event, an array of events, or one event per line (NDJSON). The content type is ignored, except for NDJSON.',
  body: {
    ...json(
      { anyOf: [ref('Event'), { type: 'array', items: ref('Event'), minItems: 1 }] },
      {
        'one event': examples.event,
      },
    ),
    'application/x-ndjson': { schema: { type: 'string' } },
  },
  answers: RESULTS,
  refuses: [...TAKES_EVENTS, 'event_too_large', 'invalid_body'],
});

describe(EventsController, 'reports', {
  summary: 'Accepts a printed DC/OS report',
  about: ANY_CONTENT_TYPE,
  headers: {
    'Idempotency-Key': 'identifies repeated requests, because a printed report has no id',
  },
  body: json(
    { anyOf: [ref('CompositeReport'), ref('PrintedReport'), ref('FlatReport')] },
    {
      'the ping of 1.7': examples.flatReport,
    },
  ),
  answers: RESULTS,
  refuses: ['event_too_large', 'unknown_report', 'unsupported_product', 'unavailable'],
});

describe(SegmentController, 'batch', {
  summary: 'Accepts a batch from Segment’s clients',
  about: `The format of Segment’s HTTP API. ${ANY_CONTENT_TYPE}`,
  body: json(ref('SegmentBatch'), { 'of dcos-signal': examples.segmentBatch }),
  answers: { 200: { about: 'The batch was accepted.', schema: ref('SegmentSuccess') } },
  refuses: [...TAKES_EVENTS, 'invalid_body', 'rate_limited'],
});

describe(SegmentController, 'call', {
  summary: 'Accepts a call from Segment’s clients',
  about: `Servers use the long names, browsers the short ones. ${ANY_CONTENT_TYPE}`,
  body: json(ref('SegmentCall'), { 'a page view of a browser': examples.segmentPage }),
  answers: { 200: { about: 'The call was accepted.', schema: ref('SegmentSuccess') } },
  refuses: ['invalid_body', 'rate_limited', 'unavailable'],
});

describe(PosthogController, 'capture', {
  summary: 'Accepts events from PostHog’s clients',
  about: 'gzip is detected by the first bytes of the body; the headers are ignored.',
  body: {
    ...json(
      {
        anyOf: [
          ref('PosthogBatch'),
          ref('PosthogEvent'),
          { type: 'array', items: ref('PosthogEvent') },
        ],
      },
      { 'of Resoto': examples.posthogBatch },
    ),
    'application/x-www-form-urlencoded': {
      schema: {
        type: 'object',
        properties: { data: { type: 'string', description: 'the same JSON, plain or in base64' } },
        required: ['data'],
      },
    },
  },
  answers: { 200: { about: 'The events were accepted.', schema: ref('PosthogOk') } },
  refuses: [...TAKES_EVENTS, 'invalid_body', 'rate_limited'],
});

describe(PosthogController, 'events', {
  summary: 'Accepts events from posthog-node in v1 mode',
  headers: {
    'PostHog-Request-Timestamp': 'when the request was sent; used to correct the events’ times',
  },
  body: json(ref('PosthogBatch'), { 'of Resoto': examples.posthogV1 }),
  answers: {
    200: { about: 'One result per event, by its `uuid`.', schema: ref('PosthogResults') },
  },
  refuses: ['too_many_events', 'invalid_body', 'rate_limited', 'unavailable'],
});

describe(PosthogController, 'flags', {
  summary: 'Returns no feature flags',
  about: 'The body is ignored.',
  isOpen: true,
  answers: { 200: { about: 'No flag is enabled.', schema: ref('NoFlags') } },
  refuses: ['body_too_large'],
});

describe(OctopusController, 'report', {
  summary: 'Accepts one day’s telemetry of an Octopus Server',
  about: `A repeated payload is stored once. ${ANY_CONTENT_TYPE}`,
  path: {
    installationId: { type: 'string', description: 'a GUID' },
    date: { type: 'string', format: 'date', description: 'the day that the payload covers' },
  },
  body: json(ref('OctopusPayload'), { 'a day’s figures': examples.octopusPayload }),
  answers: RESULTS,
  refuses: ['event_too_large', 'unavailable'],
});

describe(PreviewController, 'preview', {
  summary: 'Shows how a body would be processed, and stores nothing',
  about:
    'Accepts a body in any dialect, with at most 100 events. The dialect is detected from the body. An Octopus payload needs `installationId` and `date` in the query.',
  query: {
    dialect: {
      type: 'string',
      enum: dialectNames,
      description: 'if it cannot be detected from the body',
    },
    installationId: { type: 'string', description: 'for an Octopus payload' },
    date: { type: 'string', format: 'date', description: 'for an Octopus payload' },
  },
  body: {
    ...json({}, { 'one event': examples.event }),
    'application/x-ndjson': { schema: { type: 'string' } },
  },
  answers: { 200: { about: 'The fate of each event.', schema: ref('Preview') } },
  refuses: [
    'too_many_events',
    'event_too_large',
    'invalid_body',
    'unknown_report',
    'unknown_dialect',
    'unsupported_product',
    'rate_limited',
  ],
});

describe(HealthController, 'live', {
  summary: 'Liveness: the process responds',
  isOpen: true,
  answers: { 200: { about: 'The process responds.', schema: ref('Health') } },
});

describe(HealthController, 'ready', {
  summary: 'Readiness: events are being accepted',
  isOpen: true,
  answers: {
    200: { about: 'Events are accepted.', schema: ref('Health') },
    503: { about: 'Events are not accepted; `reason` explains why.', schema: ref('Health') },
  },
});

function json(schema: Media['schema'], shown: Record<string, unknown>): Record<string, Media> {
  const named = Object.entries(shown).map(([name, value]) => [name, { value }]);
  return {
    'application/json': {
      schema,
      examples: Object.fromEntries(named) as Media['examples'],
    } as Media,
  };
}
