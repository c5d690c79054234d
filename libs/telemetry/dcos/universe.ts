/**
 * The packages of the DC/OS Universe, and other default ids under which they are installed. The catalogue is public
 * and final, because DC/OS is discontinued.
 * Source: github.com/mesosphere/universe, repo/packages.
 */
const TEXT = `
alluxio alluxio-enterprise appsoar aqua arangodb arangodb3 artifactory artifactory-lb avi bitbucket bookkeeper cadvisor
calico canal cassandra chronos clair cloudbees cloudera cockroachdb concord confluent-connect confluent-control-center
confluent-kafka confluent-replicator confluent-rest-proxy confluent-schema-registry confluent-zookeeper consul couchbase
couchdb crate data-science-engine datadog datastax-dse datastax-ops dcos-bootstrap dcos-enterprise-cli dcos-monitoring
dcos-net dcos-vault drupal dse dynatrace edge-lb edgelb edgelb-pool elastic elasticsearch elasticsearch-executor etcd
exhibitor fabric flink flocker gestalt-framework gitlab gluster gocd grafana hadoop hazelcast hbase hdfs hello-world
heron hive hue ignite influxdb instana-agent jenkins jupyter jupyterlab kafka kafka-manager kafka-zookeeper keycloak kibana
kong koding kubernetes kubernetes-cluster lashup linkerd linkerd-viz livy logstash magento marathon marathon-lb
marathon-slack marathon-user mariadb memsql mesos-dns mesosphere-shared-reader metronome minio moloch mongodb
mongodb-replicaset mr-redis mysql mysql-admin namerd neo4j netsil netsil-collectors newrelic nexus nfs nginx nifi
node-exporter octarine openldap openvpn openvpn-admin oracle packetbeat pachyderm percona-mongo percona-pxc-mysql
percona-server-mongodb portworx portworx-cassandra portworx-couchdb portworx-elastic portworx-hdfs portworx-kafka
portworx-zookeeper postgresql postgresql-admin presto prometheus pushgateway quobyte rabbitmq redis redis-ha redis-master
rexray riak riak-kv riak-ts ruxit scale-io scylladb secor shiny-server snappydata sonarqube spark spark-history
spark-notebook spark-shuffle statsd storageos storm streamsets swarm sysdig telegraf tensorflow traefik treasure-data
tunnel-cli unifi unravel vamp vault vitess vnc weavescope weavescope-probe wordpress yugabytedb zeppelin zookeeper
`;

const NAMES = new Set(TEXT.trim().split(/\s+/));

/** Whether an app id is the default id of a Universe package. */
export function isUniversePackage(appId: string): boolean {
  return NAMES.has(appId.replace(/^\/?(?:beta-)?/, ''));
}
