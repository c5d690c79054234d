import { runProcess } from '#platform';
import { startIngest } from './main.js';

runProcess(() => startIngest(), { name: 'ingest' });
