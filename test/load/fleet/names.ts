/** Realistic names reported by a DC/OS fleet. */

export const VERSIONS = [
  ...['1.8.9', '1.9.11', '1.10.11', '1.11.12', '1.12.5', '1.13.9', '2.0.4', '2.1.0'],
];
export const PROVIDERS = ['aws', 'azure', 'gcp', 'onprem'];

/** Units in all versions. */
const COMMON_UNITS = [
  ...['dcos-adminrouter-service', 'dcos-adminrouter-agent-service', 'dcos-cosmos-service'],
  ...['dcos-diagnostics-service', 'dcos-diagnostics-socket', 'dcos-exhibitor-service'],
  ...['dcos-gen-resolvconf-service', 'dcos-gen-resolvconf-timer', 'dcos-history-service'],
  ...['dcos-log-agent-service', 'dcos-log-master-service', 'dcos-logrotate-agent-service'],
  ...['dcos-logrotate-agent-timer', 'dcos-logrotate-master-service', 'dcos-logrotate-master-timer'],
  ...['dcos-marathon-service', 'dcos-mesos-service', 'dcos-mesos-dns-service'],
  ...['dcos-mesos-slave-public-service', 'dcos-metronome-service', 'dcos-pkgpanda-api-service'],
  ...['dcos-rexray-service', 'dcos-signal-service', 'dcos-signal-timer'],
];
/** In order of appearance. Each version removes the first one and adds another. */
const PASSING_UNITS = [
  ...['dcos-minuteman-service', 'dcos-spartan-service', 'dcos-navstar-service'],
  ...['dcos-oauth-service', 'dcos-epmd-service', 'dcos-docker-gc-timer', 'dcos-net-service'],
  ...['dcos-checks-api-service', 'dcos-telegraf-service', 'dcos-bouncer-service'],
  ...['dcos-cockroach-service', 'dcos-fluent-bit-service', 'dcos-ui-update-service-service'],
];

/** Number of units in each version. */
export const UNITS = 30;

/** The units of a version, by its number, in storage order. */
export function unitsOf(version: number): string[] {
  const passing = PASSING_UNITS.slice(version, version + UNITS - COMMON_UNITS.length);
  return [...COMMON_UNITS, ...passing].sort();
}

/** Most popular first. */
export const PACKAGES = [
  ...['marathon-lb', 'kafka', 'cassandra', 'spark', 'jenkins', 'elastic', 'hdfs', 'zeppelin'],
  ...['kubernetes', 'dcos-monitoring', 'edgelb', 'prometheus', 'grafana', 'nginx', 'redis'],
  ...['postgresql', 'mysql', 'confluent-kafka', 'gitlab', 'influxdb', 'cockroachdb', 'flink'],
  ...['arangodb', 'artifactory', 'chronos', 'datadog', 'dynatrace', 'etcd', 'jupyterlab'],
  ...['kibana', 'linkerd', 'logstash', 'memsql', 'minio', 'mongodb', 'nifi', 'openvpn'],
  ...['riak', 'storm', 'vamp'],
];

/** Most popular first. */
export const FRAMEWORKS = [
  ...['marathon', 'metronome', 'kafka', 'cassandra', 'spark', 'jenkins', 'elastic', 'hdfs'],
  ...['kubernetes', 'edgelb', 'confluent-kafka', 'zeppelin', 'chronos', 'flink', 'arangodb'],
];

/** Pages of the UI. */
export const PATHS = [
  ...['/dashboard', '/services/overview', '/services/detail/[id]', '/services/detail/[id]/tasks'],
  ...['/services/detail/[id]/tasks/[id]/files', '/services/detail/[id]/configuration'],
  ...['/services/detail/[id]/debug', '/services/detail/[id]/volumes', '/services/create'],
  ...['/services/detail/[id]/edit', '/jobs/overview', '/jobs/detail/[id]', '/jobs/create'],
  ...['/jobs/detail/[id]/run-history', '/catalog/packages', '/catalog/packages/[id]'],
  ...['/catalog/packages/[id]/deploy', '/nodes/agents', '/nodes/agents/[id]/tasks'],
  ...['/nodes/agents/[id]/health', '/nodes/agents/[id]/details', '/nodes/masters'],
  ...['/networking/networks', '/networking/networks/[id]', '/networking/service-addresses'],
  ...['/secrets', '/secrets/create', '/cluster/overview', '/components', '/components/[id]/nodes'],
  ...['/settings/ui-settings', '/settings/repositories', '/organization/users'],
  ...['/organization/groups'],
];

export function quoted(texts: readonly string[]): string {
  return texts.map((text) => `'${text}'`).join();
}
