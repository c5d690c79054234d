import { isGiven } from '../identify.js';
import type { Properties } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';

/** What the libraries for browsers call themselves in `context.library.name`. */
const WEB_LIBRARY =
  /\banalytics\.js\b|\banalytics-next\b|\bjavascript\b|\brudder-sdk-js\b|\bevents-sdk-js\b|\bjitsu\b|\bfreshpaint\b/i;

/** What every browser's user agent begins with. A server that gives it speaks for the visitor. */
const BROWSER = 'Mozilla/';

/**
 * Whether an event of Segment's dialect comes from a browser: then its `anonymousId` is a visitor's. Segment's
 * and RudderStack's libraries name themselves ("analytics.js", "RudderLabs JavaScript SDK"); RudderStack's name their
 * channel as well; all of them say on which page they are, and in which browser.
 */
export function isFromBrowser({ context, channel }: Record<string, unknown>): boolean {
  if (channel === 'web') return true;
  if (!isObject(context)) return false;
  const { library, page, userAgent } = context;
  const name = isObject(library) ? library.name : undefined;
  return (
    (typeof name === 'string' && WEB_LIBRARY.test(name)) ||
    (isObject(page) && Object.values(page).some(isGiven)) ||
    (typeof userAgent === 'string' && userAgent.startsWith(BROWSER)) ||
    isGiven(context.userAgentData) ||
    context.channel === 'web'
  );
}

const POSTHOG_WEB_LIBRARIES = new Set<unknown>(['web', 'js', 'posthog-js', 'posthog-js-lite']);
/** What posthog-js adds to every event, and no server has. (A server may give `$current_url`.) */
const OF_A_BROWSER = [
  ...['$screen_width', '$viewport_width', '$viewport_height', '$browser', '$raw_user_agent'],
];

/**
 * Whether the `distinct_id` of a PostHog event is only a visitor's: it comes from a browser in which nobody was
 * identified. After `posthog.identify(id)` it is what the product calls itself.
 * Source: posthog-js, `_calculate_event_properties` and `identify`.
 */
export function isPosthogVisitor(event: unknown, id: unknown, properties: Properties): boolean {
  const isFromWeb =
    POSTHOG_WEB_LIBRARIES.has(properties.$lib) ||
    OF_A_BROWSER.some((key) => isGiven(properties[key]));
  const isIdentified =
    properties.$is_identified === true ||
    properties.$user_id === id ||
    (event === '$identify' && isGiven(properties.$anon_distinct_id));
  return isFromWeb && !isIdentified;
}
