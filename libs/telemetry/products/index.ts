import { dcos } from '../dcos/index.js';
import type { Product } from '../report.js';
import { compileProduct } from './compile.js';
import type { ProductDeclaration } from './declaration.js';
import { octopus } from './octopus.js';
import { InvalidDeclaration } from './shape.js';
import { resoto } from './resoto.js';

/** The known products by name. */
export type Products = ReadonlyMap<string, Product>;

/** The declarations of built-in products. */
export const ownDeclarations: readonly ProductDeclaration[] = [octopus, resoto];

/** The names of built-in products. */
export const ownProducts: readonly string[] = [
  dcos.product,
  ...ownDeclarations.map(({ product }) => product),
];

/**
 * Compiles the built-in products and other declarations.
 * @throws InvalidDeclaration if a product is declared twice
 */
export function compileProducts(others: readonly ProductDeclaration[] = []): Products {
  const products = new Map<string, Product>([[dcos.product, dcos]]);
  for (const declaration of [...ownDeclarations, ...others]) {
    if (products.has(declaration.product)) {
      throw new InvalidDeclaration('product', `${declaration.product} is already declared`);
    }
    products.set(declaration.product, compileProduct(declaration));
  }
  return products;
}
