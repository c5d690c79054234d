import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { StartupError } from '#platform';
import { readIfThere, writePrivately } from './private-file.js';

const PRODUCTS = ['dcos', 'octopus', 'resoto'];

/** What is made up at the first start and stays the same from then on. */
export interface Secrets {
  postgresPassword: string;
  redisPassword: string;
  analystPassword: string;
  /** product → key */
  writeKeys: Record<string, string>;
}

/** @throws StartupError when the file is there but broken: making new ones would lock us out */
export async function readSecrets(dataDir: string): Promise<Secrets> {
  const file = join(dataDir, 'secrets.json');
  const kept = parse(file, await readIfThere(file));
  const secrets: Secrets = {
    postgresPassword: kept.postgresPassword ?? random(),
    redisPassword: kept.redisPassword ?? random(),
    analystPassword: kept.analystPassword ?? random(),
    writeKeys: { ...newWriteKeys(), ...kept.writeKeys },
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
function newWriteKeys(): Record<string, string> {
  return Object.fromEntries(PRODUCTS.map((product) => [product, `wk_${product}_${random()}`]));
}

/** 160 random bits, in letters and digits only: URLs and double-clicks keep it whole. */
const random = () => randomBytes(20).toString('hex');
