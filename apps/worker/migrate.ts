import { createLogger, migrateSettings, readJsonFolder, runProcess } from '#platform';
import { migrate } from '#storage';
import { catalogueOf, ownDeclarations, readDeclaration } from '#telemetry';

runProcess(
  async () => {
    const { productsDir, logLevel, ...access } = migrateSettings();
    const logger = createLogger({ name: 'migrate', level: logLevel });
    const declared = await readJsonFolder(productsDir, readDeclaration);
    const { applied } = await migrate({
      ...access,
      catalogue: catalogueOf([...ownDeclarations, ...declared]),
      log: (line) => logger.info(line),
    });
    logger.info({ applied: applied.length }, 'the database is up to date');
    return { stop: () => Promise.resolve() };
  },
  { name: 'migrate' },
);
