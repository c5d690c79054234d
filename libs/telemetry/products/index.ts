import { dcos } from '../dcos/index.js';
import type { Product } from '../report.js';
import { compileProduct } from './compile.js';
import type { ProductDeclaration } from './declaration.js';
import { octopus } from './octopus.js';
import { InvalidDeclaration } from './read-declaration.js';
import { resoto } from './resoto.js';

/** The products whose events are understood, by the name that their write keys have. */
export type Products = ReadonlyMap<string, Product>;

/** Muster's own declarations. */
export const ownDeclarations: readonly ProductDeclaration[] = [octopus, resoto];

/** The names of the products that Muster knows by itself. */
export const ownProducts: readonly string[] = [
  dcos.product,
  ...ownDeclarations.map(({ product }) => product),
];

/**
 * Muster's own products, and those declared beside them.
 * @throws InvalidDeclaration where a product is declared twice
 */
export function compileProducts(others: readonly ProductDeclaration[] = []): Products {
  const products = new Map<string, Product>([[dcos.product, dcos]]);
  for (const declaration of [...ownDeclarations, ...others]) {
    if (products.has(declaration.product)) {
      throw new InvalidDeclaration('product', `${declaration.product} is declared already`);
    }
    products.set(declaration.product, compileProduct(declaration));
  }
  return products;
}
