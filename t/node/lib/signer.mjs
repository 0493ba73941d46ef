// Keys, the ID tokens that they sign (honest ones, and those that lie as a test says), and the
// check of a JWT by which a client proves who it is.
import { constants, createHash, createHmac, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { merge } from './control.mjs';

// alg => [kind of key, digest]
export const ALGS = {
  RS256: ['rsa', 'sha256'], RS384: ['rsa', 'sha384'], RS512: ['rsa', 'sha512'], PS256: ['rsa', 'sha256'],
  ES256: ['p256', 'sha256'], ES384: ['p384', 'sha384'], EdDSA: ['ed25519', null],
};
const MAKE = {
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ed25519: () => generateKeyPairSync('ed25519'),
};

export const now = () => Math.floor(Date.now() / 1000);
const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

// How node is told of an algorithm (RFC 7518 3.4: r and s side by side; 3.5: a salt as long as the digest).
const keyOptions = (alg, key) => ({
  key,
  ...(alg.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' } : {}),
  ...(alg.startsWith('PS') ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {}),
});

// OpenID Connect Core 3.1.3.6
export const leftHalfHash = (text) => createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');

// names: kinds of key; "rsa-b" is another one of kind rsa, published and never signing.
export class Signer {
  #names;
  #keys;
  #old = [];
  #other = {};
  #generation = 1;

  constructor(names) {
    this.#names = names;
    this.#keys = this.#make();
  }

  // `more` are members that every key has besides.
  jwks(more = {}) {
    return { keys: [...this.#publish(this.#keys, this.#generation, more), ...this.#old.map((key) => ({ ...key, ...more }))] };
  }

  // New keys sign; with keep_old the old ones stay published.
  rotate({ keep_old: keepOld } = {}) {
    this.#old = keepOld ? this.jwks().keys : [];
    this.#keys = this.#make();
    this.#generation += 1;
  }

  // lie: claims and header are merged (null removes); alg 'none'; hs256_with_public_key; key 'other'
  // (right kid, unpublished key); tamper 'signature' or 'payload'; raw: this text instead.
  token(honest, lie = {}, usual = 'RS256') {
    if (lie.raw !== undefined) return lie.raw;
    const alg = lie.alg ?? usual;
    const kind = (ALGS[alg] ?? ['rsa'])[0];
    const claims = merge(honest, lie.claims);
    const header = merge({ alg, typ: 'JWT', kid: `${kind}-${this.#generation}` }, lie.header);
    let input = `${b64(header)}.${b64(claims)}`;
    let mark = '';
    if (lie.hs256_with_public_key) {
      const pem = createPublicKey(this.#keys.rsa.privateKey).export({ type: 'spki', format: 'pem' });
      input = `${b64({ ...header, alg: 'HS256' })}.${b64(claims)}`;
      mark = createHmac('sha256', pem).update(input).digest('base64url');
    } else if (alg !== 'none') {
      const pair = lie.key === 'other' ? (this.#other[kind] ??= MAKE[kind]()) : this.#keys[kind];
      mark = sign(ALGS[alg][1], Buffer.from(input), keyOptions(alg, pair.privateKey)).toString('base64url');
    }
    if (lie.tamper === 'payload') input = `${b64(header)}.${b64({ ...claims, sub: 'mallory' })}`;
    if (lie.tamper === 'signature') mark = (mark[0] === 'A' ? 'B' : 'A') + mark.slice(1);
    return `${input}.${mark}`;
  }

  #make() {
    return Object.fromEntries(this.#names.map((name) => [name, MAKE[name.split('-')[0]]()]));
  }

  #publish(keys, generation, more) {
    return Object.entries(keys).map(([name, pair]) => ({
      ...pair.publicKey.export({ format: 'jwk' }), kid: `${name}-${generation}`, use: 'sig', ...more,
    }));
  }
}

// What is wrong with a JWT by which a client proves who it is (RFC 7523 3); empty: nothing.
// expected: { key: PEM or JWK, alg, kid, iss, sub, aud, longest: seconds from now to exp }.
export const assertionProblem = (jwt, expected) => {
  const parts = jwt.split('.');
  if (parts.length !== 3) return 'is no JWT';
  let header;
  let claims;
  try {
    [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  } catch {
    return 'is no JWT';
  }
  const jwk = typeof expected.key === 'object';
  const key = keyOptions(expected.alg, createPublicKey(jwk ? { key: expected.key, format: 'jwk' } : expected.key));
  const checks = [
    [header.alg === expected.alg, `alg is ${header.alg}`],
    [expected.kid === undefined || header.kid === expected.kid, `kid is ${header.kid}`],
    [claims.iss === expected.iss, `iss is ${claims.iss}`],
    [claims.sub === expected.sub, `sub is ${claims.sub}`],
    [claims.aud === expected.aud, `aud is ${JSON.stringify(claims.aud)}`],
    [Number.isInteger(claims.iat) && claims.iat <= now() + 60, `iat is ${claims.iat}`],
    [Number.isInteger(claims.exp) && claims.exp > now(), `exp is ${claims.exp}: it has expired`],
    [claims.exp <= now() + expected.longest, `exp is ${claims.exp}: too far away`],
    [verify(ALGS[expected.alg][1], Buffer.from(parts.slice(0, 2).join('.')), key, Buffer.from(parts[2], 'base64url')), 'the signature is wrong'],
  ];
  return checks.find(([good]) => !good)?.[1] ?? '';
};

export const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
