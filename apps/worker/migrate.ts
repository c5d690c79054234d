import { createLogger, migrateSettings, readJsonFolder, runProcess } from '#platform';
import { migrate } from '#storage';
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
    });
    logger.info({ applied: applied.length }, 'the database is up to date');
    return { stop: () => Promise.resolve() };
  },
  { name: 'migrate' },
);
