/**
 * The last step of `npm run build`: of each process that serves, one file that needs few others. A
 * process loads some 1,400 modules, and looking for them takes longer than all else at its start.
 */
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const PROCESSES = ['ingest', 'worker', 'admin'];

/** What stays in node_modules: it looks for its own files or drivers there, or is not installed. */
const OUTSIDE = [
  /^(pg|pino)$/,
  /^@bull-board\//,
  /^@nestjs\/(microservices|websockets|platform-express)/,
  /^@fastify\/(static|view|multipart)$/,
  /^class-transformer/,
];

const bundle = await rolldown({
  input: Object.fromEntries(PROCESSES.map((name) => [name, join('dist/apps', name, 'main.js')])),
  platform: 'node',
  external: OUTSIDE,
  onLog(level, log, print) {
    // What cannot be found would only be missed when a process is running.
    print(log.code === 'UNRESOLVED_IMPORT' ? 'error' : level, log);
  },
});
await bundle.write({
  dir: 'dist/bundles',
  cleanDir: true,
  entryFileNames: '[name].js',
  sourcemap: true,
  // Of two classes with the same name, both keep it in what is logged.
  keepNames: true,
});
