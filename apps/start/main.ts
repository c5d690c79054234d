import { createHash } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeCertificate, runProcess, startSettings, type StartSettings } from '#platform';
import { migrate } from '#storage';
import { announcement } from './announcement.js';
import { AppProcess } from './app-process.js';
import { startDependencies } from './dependencies.js';
import { publishEndpoints, urlAs, urlHost } from './endpoints.js';
import { takeLock } from './lock.js';
import { checkFree } from './ports.js';
import { readSecrets } from './secrets.js';
import { Teardown } from './teardown.js';

const say = (line: string) => console.log(line);

const settings = startSettings();
