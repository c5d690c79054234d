/**
 * The vocabulary of error messages: words that are not listed here are replaced. It contains the most frequent words of
 * error messages in Python's standard library, Node.js and their packages, plus words of cloud inventories, jobs and
 * databases added by hand. Names of persons, places, companies and products were removed, except words that errors
 * need (mark).
 */
const TEXT = `
a able abort aborted aborting about above absent absolute accept acceptable accepted access
accessed account accounts acl acquire across action activate activated activation active actual
actually add added adding additional address addresses admin administrator after again against
agent ahead alert alerts alias all allocate allocated allocating allocation allow allowable
allowed allows along already also although always ambiguous amount an and another any anymore
anything api app appear appears append applicable application applied apply appropriate archive
archives are arg args argument arguments arithmetic arn around array arrays as ascii assert
assertion asset assets assign assigned assignment associate associated assume assumed assuming
assumption async asynchronous asyncio at attach attached attachment attempt attempted attempting
attempts attribute attributes audit auth authenticate authenticated authentication authority
authorization authorize authorized authorizer automatic automatically availability available
avoid await aware aws azure back backend background backoff backslash backup bad balancer base
based batch batches be because been before beginning behind being belong below between beyond
big bigint billing binary bind binding bit block blocked blocking blocks body bool boolean
booleans both bound boundary bounds bracket brackets broken browser bucket buckets budget buffer
buffers bug build built builtin burst bus busy busygroup but by byte bytearray bytes cache
cached caching call callable callables callback called caller calling calls can cancel canceled
cancellation cancelled cannot capabilities capability capacity cascade case cases cast catch
category caught cause caused cert certificate certificates chain change changed changes changing
channel char character characters charset check checking checkpoint checksum checksums child
children choose chunk chunked chunks cidr cipher ciphers ciphertext circular claim claims class
classes clause clear cli client clients clock close closed closing cloud cluster clusterdown
clusters code codec collect collected collecting collection collections collector collectors
column columns comma command commands comment comments commit committed common compare compared
comparison compatibility compatible compile compiled compiler complete completed completion
component components compressed compression computation compute computed concurrency concurrent
concurrently condition conditions config configuration configure configured conflict conflicting
conflicts connect connected connecting connection connections consistency consistent const
constant constraint constraints constructor consumed consumer contact contain container
containers containing contains content contents context continuation continue control controller
conversion convert converted converting cookie copied copy copying core coroutine correct
correctly corresponding corrupt corrupted corruption cost could couldn count counter cpu cpus
crash crashed crashes create created creating creation credential credentials critical cron
cross crossslot crypto csv current currently cursor custom cycle daemon data database databases
date dates datetime day days db deactivated deadlock deadlocked deadlocks debug decimal declared
decode decoded decoding decompress decompression decrypt decrypted decryption dedicated default
defaults deferred define defined definition definitions degraded delay delayed delegate delete
deleted deleting deletion delimiter denied deny dependencies dependency dependent depends deploy
deployed deployment deployments deprecated depth describe description descriptor deserialization
deserialize deserialized destination destroyed detach detached detail details detect detected
determine determined device dhcp dict dictionaries dictionary did didn different digest digit
digits direct directly directories directory disable disabled disallowed discard disconnect
disconnected disconnection discovered discovery disk disks dispatch dispatched distinct division
dns do docker document documentation does doesn domain done double down download driver drop
dropped due dump duplicate duplicated duplicates duration during eacces each eaddrinuse eagain
earlier ebadf ebusy econnaborted econnrefused econnreset ecs edge edges eexist egress
ehostunreach eintr einval eisdir either eks elapsed element elements eloop email emfile empty
enable enabled enabling encode encoded encoding encodings encountered encrypt encrypted
encryption end ended endpoint enetunreach enforce engine enoent enomem enospc enotdir enotempty
enotfound enough enqueue enqueued ensure enter entities entity entries entry enum env
environment eof eperm epipe equal equivalent err errno error errored errors escape escaped
establish established etag etc etimedout evaluate event events ever every evicted eviction exact
exactly example exceed exceeded exceeding exceeds except exception exceptions exclude exclusive
exec execabort executable execute executed executing execution executor exhausted exhaustion
exist existing exists exit exited exiting expect expected expecting expects expiration expire
expired expires expiry explicit explicitly export exported expression expressions extend
extended extends extension extensions external extra fail failed failover fails failure failures
fallback false family fatal fault feature features federated fetch fetching few field fields
file filename filenames files filesystem filter final find finding finished firewall firewalls
first fix fixed flag flags float floating flush folder follow followed following for forbidden
force forced forcibly foreign form format forward found fragment free fresh from frozen full
func function functions future gateway gateways gcp generate generated generator generators get
getting given global gone got graceful gracefully grant granted grants graph graphql graphs
greater group groups grpc gzip had handle handled handler handling handshake hang happen
happened happens has hash hashes hasn have having head header headers health healthy heap
heartbeat help here high higher history host hostname hostnames hosts hour hours how however
html http https i iam id idempotency idempotent identifier identifiers identify identity idle
ids if ignore ignored illegal image images immediate immediately immutable impersonate
impersonation implement implementation implemented import imported impossible in inaccessible
inactive include included includes including incoming incompatible incomplete inconsistent
incorrect increase increment indentation index indexes indices infinite infinity info
information ingest ingested ingestion ingress inherited init initial initialization initialize
initialized inner input inputs insecure insert inserted insertion inside install installation
installed instance instances instead instruction insufficient int integer integers integrity
interface internal interpreter interrupt interrupted interval into invalid invalidate
invalidated invalidation inventory invocation invoke ip is isn isoformat isolation issue issued
issuer issues it item items iterable iterate iteration iterations iterator its itself job jobs
join json jsonb jwks jwt keep keepalive kernel key keyboard keys keyword keywords kill killed
kind kms know known kubernetes kwargs label labels lag lambda language large larger last latency
later latest ldap leader leading leaf leak lease leased leases least left legacy legal length
lengths less level library lifecycle like likely limit limited limits line link linked links
linux list listen listener lists literal ll load loaded loading local locale locate located
location lock locked locking locks log logged logger logging login logout logs long longer look
lookup loop lost low lower lowercase main maintenance make malformed managed management manager
mandatory manifest manually many map mapping mark master masterdown match matched matches
matching math max maximum may maybe me member members memory merge merged merging message
messages metadata method methods metric metrics mfa might migrate migrated migrating migration
migrations millisecond milliseconds min minimum minute minutes misconf misconfiguration
misconfigured mismatch mismatched missing mode model modified modifier modify module modules
monitor monitoring month more most mount move moved much multipart multiple must mutual my naive
name named names namespace namespaces near necessary need needed needs negative negotiate
negotiation neither nested nesting network never new newline next no noauth node nodes nogroup
non nonce none nonexistent noperm normalize normalized noscript not notes nothing notification
notifications notify now null nullable number numbers numeric oauth object objects occur
occurred occurs of off offset oid oidc ok old omitted on once one online only onto oom open
opened opening operand operands operating operation operations operator option optional options
or order ordered organization organizations origin original orphan orphaned os other otherwise
otp our out outage outdated outgoing output outside over overflow overlap overlapping overload
overloaded override overwrite own owned owner ownership package packages page pages pagination
pair panic parallel parameter parameters params parent parentheses parse parsed parser parsing
part partial partition partitioned partitions pass passed passing passphrase password passwords
patch path paths pattern patterns pause paused payload payment peer peers pem pending per
percent perform performed perhaps permanent permanently permission permissions permitted persist
pickle pickled pid pipe pipeline placed placeholder platform please plugin plugins pod pods
point pointer policies policy poll pool port ports position positional positive posix possible
post postgres postgresql precondition prefix prepared present prevent previous previously
primary principal principals print priority private privilege privileged privileges probably
problem problems procedure proceed process processes processing product program progress
prohibited project projects promise properties property protected protocol protocols provide
provided provider providers provision provisioned provisioning proxies proxy public publish
published put python qualified queries query querying queue queued queues quota quotas quote
quoted quotes race raise raised random range ranges rate rather raw rdb rds re reach reachable
reached read readable reader reading readonly ready reason reasons receive received receiver
receiving recent recipient recipients recognized reconnect reconnecting record records recover
recoverable recovery recursion recursive redirect redirected redirects redis reduce reference
referenced references refresh refreshed refreshing refused regardless regex region regional
regions register registered registration registry reject rejected rejection relation relations
relative release released reload remain remaining remote remove removed rename replace replaced
replacement replica replicas replication reply report reported repository request requested
requests require required requirement requirements requires reservation reserved reset
resolution resolve resolved resolver resolving resource resources respond responded responding
response responses rest restart restarted restarting restore restored restrict restricted result
results resume resumed retention retried retries retrieval retrieve retry retryable retrying
return returned returning returns revocation revoke revoked right role roles rollback root route
routing row rows rpc rsa rule rules run runner running runtime s same saml satisfy save
savepoint saving scale scan scanned scanning scans schedule scheduled scheduler scheduling
schema schemas scope script sdk search searching second secondary seconds secret secrets section
security see seek segment select self semaphore semicolon send sender sending sent separate
separator sequence sequences sequential serial serializable serialization serialize serialized
server serverless servers service session sessions set sets setting settings setup shall shard
shards shared shell short shorter should shouldn show shutdown shutting side sigabrt sighup
sigint sigkill sign signal signature signatures signed signing sigpipe sigsegv sigterm
simultaneously since single size skip skipped skipping sku slash slice slot slots slow slowdown
small smaller snapshot snapshots sns so socket sockets some someone something sort sorted source
sources space span spawn specific specification specified specifies specify spot sql sqs ssh ssl
sslmode sso stack stacks stacktrace stale stalled standard standby start started starting
startup stat state statement statements static status stderr stdin stdio stdout step still stop
stopped storage store stored str stream streamed streaming streams strict strictly string
stringify strings sts subject submit submitted subnet subnets subprocess subscribe subscribed
subscriptable subscription subscriptions succeed succeeded success successfully such sufficient
suffix summary superuser supplied supply support supported supports sure surrogates suspend
suspended suspension swap switch symlink sync synchronization synchronous syntax system systems
t table tables tablespace tag tags take taken takes target targets task tasks tcp telemetry
template templates temporarily temporary tenant tenants term terminate terminated terminating
terms test text than that the their them then there therefore these they third this those though
thread threading threads three threshold throttle throttled throttling through throughput throw
thrown thus time timed timedelta timeout timeouts times timestamp timestamps timezone tls to
together token tokens too topic total trace traceback trailing transaction transactions transfer
transient transition transport traversal traverse tree tried tries trigger triggers true
truncate truncated truncation trust trusted try tryagain trying tuple tuples twice two type
typed typeof types udp uid unable unacceptable unauthenticated unauthorized unavailable unbound
unbounded uncaught undefined under underlying unencrypted unexpected unexpectedly unhandled
unhashable unhealthy unicode unimplemented union unique unit units unix unknown unless unlink
unlocked unmatched unnecessary unpack unprivileged unprocessable unquoted unreachable unreadable
unrecognized unrecoverable unregistered unresolved unresponsive unsafe unset unsigned
unsupported unterminated until untrusted unusable unused up update updated updates upgrade
upgrading upload upon upsert url urllib urls us usable usage use used user username uses using
usually utc utf utility uuid uuids vacuum valid validate validation validator value values
variable variables vault ve verification verified verify verifying version versions vertex very
via view views violated violates violation vm volume volumes vpc vpn vs wait waiting want warn
warning warnings was wasn watch we web webhook webhooks websocket week well were what when where
whether which while whitespace who whole whose why wildcard will window windows with within
without word work worker workers workflow workflows works workspace would wouldn writable write
writer writes writing written wrong wrongpass wrongtype wrote xml yaml year yes yet yield you
your zero zip zlib zone zones
`;

export const words: ReadonlySet<string> = new Set(TEXT.trim().split(/\s+/));
