import { createLogger, migrateSettings, readJsonFolder, runProcess, StartupError } from '#platform';
import { migrate, UnsuitableDatabase } from '#storage';
import { cadencesOf, catalogueOf, ownDeclarations, readDeclaration } from '#telemetry';

runProcess(
  async () => {
    const { productsDir, logLevel, ...access } = migrateSettings();
    const logger = createLogger({ name: 'migrate', level: logLevel });
    const declared = await readJsonFolder(productsDir, readDeclaration);
    const declarations = [...ownDeclarations, ...declared];
    const { applied } = await migrate({
      ...access,
      catalogue: catalogueOf(declarations),
      cadences: cadencesOf(declarations),
      log: (line) => logger.info(line),
    }).catch((cause: unknown) => {
      if (!(cause instanceof UnsuitableDatabase)) throw cause;
      throw new StartupError(cause.message, { cause });
    });
    logger.info({ applied: applied.length }, 'the database is up to date');
    return { stop: () => Promise.resolve() };
  },
  { name: 'migrate' },
);
