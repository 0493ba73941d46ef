// Mints lists of test tokens, each with a `jti` of its own: node t/load/mint.mjs SPEC.json
// SPEC: [{ path, count, alg, header, claims, key: PEM file | secret: base64url }]; one token a line.
import { createHmac, createPrivateKey, randomBytes, sign } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

const signers = {
  HS256: ({ secret }) => {
    const key = Buffer.from(secret, 'base64url');
    return (text) => createHmac('sha256', key).update(text).digest();
  },
  RS256: ({ key }) => (text) => sign('sha256', text, key),
  ES256: ({ key }) => (text) => sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' }),
  EdDSA: ({ key }) => (text) => sign(null, text, key),
};

for (const list of JSON.parse(readFileSync(process.argv[2]))) {
  const key = list.key && createPrivateKey(readFileSync(list.key));
  const signed = signers[list.alg]({ key, secret: list.secret });
  const head = base64url({ alg: list.alg, ...list.header });
  const file = openSync(list.path, 'w');
  for (let number = 0; number < list.count; number++) {
    const text = `${head}.${base64url({ ...list.claims, jti: randomBytes(16).toString('base64url') })}`;
    writeSync(file, `${text}.${signed(Buffer.from(text)).toString('base64url')}\n`);
  }
  closeSync(file);
}
