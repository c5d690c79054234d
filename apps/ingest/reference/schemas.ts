import { dialectNames, rejectionCodes } from '#telemetry';
import { statusOf } from '../errors.js';
import type { Schema } from './describe.js';

const text = (description: string, rules: Schema = {}): Schema => ({
  ...{ type: 'string', description },
  ...rules,
});
const list = (items: Schema, rules: Schema = {}): Schema => ({ type: 'array', items, ...rules });
/** An object with these fields and any others. */
const object = (properties: Schema, required: string[] = [], rules: Schema = {}): Schema => ({
  ...{ type: 'object', properties },
  ...(required.length > 0 && { required }),
  ...rules,
});

export const ref = (name: SchemaName): Schema => ({
  $ref: `#/components/schemas/${name}`,
});

const anything = { type: 'object', additionalProperties: true };
const count = { type: 'integer', minimum: 0 };
/** With an offset; some agents leave its colon out, so no format of JSON Schema fits. */
const moment = (description: string) => text(`${description}, RFC 3339 with an offset`);

const segmentFields = {
  type: text('the kind of call, as in the address'),
  event: text('what a `track` is about'),
  messageId: text('repetitions with the same id are stored once'),
  timestamp: moment('when it happened'),
  anonymousId: text('of a server’s `track`: the installation'),
  userId: { type: ['string', 'null'], description: 'becomes a keyed hash' },
  properties: { ...anything, description: 'with `clusterId`, the installation' },
  traits: { ...anything, description: 'likewise' },
};

const posthogFields = {
  event: text('what happened'),
  distinct_id: text('the installation'),
  uuid: text('repetitions with the same id are stored once'),
  timestamp: moment('when it happened'),
  properties: anything,
};

const posthogKey = {
  api_key: text('the write key, unless it is in the header; also as `token` or `$token`'),
};

const results = {
  accepted: count,
  rejected: count,
  results: list({ $ref: '#/components/schemas/Result' }),
};

export type SchemaName = keyof typeof schemas;

export const schemas = {
  Refusal: object(
    {
      success: { type: 'boolean', enum: [false] },
      code: text('why, for programs', { enum: Object.keys(statusOf) }),
      message: text('why, for people'),
      detail: text('the same: PostHog’s clients look here'),
    },
    ['success', 'code', 'message', 'detail'],
  ),
  Event: object(
    {
      id: text('repetitions with the same id are stored once', { minLength: 1, maxLength: 200 }),
      installationId: text('a GUID'),
      product: text('the product of the write key', { minLength: 1, maxLength: 64 }),
      event: text('the kind of event, see docs/kinds.md', { minLength: 1, maxLength: 128 }),
      occurredAt: moment('when it happened'),
      version: text('the product’s version', { maxLength: 64 }),
      properties: { ...anything, description: 'what the event says' },
    },
    ['installationId', 'product', 'event', 'properties'],
  ),
  Result: {
    oneOf: [
      object({ status: { type: 'string', enum: ['accepted'] } }, ['status']),
      object(
        {
          status: { type: 'string', enum: ['rejected'] },
          code: { type: 'string', enum: rejectionCodes },
          path: text('where in the event'),
          message: text('why, for people'),
        },
        ['status', 'code', 'path', 'message'],
      ),
    ],
  },
  Accepted: object({ success: { type: 'boolean', enum: [true] }, ...results }, [
    ...['success', 'accepted', 'rejected', 'results'],
  ]),
  AllRejected: object(
    {
      success: { type: 'boolean', enum: [false] },
      code: text('that of the first one; `rate_limited` where some were over a limit', {
        enum: rejectionCodes,
      }),
      ...{ message: { type: 'string' }, detail: { type: 'string' } },
      ...results,
    },
    ['success', 'code', 'message', 'detail', 'accepted', 'rejected', 'results'],
  ),
  CompositeReport: object({ cosmos: anything, diagnostics: anything, mesos: anything }, [], {
    minProperties: 1,
    description: 'What `dcos-signal -test` prints from DC/OS 1.8 on.',
  }),
  PrintedReport: object(
    { Event: { type: 'string' }, ClusterId: { type: 'string' }, Properties: anything },
    ['Event', 'ClusterId', 'Properties'],
    { description: 'What it prints in DC/OS 1.7.' },
  ),
  FlatReport: object({ clusterId: { type: 'string' } }, ['clusterId'], {
    description: 'The ping of the 1.7 documents, with `health-unit-…-total` and its like.',
  }),
  SegmentCall: object(
    { writeKey: text('unless it is in the header'), sentAt: moment('when'), ...segmentFields },
    [],
  ),
  SegmentBatch: object(
    {
      writeKey: text('unless it is in the header'),
      sentAt: moment('when it was sent: corrects the events’ clock'),
      batch: { type: ['array', 'null'], items: object(segmentFields), description: 'the events' },
    },
    ['batch'],
  ),
  SegmentSuccess: object({ success: { type: 'boolean', enum: [true] } }, ['success'], {
    additionalProperties: false,
  }),
  PosthogEvent: object({ ...posthogKey, sentAt: moment('when'), ...posthogFields }, []),
  PosthogBatch: object(
    { ...posthogKey, sentAt: moment('when'), batch: list(object(posthogFields)) },
    ['batch'],
  ),
  PosthogOk: object({ status: { type: 'string', enum: ['Ok'] } }, ['status'], {
    additionalProperties: false,
  }),
  PosthogResults: object(
    {
      results: {
        type: 'object',
        description: 'by the event’s `uuid`',
        additionalProperties: object(
          {
            result: { type: 'string', enum: ['ok', 'warning', 'drop', 'retry'] },
            details: text('why it is kept aside, was too large, or has to be sent again'),
          },
          ['result'],
        ),
      },
    },
    ['results'],
  ),
  NoFlags: object({ flags: anything, featureFlags: anything }, ['flags', 'featureFlags']),
  OctopusPayload: {
    type: ['object', 'null', 'string'],
    description: 'The figures of docs/catalogue.md, and `version`; `{}` and `""` are empty.',
    properties: { version: { type: 'string' } },
  },
  Preview: object(
    {
      success: { type: 'boolean', enum: [true] },
      dialect: { type: 'string', enum: dialectNames },
      events: list(
        object(
          {
            fate: {
              type: 'string',
              enum: ['stored', 'quarantined', 'empty', 'suppressed', 'rejected'],
            },
            installationId: {
              type: ['string', 'null'],
              description: 'the id under which the installation is stored',
            },
            rows: { ...anything, description: 'rows by view of the schema `fleet`' },
            kept: { type: ['object', 'null'], description: 'what is kept of the event itself' },
            dropped: list(object({ path: { type: 'string' }, reason: { type: 'string' } })),
            rejection: {
              ...anything,
              description: 'of a rejected event: `code`, `path`, `message`',
            },
          },
          ['fate'],
        ),
      ),
    },
    ['success', 'dialect', 'events'],
  ),
  Health: object(
    {
      status: { type: 'string', enum: ['ok', 'unavailable'] },
      reason: text('why events are not taken'),
      certificate: object(
        {
          state: { type: 'string', enum: ['valid', 'expiring', 'expired', 'not_yet_valid'] },
          notBefore: text('the first moment at which it is good', { format: 'date-time' }),
          notAfter: text('the last', { format: 'date-time' }),
          daysLeft: { type: 'integer', description: 'whole days until then; negative after it' },
        },
        ['state', 'notBefore', 'notAfter', 'daysLeft'],
      ),
    },
    ['status'],
  ),
} satisfies Record<string, Schema>;
