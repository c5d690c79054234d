import { createLogger, migrateSettings, runProcess } from '#platform';
import { migrate } from '#storage';

runProcess(
  async () => {
    const { databaseUrl, analystPassword, logLevel } = migrateSettings();
    const logger = createLogger({ name: 'migrate', level: logLevel });
    const { applied } = await migrate({
      databaseUrl,
      analystPassword,
      log: (line) => logger.info(line),
    });
    logger.info({ applied: applied.length }, 'the database is up to date');
    return { stop: () => Promise.resolve() };
  },
  { name: 'migrate' },
);
