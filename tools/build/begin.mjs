/** The first step of `npm run build`. */
import { beginBuild } from './stamp.mjs';

beginBuild(process.cwd());
