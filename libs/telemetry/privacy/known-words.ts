import { isUniversePackage } from '../dcos/universe.js';
import { words } from './words.js';

/*
 * Words that may be part of a kept name: the vocabulary of error messages, and words of interfaces, events and common
 * software. Names of persons, places and companies are not among them.
 */

const TEXT = `
a an ui button menu tab tabs page pages panel dialog modal form field icon list table row column chart graph card click
clicked open opened close closed view viewed views show shown hide hidden toggle toggled select selected deselect search
searched filter filtered sort sorted scroll scrolled hover hovered drag dragged submit submitted download downloads
downloaded upload uploads uploaded login logout logged signin signout signup trial setting settings preference preferences
profile help support chat video audio photo photos news blog email team teams tool tools build builds built app apps project
projects pipeline pipelines workflow workflows task tasks job jobs run runs rerun plugin plugins integration integrations
catalog store market feed live social media design style studio report reports dashboard dashboards usage billing plan
plans cluster clusters pool pools agent agents worker workers service services network networks storage host hosting domain
domains group groups space spaces works zone cloud update updates updated health metric metrics stats total totals count
counts counter counters started finished completed complete created deleted failed succeeded skipped cancelled canceled
screen alias identify pageview pageviews pageleave autocapture groupidentify rageclick deadclick webvitals vitals survey
surveys heatmap feature flag flags experiment experiments opt optin optout opted sent dismissed impression impressions
session sessions funnel track tracked telemetry tracking analytics ping heartbeat beacon hourly daily weekly monthly yearly
today yesterday happened gone unheard scheduled periodic summary snapshot snapshots collect collected collector stop stops stopped stopping
pause paused resumed restart restarted boot booted launch launched install installs installed installation uninstall
uninstalled upgrade upgrades upgraded downgrade downgraded migrate migrated deploy deploys deployed deployment deployments
undeploy rollback rolled scale scaled scaling provision provisioned deprovisioned register registered unregistered enroll
enrolled invite invited invitation joined left activate activated deactivated enable enabled disable disabled turned
changed change changes edit edited rename renamed move moved copy copied paste pasted import imported imports export exported
exports backup backups restored sync synced save saved load loaded reload reloaded refresh refreshed connect connected
connects disconnected reconnected publish published subscribed unsubscribed subscriber subscribers approve approved rejected
assign assigned unassigned comment commented share shared like liked rate rated review reviewed feedback notification
notifications alert alerts alerted alarm alarms incident incidents purchase purchased checkout cart order orders ordered
payment payments paid invoice invoices license licenses licence renewed expired quota tutorial tour onboarding walkthrough wizard
guide step steps tooltip banner notice announcement changelog release releases released version model models dataset
datasets train trained training inference predict prediction predictions prompt prompts completion completions embedding
embeddings token tokens query queries history editor notebook notebooks cell cells terminal console shell script scripts
command commands cli api sdk ide extension extensions benchmark benchmarks test tests tested pass passed crash crashed
exception unhandled panic hang timeout anr oom slow latency performance perf startup shutdown idle wakeup uptime memory
cpu gpu disk battery bandwidth traffic inbound outbound graphdb graphql graph merged merge merges branch branches commit
commits pull push pushed fork forked clone cloned diff repository repositories artifact artifacts package packages module
modules image images container containers pod pods node nodes namespace namespaces secret secrets config configs
configuration configurations configured policy policies role roles permission permissions user users account accounts
organization organizations workspace workspaces tenant tenants environment environments machine machines target targets
device devices sensor sensors inventory resource resources template templates variable variables channel channels
lifecycle runbook runbooks trigger triggers webhook webhooks handler handlers listener queue queues topic topics stream
streams partition partitions broker brokers consumer consumers producer producers replica replicas shard shards index
indexes database databases schema schemas cache caches proxy gateway balancer ingress router routes core main primary
standby server servers client clients web mobile desktop browser frontend backend master masters slave leader follower
election infra platform system systems os kernel daemon process processes thread threads timer cron scheduler metadata
info detail details status state deletion anything any unknown other later probe watchdog monitor monitors
monitoring observability logs logging trace traces tracing span spans event events action actions activity activities
scan scanned scans scanner vulnerability vulnerabilities check checks checked audit audits compliance mesos dcos
marathon zookeeper zk kafka redis postgres postgresql mysql mongo mongodb elastic elasticsearch opensearch solr cassandra
spark hadoop hdfs yarn flink storm airflow jenkins gitlab github bitbucket jira slack docker podman containerd kubernetes
k8s helm terraform ansible puppet chef vagrant nomad consul vault etcd istio envoy nginx apache tomcat jetty traefik haproxy
rabbitmq activemq nats grpc http http2 https rest soap tcp udp dns tls ssl ssh ftp smtp imap ldap saml oauth oidc sso mfa
jwt json xml yaml csv html css js ts java python node nodejs ruby php rust go golang kotlin scala swift dotnet react vue
angular svelte linux windows macos ios android aws ec2 s3 iam rds eks ecs gcp gke azure aks digitalocean openstack vmware
vsphere onelogin okta datadog grafana prometheus kibana logstash fluentd sentry posthog segment resoto octopus tentacle
cosmos muster fs io tty usb url uri uid gid sql nosql etl ci cd qa dev prod beta alpha rc preview nightly async batch bulk
`;

const MORE: ReadonlySet<string> = new Set(TEXT.trim().split(/\s+/));

/** Whether all words of a name are known, or among `more`. Numbers count as unknown. */
export function consistsOfKnownWords(name: string, more?: ReadonlySet<string>): boolean {
  return wordsOf(name).every((word) => isKnownWord(word) || more?.has(word) === true);
}

/** The lower-case words of a name, which any other characters separate. */
export function wordsOf(name: string): string[] {
  return name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

function isKnownWord(word: string): boolean {
  return words.has(word) || MORE.has(word) || isUniversePackage(word);
}
