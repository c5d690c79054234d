import { runProcess } from '#platform';
import { startWorker } from './main.js';

runProcess(() => startWorker(), { name: 'worker' });
