import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { StartupError } from '#platform';
import { ownProducts } from '#telemetry';
import { readIfExists, writePrivateFile } from '#devservers';

/** Secrets that are generated at the first start and stay the same afterwards. */
export interface Secrets {
  postgresPassword: string;
  redisPassword: string;
  analystPassword: string;
  /** Of the role that Muster's processes connect as. */
  appPassword: string;
  /** Key of the hash that replaces ids that must not be stored. */
  identityKey: string;
  /** Key of the hash that identifies erased installations. */
  suppressionKey: string;
  /** The first administrator's. */
  adminToken: string;
  /** product → key */
  writeKeys: Record<string, string>;
}

/**
 * Reads the secrets, and generates missing ones.
 * @param products the products that need a write key
 * @throws StartupError if the file is broken: with new secrets, the databases could not be opened
 */
export async function ensureSecrets(
  dataDir: string,
  products: readonly string[] = ownProducts,
): Promise<Secrets> {
  const file = secretsFile(dataDir);
  const saved = parse(file, await readIfExists(file));
  const secrets: Secrets = {
    postgresPassword: saved.postgresPassword ?? random(),
    redisPassword: saved.redisPassword ?? random(),
    analystPassword: saved.analystPassword ?? random(),
    appPassword: saved.appPassword ?? random(),
    identityKey: saved.identityKey ?? random(),
    suppressionKey: saved.suppressionKey ?? random(),
    adminToken: saved.adminToken ?? newAdminToken(),
    writeKeys: { ...newWriteKeys(products), ...saved.writeKeys },
  };
  await save(dataDir, secrets);
  return secrets;
}

/** Saves and returns another admin token. */
export async function replaceAdminToken(dataDir: string, secrets: Secrets): Promise<string> {
  const adminToken = newAdminToken();
  await save(dataDir, { ...secrets, adminToken });
  return adminToken;
}

const secretsFile = (dataDir: string) => join(dataDir, 'secrets.json');

async function save(dataDir: string, secrets: Secrets): Promise<void> {
  await writePrivateFile(secretsFile(dataDir), `${JSON.stringify(secrets, null, 2)}\n`);
}

function parse(file: string, text = '{}'): Partial<Secrets> {
  try {
    return JSON.parse(text) as Partial<Secrets>;
  } catch (cause) {
    throw new StartupError(
      `${file} is not valid JSON; restore it, or delete the folder with all its data to start over.`,
      {
        cause,
      },
    );
  }
}

/** A key begins with its product, so that a stray key can be attributed. */
function newWriteKeys(products: readonly string[]): Record<string, string> {
  return Object.fromEntries(products.map((product) => [product, `wk_${product}_${random()}`]));
}

const newAdminToken = () => `mat_${random()}`;

/** 160 random bits in hex, which need no escaping in URLs. */
const random = () => randomBytes(20).toString('hex');
