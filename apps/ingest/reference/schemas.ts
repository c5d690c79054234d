import { dialectNames, rejectionCodes } from '#telemetry';
import { statusOf } from '../errors.js';
import type { Schema } from './describe.js';
import { anything, count, list, moment, object, text } from './schema-parts.js';

export const ref = (name: SchemaName): Schema => ({
  $ref: `#/components/schemas/${name}`,
});

const segmentFields = {
  type: text('the kind of call, as in the path'),
  event: text('the name of a `track` event'),
  messageId: text('events with the same id are stored once'),
  timestamp: moment('when it happened'),
  anonymousId: text('the installation, in a server’s `track`'),
  userId: { type: ['string', 'null'], description: 'stored only as a keyed hash' },
  properties: { ...anything, description: 'may contain `clusterId`, the installation' },
  traits: { ...anything, description: 'likewise' },
};

const posthogFields = {
  event: text('the name of the event'),
  distinct_id: text('the installation'),
  uuid: text('events with the same id are stored once'),
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
      code: text('a machine-readable error code', { enum: Object.keys(statusOf) }),
      message: text('a human-readable explanation'),
      detail: text('same as `message`; read by PostHog’s clients'),
    },
    ['success', 'code', 'message', 'detail'],
  ),
  Event: object(
    {
      id: text('events with the same id are stored once', { minLength: 1, maxLength: 200 }),
      installationId: text('a GUID'),
      product: text('the product of the write key', { minLength: 1, maxLength: 64 }),
      event: text('the kind of event, see docs/kinds.md', { minLength: 1, maxLength: 128 }),
      occurredAt: moment('when it happened'),
      version: text('the product’s version', { maxLength: 64 }),
      properties: { ...anything, description: 'the data of the event' },
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
          path: text('the faulty field of the event'),
          message: text('a human-readable explanation'),
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
      code: text(
        'the code of the first result, or `rate_limited` if an event exceeded a rate limit',
        {
          enum: rejectionCodes,
        },
      ),
      ...{ message: { type: 'string' }, detail: { type: 'string' } },
      ...results,
    },
    ['success', 'code', 'message', 'detail', 'accepted', 'rejected', 'results'],
  ),
  CompositeReport: object({ cosmos: anything, diagnostics: anything, mesos: anything }, [], {
    minProperties: 1,
    description: 'The output of `dcos-signal -test` since DC/OS 1.8.',
  }),
  PrintedReport: object(
    { Event: { type: 'string' }, ClusterId: { type: 'string' }, Properties: anything },
    ['Event', 'ClusterId', 'Properties'],
    { description: 'The output of `dcos-signal -test` in DC/OS 1.7.' },
  ),
  FlatReport: object({ clusterId: { type: 'string' } }, ['clusterId'], {
    description: 'The ping documented for DC/OS 1.7, with fields such as `health-unit-…-total`.',
  }),
  SegmentCall: object(
    {
      writeKey: text('the write key, unless it is in the header'),
      sentAt: moment('when it was sent'),
      ...segmentFields,
    },
    [],
  ),
  SegmentBatch: object(
    {
      writeKey: text('the write key, unless it is in the header'),
      sentAt: moment('when the batch was sent; used to correct the events’ times'),
      batch: { type: ['array', 'null'], items: object(segmentFields), description: 'the events' },
    },
    ['batch'],
  ),
  SegmentSuccess: object({ success: { type: 'boolean', enum: [true] } }, ['success'], {
    additionalProperties: false,
  }),
  PosthogEvent: object({ ...posthogKey, sentAt: moment('when it was sent'), ...posthogFields }, []),
  PosthogBatch: object(
    { ...posthogKey, sentAt: moment('when it was sent'), batch: list(object(posthogFields)) },
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
            details: text('why the event was quarantined, dropped or must be resent'),
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
    description:
      'The metrics in docs/catalogue.md, and `version`. `{}` and `""` are empty reports.',
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
            kept: {
              type: ['object', 'null'],
              description: 'the stored part of the original event',
            },
            dropped: list(object({ path: { type: 'string' }, reason: { type: 'string' } })),
            rejection: {
              ...anything,
              description: 'for a rejected event: `code`, `path`, `message`',
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
      reason: text('why events are not accepted'),
      certificate: object(
        {
          state: { type: 'string', enum: ['valid', 'expiring', 'expired', 'not_yet_valid'] },
          notBefore: text('start of its validity', { format: 'date-time' }),
          notAfter: text('end of its validity', { format: 'date-time' }),
          daysLeft: {
            type: 'integer',
            description: 'whole days until `notAfter`; negative once expired',
          },
        },
        ['state', 'notBefore', 'notAfter', 'daysLeft'],
      ),
    },
    ['status'],
  ),
} satisfies Record<string, Schema>;
