/**
 * The last step of `npm run build`: bundles each server process into one file that needs few others. A process loads
 * about 1,400 modules, and resolving them takes longer than the rest of its start.
 */
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { endBuild } from './stamp.mjs';

const PROCESSES = ['ingest', 'worker', 'admin'];

/** Packages that are not bundled: they load their own files or drivers, or are not installed. */
const EXTERNAL = [
  /^(pg|pino)$/,
  /^@bull-board\//,
  /^@nestjs\/(microservices|websockets|platform-express)/,
  /^@fastify\/(static|view|multipart)$/,
  /^class-transformer/,
];

const bundle = await rolldown({
  input: Object.fromEntries(
    PROCESSES.flatMap((name) => [
      [name, join('dist/apps', name, 'run.js')],
      // For tests, which start the same code in their own process.
      [`${name}.main`, join('dist/apps', name, 'main.js')],
    ]),
  ),
  platform: 'node',
  external: EXTERNAL,
  onLog(level, log, print) {
    // Otherwise a missing module would only be noticed at run time.
    print(log.code === 'UNRESOLVED_IMPORT' ? 'error' : level, log);
  },
});
await bundle.write({
  dir: 'dist/bundles',
  cleanDir: true,
  entryFileNames: '[name].js',
  sourcemap: true,
  // Classes keep their names in logs, even if two have the same name.
  keepNames: true,
});
endBuild(process.cwd());
