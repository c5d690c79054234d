import { describe, expect, test } from 'vitest';
import type { Properties } from '../vocabulary.js';
import { compileProduct } from './compile.js';
import type { EventDeclaration, ProductDeclaration } from './declaration.js';

const SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';

const acme: ProductDeclaration = {
  product: 'acme',
  about: 'A tool.',
  installation: {
    version: 'release',
    variant: 'edition',
    provider: 'cloud',
    platform: 'os',
    source: 'component',
    licenseSha1: 'license',
  },
  events: {
    state: { about: 'The state.', store: 'metrics', describes: true },
    started: { about: 'It started.', store: 'usage' },
    failed: { about: 'It failed.', store: 'error' },
  },
};

const nothing = {
  version: null,
  variant: null,
  provider: null,
  platform: null,
  source: null,
  customerKey: null,
  licenseId: null,
};

describe('a product’s events', () => {
  test('are those that it declares, each of its kind', () => {
    const product = compileProduct(acme);
    expect(product.product).toBe('acme');
    expect(product.find('state')).toMatchObject({ kind: 'metrics', describes: true });
    expect(product.find('started')).toMatchObject({ kind: 'usage', describes: false });
    expect(product.find('failed')).toMatchObject({ kind: 'error', describes: false });
  });

  test('include undeclared ones, whose numbers are kept', () => {
    const product = compileProduct(acme);
    for (const name of ['stopped', 'job.done', '$pageview', 'constructor']) {
      expect(product.find(name)).toMatchObject({ kind: 'usage', describes: false });
    }
    expect(read(undefined, { n: 3, note: 'alice' }, 'stopped')).toMatchObject({
      content: { snapshot: { event: 'stopped', metrics: ['n'], figures: [3] } },
      dropped: ['note'],
    });
  });

  test('exclude undeclared ones whose names may be identifying', () => {
    const product = compileProduct(acme);
    for (const name of ['', 'Stopped', 'of alice', 'alice@corp', '10.0.0.5', '__proto__']) {
      expect(product.find(name)).toBeNull();
    }
  });

  test('exclude undeclared ones if the product declares so', () => {
    const product = compileProduct({ ...acme, unknownEvents: 'quarantined' });
    expect(product.find('stopped')).toBeNull();
    expect(product.find('started')).not.toBeNull();
  });

  test('include opting out and in, for every product', () => {
    const product = compileProduct({ ...acme, unknownEvents: 'quarantined' });
    for (const consent of ['opted_out', 'opted_in']) {
      expect(product.find(consent)).toMatchObject({ kind: 'usage' });
      expect(read(undefined, {}, consent).content).toMatchObject({ consent });
    }
  });
});

describe('the description of an installation', () => {
  const sent = { release: '2.0', edition: 'open', cloud: 'aws', os: 'Linux', component: 'core' };

  test('is read from the declared properties', () => {
    expect(compileProduct(acme).describe({ ...sent, license: SHA1 }, '1.0')).toEqual({
      content: {
        version: '2.0',
        variant: 'open',
        provider: 'aws',
        platform: 'Linux',
        source: 'core',
        customerKey: null,
        licenseId: SHA1,
      },
      defects: [],
    });
  });

  test('is only the version if the product declares nothing', () => {
    const product = compileProduct({ ...acme, installation: {} });
    const content = { ...nothing, version: '2.0' };
    expect(product.describe({ ...sent, version: '2.0' }, '1.0')).toEqual({ content, defects: [] });
  });

  test('has the version of the envelope if the properties have none', () => {
    const product = compileProduct(acme);
    for (const release of [undefined, null, '']) {
      expect(product.describe({ release }, '1.0').content.version).toBe('1.0');
    }
    expect(product.describe({ version: '3.0' }, undefined).content).toEqual(nothing);
    expect(product.describe({}, 'of alice')).toEqual({
      content: nothing,
      defects: [{ path: 'version', reason: 'malformed' }],
    });
  });

  test.each([
    ['release', 'of alice', 'malformed'],
    ['release', '10.0.0.5', 'malformed'],
    ['release', 2, 'malformed'],
    ['edition', 'alice@example.com', 'malformed'],
    ['cloud', 'node.corp', 'malformed'],
    ['os', 'Linux of alice', 'malformed'],
    ['component', '/home/alice', 'malformed'],
    ['license', 'ABC-123', 'not_a_sha1_digest'],
    ['license', `${SHA1}0`, 'not_a_sha1_digest'],
    ['license', 7, 'not_a_sha1_digest'],
  ])('keeps the rest where the %s is %j', (path, value, reason) => {
    const product = compileProduct(acme);
    const whole = product.describe({ ...sent, license: SHA1 }, undefined).content;
    const { content, defects } = product.describe(
      { ...sent, license: SHA1, [path]: value },
      undefined,
    );
    expect(defects).toEqual([{ path, reason }]);
    const said = (it: object) => Object.values(it).filter((field) => field !== null);
    expect(said(content)).toHaveLength(said(whole).length - 1);
    expect(whole).toMatchObject(Object.fromEntries(Object.entries(content).filter(([, it]) => it)));
  });

  test('is no figure and no text of its events', () => {
    const { content, dropped } = read(acme.events.started, { ...sent, license: SHA1, n: 1 });
    expect(content).toMatchObject({ snapshot: { metrics: ['n'] } });
    expect(dropped).toEqual([]);
  });
});

function read(event: EventDeclaration | undefined, properties: Properties, name = 'happened') {
  const events = event ? { [name]: event } : {};
  const installationId = '70b28f00-e38f-41b2-a723-aab344f535b9';
  const envelope = { receivedAt: 1, product: 'acme', installationId, event: name, properties };
  return compileProduct({ ...acme, events })
    .find(name)!
    .read(properties, envelope);
}
