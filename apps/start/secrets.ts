import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { StartupError } from '#platform';
import { ownProducts } from '#telemetry';
import { readIfThere, writePrivately } from '#devservers';

/** What is made up at the first start and stays the same from then on. */
export interface Secrets {
  postgresPassword: string;
  redisPassword: string;
  analystPassword: string;
  /** Of the role that our own processes connect as. */
  appPassword: string;
  /** Under which ids that must not be kept are hashed. */
  identityKey: string;
  /** Under which erased installations are known. */
  suppressionKey: string;
  /** The first administrator's. */
  adminToken: string;
  /** product → key */
  writeKeys: Record<string, string>;
}

/**
 * @param products those that need a write key
 * @throws StartupError when the file is there but broken: making new ones would lock us out
 */
export async function readSecrets(
  dataDir: string,
  products: readonly string[] = ownProducts,
): Promise<Secrets> {
  const file = join(dataDir, 'secrets.json');
  const kept = parse(file, await readIfThere(file));
  const secrets: Secrets = {
    postgresPassword: kept.postgresPassword ?? random(),
    redisPassword: kept.redisPassword ?? random(),
    analystPassword: kept.analystPassword ?? random(),
    appPassword: kept.appPassword ?? random(),
    identityKey: kept.identityKey ?? random(),
    suppressionKey: kept.suppressionKey ?? random(),
    adminToken: kept.adminToken ?? `mat_${random()}`,
    writeKeys: { ...newWriteKeys(products), ...kept.writeKeys },
  };
  await writePrivately(file, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

function parse(file: string, text = '{}'): Partial<Secrets> {
  try {
    return JSON.parse(text) as Partial<Secrets>;
  } catch (cause) {
    throw new StartupError(`${file} is not valid JSON; restore it, or remove its whole folder.`, {
      cause,
    });
  }
}

/** A key begins with its product, for people who find one and wonder whose it is. */
function newWriteKeys(products: readonly string[]): Record<string, string> {
  return Object.fromEntries(products.map((product) => [product, `wk_${product}_${random()}`]));
}

/** 160 random bits, in letters and digits only: URLs and double-clicks keep it whole. */
const random = () => randomBytes(20).toString('hex');
