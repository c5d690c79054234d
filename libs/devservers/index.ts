/** Postgres and Redis as `npm start`, the tests and the benchmarks run them on one machine. */
export { addedSince, rotate } from './log-file.js';
export { makeOwnerOnly, OWNER_ONLY } from './owner-only.js';
export { checkFree, freePort, rememberedPorts } from './ports.js';
export { ensureDatabase, POSTGRES_ENDING, startPostgres } from './postgres.js';
export { postgresUser, runAs } from './postgres-user.js';
export { readIfThere, writePrivately } from './private-file.js';
export { markOf, runningPid } from './process-mark.js';
export { REDIS_ENDING, startRedis } from './redis.js';
export { type Ending, rememberProcess, type Service, startService, stopOrphan } from './service.js';
export { Teardown } from './teardown.js';
