import { isGiven } from '../identify.js';
import type { Properties } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';

/** The names of browser libraries in `context.library.name`. */
const WEB_LIBRARY =
  /\banalytics\.js\b|\banalytics-next\b|\bjavascript\b|\brudder-sdk-js\b|\bevents-sdk-js\b|\bjitsu\b|\bfreshpaint\b/i;

/** Prefix of every browser's user agent. A server that sends it acts on behalf of a visitor. */
const BROWSER = 'Mozilla/';

/**
 * Whether an event of Segment's dialect comes from a browser, so that its `anonymousId` identifies a visitor. The
 * libraries of Segment and RudderStack send their name ("analytics.js", "RudderLabs JavaScript SDK"), the page and the
 * browser; RudderStack's also send their channel.
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
/** Properties that posthog-js adds to every event and servers do not send. (They may send `$current_url`.) */
const BROWSER_PROPERTIES = [
  ...['$screen_width', '$viewport_width', '$viewport_height', '$browser', '$raw_user_agent'],
];

/**
 * Whether the `distinct_id` of a PostHog event identifies only an anonymous visitor of a browser. After
 * `posthog.identify(id)`, it is the id that the product has chosen.
 * Source: posthog-js, `_calculate_event_properties` and `identify`.
 */
export function isPosthogVisitor(event: unknown, id: unknown, properties: Properties): boolean {
  const isFromWeb =
    POSTHOG_WEB_LIBRARIES.has(properties.$lib) ||
    BROWSER_PROPERTIES.some((key) => isGiven(properties[key]));
  const isIdentified =
    properties.$is_identified === true ||
    properties.$user_id === id ||
    (event === '$identify' && isGiven(properties.$anon_distinct_id));
  return isFromWeb && !isIdentified;
}
