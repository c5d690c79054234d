/** Short bodies, cut from what real clients sent. */
const CLUSTER = '70b28f00-e38f-41b2-a723-aab344f535b9';

export const event = {
  id: 'dc1417cd-476c-4f44-a998-07db97547e95',
  installationId: CLUSTER,
  product: 'dcos',
  event: 'health',
  occurredAt: '2026-11-21T05:26:31Z',
  version: '1.10.11',
  properties: {
    'health-unit-dcos-mesos-master-service-total': 3,
    'health-unit-dcos-mesos-master-service-unhealthy': 1,
  },
};

export const flatReport = {
  clusterId: '71159751-c28a-4a23-a279-d36ffc2fff40',
  environmentVersion: '1.7-dev',
  'health-unit-dcos-adminrouter-service-total': 1,
  'health-unit-dcos-adminrouter-service-unhealthy': 0,
};

export const segmentBatch = {
  batch: [
    {
      type: 'track',
      event: 'mesos_track',
      messageId: '2858fcb8-0ece-47c5-aa32-eb2923d9a979',
      anonymousId: CLUSTER,
      timestamp: '2026-11-21T05:26:32+0000',
      properties: {
        clusterId: CLUSTER,
        environmentVersion: '1.10.11',
        provider: 'aws',
        variant: 'open',
        agents_active: 3,
        cpu_total: 12,
        cpu_used: 3.35,
      },
    },
  ],
  sentAt: '2026-11-21T05:26:32+0000',
};

export const segmentPage = {
  messageId: 'ajs-e96027f813c479db09ee4c3f673c0895',
  anonymousId: 'a4a0c4d3-f67e-486c-ad40-73e7bfc02955',
  timestamp: '2026-11-21T05:36:16.599Z',
  properties: { clusterId: CLUSTER, version: '1.10.11', appVersion: '1.10.0', path: '/login' },
  sentAt: '2026-11-21T05:36:16.600Z',
};

const started = {
  event: 'system.started',
  distinct_id: '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11',
  timestamp: '2026-11-21T05:31:40.210Z',
  uuid: '01a1fc96-bf35-7097-be6c-64bd43a5bbf2',
  properties: { version: '3.9.0', system: 'Linux', inside_docker: true, cpu_count: 8 },
};

export const posthogBatch = { batch: [started], sentAt: '2026-11-21T05:31:41.000Z' };

export const posthogV1 = { created_at: '2026-11-21T05:31:41.000Z', batch: [started] };

export const octopusPayload = {
  version: '2021.2.7428',
  environments: 4,
  deployment_targets: { kubernetes: 3 },
  memory: 1572864000,
};
