import js from '@eslint/js';
import { globalIgnores } from 'eslint/config';
import redos from 'eslint-plugin-redos';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';
import { importRules } from './eslint.rooms.js';
import { plainEnglish } from './tools/lint/plain-english.mjs';

const sources = ['**/*.{ts,mts}'];
const tests = ['**/*.test.ts', 'test/**/*.ts'];

export default tseslint.config(
  globalIgnores(['dist/', '.data/', 'coverage/', '**/generated/', 'apps/cli/admin-types.ts']),
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-undef': 'off',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    // Senders choose the texts, so no expression may take more than linear time. A sticky one begins at one
    // place only; the loop around it must consume what it has looked at.
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': [
        'error',
        { report: 'potential', ignoreSticky: true, ignorePartial: true },
      ],
    },
  },
  {
    // Finds what the rules above do not, by analysis and by trying; that takes seconds, so not in tests.
    files: ['apps/**', 'libs/**'],
    ignores: tests,
    plugins: { redos },
    rules: { 'redos/no-vulnerable': ['error', { timeout: 5000 }] },
  },
  {
    files: sources,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      // One program for all sources; the project service makes another for each tsconfig.json, and
      // takes half as long again.
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: true }],
      // Takes a flag that a callback sets for one that never changes.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // An arrow that only passes a call on, and a method that is async because its interface is,
      // are clear as they stand; `type` or `interface` is the writer's choice.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
      // Nest declares its options as a class and takes them as a literal.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
    },
  },
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts', 'tools/**', 'test/load/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: tests,
    rules: {
      // Tests read the JSON of answers and rows; what they expect of it is the type.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['apps/start/**', 'tools/**', 'test/**'], rules: { 'no-console': 'off' } },
  {
    files: ['apps/**', 'libs/**', 'test/**', 'tools/**'],
    ignores: ['tools/lint/phrases*'],
    plugins: { text: { rules: { 'plain-english': plainEnglish } } },
    rules: { 'text/plain-english': 'error' },
  },
  ...importRules,
);
