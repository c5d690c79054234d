import { safeKey } from '../privacy/keys.js';
import type { ProductDeclaration } from './declaration.js';

/** Rules that the readers of a product's events share. */
export interface ProductRules {
  declaration: ProductDeclaration;
  /** The name under which an undeclared property is kept. */
  nameOf(key: string): string;
  isIgnored(key: string): boolean;
  /** The properties that describe the installation. */
  descriptive: ReadonlySet<string>;
}

/** Derives the rules of a declaration. */
export function rulesOf(declaration: ProductDeclaration): ProductRules {
  const collapse = (declaration.collapse ?? []).map((pattern) => {
    const [before = '', after = ''] = pattern.split('*');
    return { before, after, starred: pattern };
  });
  const ignore = declaration.ignore ?? [];
  const ignored = new Set(ignore.filter((name) => !name.endsWith('*')));
  const prefixes = ignore.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  const fields = { version: 'version', ...declaration.installation };
  return {
    declaration,
    descriptive: new Set(Object.values(fields)),
    isIgnored: (key) =>
      // PostHog's SDKs add properties with such names ($time, $screen_width, $feature/…).
      key.startsWith('$') || ignored.has(key) || prefixes.some((prefix) => key.startsWith(prefix)),
    nameOf(key) {
      for (const { before, after, starred } of collapse) {
        const at = key.lastIndexOf(after);
        if (key.startsWith(before) && at >= before.length) {
          return starred + safeKey(key.slice(at + after.length));
        }
      }
      return safeKey(key);
    },
  };
}
