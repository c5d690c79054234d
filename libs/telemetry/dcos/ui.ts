import { asVersion } from '../privacy/tokens.js';
import type { EventReader, UiAction } from '../report.js';
import { uiSnapshot } from '../report.js';
import type { Defect } from '../vocabulary.js';

const MAX_PATH_LENGTH = 256;

/**
 * The words of the UI's routes. Between them, a route may contain the name of a service, a host or a user, and some
 * versions send each view twice: with the name, and with a placeholder. So every other word becomes a placeholder.
 * Source: github.com/dcos/dcos-ui, src/js/routes and plugins.
 */
const ROUTE_WORDS = new Set(
  (
    'access-denied add-repository agents all apps auth-providers authenticate authentication backend ' +
    'backends catalog clusters cluster cluster-linked components configuration configure connections ' +
    'container containers create create-job create-service dashboard debug deploy deployment ' +
    'deployments detail details directories directory edit endpoints error errors executors external ' +
    'feedback files frameworks grid groups health history home identity-providers install ' +
    'installed-packages instances intercom job jobs ldap leader linked-clusters login logout logs ' +
    'maintenance masters members metrics migrate network networking networks node nodes ' +
    'not-found offers organization overview package package-details packages permissions pods ' +
    'private-registries profile quota repositories resources run-history runs saml schedule secret ' +
    'secrets security service service-accounts service-addresses services settings stores styles ' +
    'system system-overview table task tasks ui-settings unit units universe user users ' +
    'version versions view virtual-networks volumes welcome xmlhttp'
  ).split(' '),
);

const PLACEHOLDER = '[id]';

/** The path of a page without query and fragment, and with placeholders for names. */
export function uiPath(raw: string): string {
  const [path = ''] = raw.replace(/^#/, '').split(/[?#]/, 1);
  if (path === '') return '';
  const isKept = (part: string) => part === '' || ROUTE_WORDS.has(part);
  return path
    .split('/')
    .map((part) => (isKept(part) ? part : PLACEHOLDER))
    .join('/');
}

/**
 * Reads an event of the DC/OS web UI: `page`, `identify`, `dcos_login`, `dcos_logout`. Any field may
 * be null. Only the path of a page and the keyed hashes of the user and the browser are kept.
 * Source: github.com/dcos/dcos-ui, the oauth and external-links analytics plugins.
 */
export function readUiEvent(action: UiAction): EventReader {
  return (properties, { userKey = null, visitorKey = null }) => {
    const defects: Defect[] = [];
    const path = read('path', (text) => (text.length > MAX_PATH_LENGTH ? null : uiPath(text)));
    const appVersion = read('appVersion', asVersion);
    const snapshot = uiSnapshot({ action, path, appVersion });
    return { content: { snapshot, visitor: { userKey, visitorKey } }, defects };

    function read(key: string, parse: (text: string) => string | null): string {
      const raw = properties[key];
      if (raw === undefined || raw === null || raw === '') return '';
      const value = typeof raw === 'string' ? parse(raw) : null;
      if (value !== null) return value;
      const isLong = typeof raw === 'string' && raw.length > MAX_PATH_LENGTH;
      const reason = isLong ? 'too_long' : typeof raw === 'string' ? 'malformed' : 'not_text';
      defects.push({ path: key, reason });
      return '';
    }
  };
}
