import validator from 'validator';

/**
 * Prefixes of keys of well-known services: JSON Web Tokens, AWS, GitHub, GitLab, Slack, Stripe, Google, npm, PyPI,
 * DigitalOcean, Docker, Databricks, New Relic, Pulumi, Notion, Brevo, Supabase, Postman, Contentful, Replicate, Groq,
 * Alibaba, Artifactory, Terraform, age, SendGrid, Shopify, Hugging Face, OpenAI, Grafana, Vault, Linear, Atlassian, RubyGems, PostHog,
 * Square, Tailscale, Figma.
 */
const SERVICE_KEY =
  /(?<![A-Za-z0-9])(?:eyJ[\w-]{8}|A(?:KIA|SIA|BIA|CCA|ROA|IDA|GPA)[A-Z0-9]{12}|(?:gh[opusr]_|github_pat_|gl(?:pat|rt|dt|cbt|ptt|ft|imt|soat|agent)-|xox[abeoprs]-|xapp-|[prs]k_(?:live|test)_|AIza|ya29\.|GOCSPX-|LTAI|ABSK|AKCp|NRAK-|PMAK-|CFPAT-|AGE-SECRET-KEY-|dckr_(?:p|o)at_|dapi|pul-|ntn_|secret_|xkeysib-|sbp_|r8_|gsk_|npm_|pypi-|dop_v1_|SG\.|shp(?:at|ca|pa|ss)_|hf_|sk-|whsec_|gl(?:sa|c)_|hv[bs]\.|lin_api_|ATATT|rubygems_|ph[cx]_|sq0[a-z]{3}-|tskey-|figd_)[\w.-]{12})/;

/** Whether a text contains a key of a well-known service. */
export function containsServiceKey(text: string): boolean {
  return SERVICE_KEY.test(text);
}

/** An SSN, a Swiss AHV number, a Spanish DNI or NIE, a British national insurance number. */
const NATIONAL_ID =
  /^(?:\d{3}-\d{2}-\d{4}|756\.?\d{4}\.?\d{4}\.?\d{2}|\d{8}[A-Za-z]|[XYZ]\d{7}[A-Z]|[A-CEGHJ-PR-TW-Z]{2}\d{6}[A-D])$/;

/** Whether a text is a bank account or card number with a valid checksum, or has the form of a national id. */
export function isPersonalNumber(text: string): boolean {
  const compact = text.replace(/[-._ ]/g, '');
  // Letters may surround a card number.
  const digits = compact.match(/\d+/g) ?? [];
  const isCard = digits.some((it) => /^\d{13,19}$/.test(it) && validator.isLuhnNumber(it));
  return isCard || validator.isIBAN(compact) || NATIONAL_ID.test(text);
}

const PRINTABLE = /^[\x20-\x7e]+$/;
const EMAIL = /[^@]@[^@.]+\./;

/** Whether a word is an e-mail address in base64 or in hexadecimal digits. */
export function isEncodedEmail(word: string): boolean {
  if (word.length < 8) return false;
  return (['base64', 'hex'] as const).some((encoding) => {
    const decoded = Buffer.from(word, encoding).toString('latin1');
    return PRINTABLE.test(decoded) && EMAIL.test(decoded);
  });
}

/** Long, with both cases and digits: random keys have such words, names do not. */
export function isRandomKey(word: string): boolean {
  return word.length >= 24 && /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word);
}
