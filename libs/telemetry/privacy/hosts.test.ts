import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { containsHost } from './hosts.js';

const ENDINGS = [
  ...'ai bank shop tech me tv pro berlin mx tr ro id co app dev online site store agency'.split(
    ' ',
  ),
  ...'london zone network systems email software build host rocks ninja swiss paris nyc'.split(' '),
  ...'com net org io de eu prod dmz k8s svc corp lan local intra internal staging'.split(' '),
  ...'prd preprod stg sbx qa prod1 dev2 uat3 marathon.mesos dc1.consul onion i2p workgroup'.split(
    ' ',
  ),
  ...'koeln hamburg wien tokyo sydney quebec brussels llc sarl'.split(' '),
  ...'home.arpa cluster.local svc.cluster.local co.uk com.tr xn--p1ai'.split(' '),
];

describe('the name of a host', () => {
  test.each(ENDINGS)('may end in %s', (ending) => {
    for (const host of [
      `db1.acme.${ending}`,
      `www.zwamb.${ending}`,
      `DB1.ACME.${ending.toUpperCase()}`,
    ]) {
      expect(containsHost(host)).toBe(true);
      expect(containsHost(`${host}-service`)).toBe(true);
      expect(containsHost(`node_count_${host}`)).toBe(true);
      expect(containsHost(`could not reach ${host}:443`)).toBe(true);
    }
  });

  test.each(['db1.例え.jp', 'müller.österreich.example.ai', 'почта.пример.com'])(
    'may have letters of any script: %s',
    (host) => {
      expect(containsHost(host)).toBe(true);
    },
  );

  test.each([
    'db1.prod',
    'mueller.berlin',
    'acme.bank',
    'web-01.shop',
    'acme.ai',
    'acme.com',
    'worker12.k8s',
    'node7.dmz',
    ...['zwamb.tech', 'zwamb.shop', 'acme.app', 'mueller.dev', 'acme.store', 'acme-corp.network'],
    ...['ACME.SHOP', 'mueller.home', 'alice.svc', 'acme.events', 'kafka-acme.prod', 'erika.me'],
  ])('may have one label only: %s', (host) => {
    expect(containsHost(host)).toBe(true);
  });
});

describe('no host', () => {
  test.each([
    ...['dcos-history-service-service', 'foo.service', 'var-lib-docker.mount', 'multi-user.target'],
    ...['dbus-org.freedesktop.login1.service', 'systemd-networkd.socket', 'network.online.target'],
    ...[
      'com.mesosphere.x',
      'org.apache.kafka.tools',
      'java.util.zip',
      'java.util.zip.ZipException',
    ],
    ...['Octopus.Script', 'Acme.Steps.Email', 'Azure.Storage.Blobs', 'google.cloud.storage'],
    ...[
      'setup.py',
      'install.sh',
      'lib.rs',
      'README.md',
      'libfoo.so',
      'archive.zip',
      'my.module.py',
    ],
    ...[
      'libstdc++.so.6',
      'python3.11',
      'gir1.2-glib-2.0',
      'ruamel.yaml',
      'lodash.merge',
      'chart.js',
    ],
    ...['1.2.3', '2.0.0-rc.1', '5.0.0.GA', '1.el7.centos', '3.9.0.dev', 'kafka.prod', 'e.g. this'],
    ...['system.started', 'button.click', 'ui.button.click', 'menu.file.download', 'user.support'],
    ...[
      'graphdb.graph-merged',
      'task-handler.task-completed',
      'user.created.first',
      'error.server',
    ],
    ...[
      '1.0.post1.dev2',
      '2.0.rc1.dev3',
      '1.0-beta.dev',
      '1.13.0-beta1.dev',
      'org.apache.mesos',
      'kafka.qa',
    ],
    ...['node_count_*.aws_ec2_instance', 'cassandra.dcos', 'a.total', 'backup.completed'],
    ...[
      'kafka.broker',
      'jobs.events',
      'worker-queue.info',
      'error.report',
      'com.app',
      'acme.total',
    ],
    ...[
      'x.aws_ec2_instance',
      'prometheus.service',
      'dcos-net.timer',
      'com.zwamb.app',
      'Acme.Shop',
      'email.tools',
      'cache.host',
    ],
  ])('is %s', (text) => {
    expect(containsHost(text)).toBe(false);
  });

  test('is among the names of this product and its fixtures', () => {
    const names = readdirSync('libs/telemetry', { recursive: true, encoding: 'utf8' })
      .filter((file) => /^(?:dcos|products)\/[a-z-]+\.ts$/.test(file) && !file.includes('test'))
      .flatMap((file) => readFileSync(`libs/telemetry/${file}`, 'utf8').match(/'[\w.:*-]+'/g) ?? [])
      .map((name) => name.slice(1, -1));
    expect(names.length).toBeGreaterThan(200);
    expect(names.filter(containsHost)).toEqual([]);
  });
});
