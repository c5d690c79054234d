/** The first character of JSON that can contain an event. */
const JSON_START = /^[{["]/;
const FORM = Buffer.from('data=');
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * Extracts the JSON from a body that a browser sent as a form (`data=…`, in base64 or plain), or in base64 without a
 * form. Any other body is returned unchanged.
 * Source: https://posthog.com/docs/api/capture; posthog-js, compression=base64.
 */
export function unwrapForm(bytes: Buffer): Buffer {
  const start = startOf(bytes);
  if (start === -1 || beginsAsJson(bytes)) return bytes;
  const isForm = bytes.subarray(start, start + FORM.length).equals(FORM);
  const text = bytes.toString('latin1', start).trim();
  // In a form, the plus of base64 may have become a space.
  const data = isForm ? decode(text.slice(FORM.length).split('&', 1)[0] ?? '') : text;
  const decoded = Buffer.from(BASE64.test(data) ? data : '', 'base64');
  // `null` and `12` are also valid base64, but do not decode to JSON.
  if (beginsAsJson(decoded)) return decoded;
  return isForm ? Buffer.from(data) : bytes;
}

/** A plain loop, because a body may be millions of spaces. */
function startOf(bytes: Buffer): number {
  for (let at = 0; at < bytes.length; at += 1) {
    if ((bytes[at] ?? 0) > 0x20) return at;
  }
  return -1;
}

function beginsAsJson(bytes: Buffer): boolean {
  const start = startOf(bytes);
  return JSON_START.test(bytes.toString('latin1', start, start + 1));
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    return BASE64.test(decoded) ? decoded : decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
