/** Runs Postgres and Redis on one machine, for `npm start`, the tests and the benchmarks. */
export { readSince, rotateLog } from './log-file.js';
export { restrictToOwner, OWNER_ONLY_UMASK } from './owner-only.js';
export { ensurePortFree, findFreePort, assignPorts } from './ports.js';
export { ensureDatabase, POSTGRES_STOP_SIGNALS, startPostgres } from './postgres.js';
export { ensurePostgresUser, runAs } from './postgres-user.js';
export { readIfExists, writePrivateFile } from './private-file.js';
export { markOf, runningPid } from './process-mark.js';
export { REDIS_STOP_SIGNALS, startRedis } from './redis.js';
export {
  type StopSignal,
  writePidFile,
  type Service,
  startService,
  stopOrphan,
} from './service.js';
export { Teardown } from './teardown.js';
