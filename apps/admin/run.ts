import { runProcess } from '#platform';
import { startAdmin } from './main.js';

runProcess(() => startAdmin(), { name: 'admin' });
