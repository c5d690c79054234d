import { cleanText } from '../readings.js';
import type { EventReader, UiAction } from '../report.js';
import { uiSnapshot } from '../report.js';
import type { Defect } from '../vocabulary.js';

const MAX_PATH_LENGTH = 256;
const MAX_VERSION_LENGTH = 64;

/**
 * Reads an event of the DC/OS web UI: `page`, `identify`, `dcos_login`, `dcos_logout`. Any field may
 * be null. Of a page only its path is kept, without query and fragment.
 * Source: github.com/dcos/dcos-ui, the oauth and external-links analytics plugins.
 */
export function readUiEvent(action: UiAction): EventReader {
  return (properties) => {
    const defects: Defect[] = [];
    const read = (key: string, maxLength: number): string => {
      const raw = properties[key];
      if (raw === undefined || raw === null) return '';
      if (typeof raw === 'string' && raw.length <= maxLength) return cleanText(raw);
      defects.push({ path: key, reason: typeof raw === 'string' ? 'too_long' : 'not_text' });
      return '';
    };
    const path = read('path', MAX_PATH_LENGTH).replace(/[?#].*$/s, '');
    const appVersion = read('appVersion', MAX_VERSION_LENGTH);
    return { content: { snapshot: uiSnapshot({ action, path, appVersion }) }, defects };
  };
}
