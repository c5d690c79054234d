/**
 * Rejects hard-to-read phrases in text that ESLint does not read: docs, SQL, the schema, settings, workflows.
 * Prints `file:line` for each, and exits with 1 if there is one.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { findPhrases } from './phrases.mjs';

const TEXT = /\.(?:md|sql|prisma|ya?ml)$|^\.env\.example$|Dockerfile$/;
/** Other people's words, and what is generated from the code and the schema. */
const IGNORED =
  /^(?:test\/fixtures\/|docs\/(?:reference|dbt)\/|docs\/(?:catalogue|data-dictionary)\.md$)/;

const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0');
let count = 0;
for (const file of files.filter((it) => TEXT.test(it) && !IGNORED.test(it))) {
  const text = readFileSync(file, 'utf8');
  for (const { phrase, instead, index } of findPhrases(text)) {
    const line = text.slice(0, index).split('\n').length;
    console.error(`${file}:${line}: hard to read: "${phrase}". Write ${instead}.`);
    count += 1;
  }
}
process.exitCode = count === 0 ? 0 : 1;
