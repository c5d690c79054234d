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
    about: 'At least one event was accepted; a result for each, in order.',
    schema: ref('Accepted'),
  },
  400: { about: 'No event was accepted.', schema: ref('AllRejected') },
  413: { about: 'All events were too large.', schema: ref('AllRejected') },
  429: {
    about:
      'No event was accepted, and some were over a limit; `Retry-After` says when to come back.',
    schema: ref('AllRejected'),
  },
};
const DOES_NOT_MATTER = 'The content type does not matter.';

describe(EventsController, 'events', {
  summary: 'Takes events in Muster’s own dialect',
  about:
    'One event, an array of them, or one a line. But for NDJSON, the content type does not matter.',
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
  summary: 'Takes a report of DC/OS as it is printed',
  about: DOES_NOT_MATTER,
  headers: { 'Idempotency-Key': 'a printed report has no id: with this a repetition is known' },
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
  summary: 'Takes a batch of Segment’s clients',
  about: `As their HTTP API has it. ${DOES_NOT_MATTER}`,
  body: json(ref('SegmentBatch'), { 'of dcos-signal': examples.segmentBatch }),
  answers: { 200: { about: 'The batch was taken.', schema: ref('SegmentSuccess') } },
  refuses: [...TAKES_EVENTS, 'invalid_body', 'rate_limited'],
});

describe(SegmentController, 'call', {
  summary: 'Takes a call of Segment’s clients',
  about: `The long names are of servers, the short ones of browsers. ${DOES_NOT_MATTER}`,
  body: json(ref('SegmentCall'), { 'a page view of a browser': examples.segmentPage }),
  answers: { 200: { about: 'The call was taken.', schema: ref('SegmentSuccess') } },
  refuses: ['invalid_body', 'rate_limited', 'unavailable'],
});

describe(PosthogController, 'capture', {
  summary: 'Takes events of PostHog’s clients',
  about: 'gzip is known by its first bytes, whatever the headers say.',
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
        properties: { data: { type: 'string', description: 'the same JSON, in base64 or not' } },
        required: ['data'],
      },
    },
  },
  answers: { 200: { about: 'The events were taken.', schema: ref('PosthogOk') } },
  refuses: [...TAKES_EVENTS, 'invalid_body', 'rate_limited'],
});

describe(PosthogController, 'events', {
  summary: 'Takes events of posthog-node in its mode v1',
  headers: { 'PostHog-Request-Timestamp': 'when it was sent: corrects the events’ clock' },
  body: json(ref('PosthogBatch'), { 'of Resoto': examples.posthogV1 }),
  answers: {
    200: { about: 'A result for each event by its `uuid`.', schema: ref('PosthogResults') },
  },
  refuses: ['too_many_events', 'invalid_body', 'rate_limited', 'unavailable'],
});

describe(PosthogController, 'flags', {
  summary: 'Answers that there are no feature flags',
  about: 'The body is not looked at.',
  isOpen: true,
  answers: { 200: { about: 'No flag is on.', schema: ref('NoFlags') } },
  refuses: ['body_too_large'],
});

describe(OctopusController, 'report', {
  summary: 'Takes the telemetry of an Octopus Server for a day',
  about: `The same payload again is a repetition. ${DOES_NOT_MATTER}`,
  path: {
    installationId: { type: 'string', description: 'a GUID' },
    date: { type: 'string', format: 'date', description: 'the day that it is about' },
  },
  body: json(ref('OctopusPayload'), { 'a day’s figures': examples.octopusPayload }),
  answers: RESULTS,
  refuses: ['event_too_large', 'unavailable'],
});

describe(PreviewController, 'preview', {
  summary: 'Says what would become of a body, and stores nothing',
  about: `Any body of any of the dialects, with at most 100 events; its form tells which it is. An Octopus payload needs its address in the query.`,
  query: {
    dialect: { type: 'string', enum: dialectNames, description: 'where the form does not tell' },
    installationId: { type: 'string', description: 'of an Octopus payload' },
    date: { type: 'string', format: 'date', description: 'of an Octopus payload' },
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
  summary: 'Whether the process answers',
  isOpen: true,
  answers: { 200: { about: 'It does.', schema: ref('Health') } },
});

describe(HealthController, 'ready', {
  summary: 'Whether an event sent now would be taken',
  isOpen: true,
  answers: {
    200: { about: 'It would.', schema: ref('Health') },
    503: { about: 'It would not, and why.', schema: ref('Health') },
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
