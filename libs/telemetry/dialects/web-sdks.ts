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

/** Whether an event of PostHog's dialect comes from a browser. */
export function isFromPosthogWeb(properties: Properties): boolean {
  return (
    POSTHOG_WEB_LIBRARIES.has(properties.$lib) ||
    BROWSER_PROPERTIES.some((key) => isGiven(properties[key]))
  );
}

/**
 * Whether a page has set the `distinct_id` with `posthog.identify(id)`. Before that it is an anonymous visitor's.
 * Source: posthog-js, `_calculate_event_properties` and `identify`.
 */
export function isSetByPage(event: unknown, id: unknown, properties: Properties): boolean {
  return (
    properties.$is_identified === true ||
    properties.$user_id === id ||
    (event === '$identify' && isGiven(properties.$anon_distinct_id))
  );
}
