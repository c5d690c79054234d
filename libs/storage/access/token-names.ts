/** Names are parts of URLs, so `.` and `..` are excluded: clients resolve them. */
export const TOKEN_NAME = /^(?!\.{1,2}$)[\w.-]{1,64}$/;

/** The actors of audit entries that are processes and have no token. */
const PROCESSES = ['admin-token', 'installation', 'ledger', 'start'];

/** @returns why a token must not have this name, as a sentence without its period; null if it may */
export function tokenNameProblem(name: string): string | null {
  if (!TOKEN_NAME.test(name)) {
    return 'name must be 1 to 64 letters, digits, or the characters _ . -';
  }
  return PROCESSES.includes(name.toLowerCase())
    ? `name must not be ${PROCESSES.join(', ')}: these are reserved for the audit log`
    : null;
}
