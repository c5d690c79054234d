import { Rollups } from '#storage';

/** Rolls up a fleet that was written straight into the tables. */
export async function rollUp(databaseUrl: string): Promise<void> {
  const rollups = new Rollups({ databaseUrl });
  try {
    await rollups.rebuild();
  } finally {
    await rollups.close();
  }
}
