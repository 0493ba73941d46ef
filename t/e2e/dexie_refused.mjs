// What the real client shows when a sign-in is refused, and who gets a code that many want.
import { inBrowser, ok, shoot } from './browser.mjs';
import { places, reachProvider, signInAs, signedIn, user } from './app.mjs';

// The client's dialog about the error that dxc-auth brought.
async function failure(page, name) {
  await page.getByText('Authentication Error').waitFor();
  await shoot(page, name);
  return (await page.locator('.dxc-login-dlg p').allInnerTexts()).join(' ');
}

await inBrowser('dexie-refused', async (page) => {
  const kinds = [];
  page.on('console', (line) => { if (/OAuth callback error/.test(line.text())) kinds.push(line.text()); });

  await reachProvider(page);
  await signInAs(page, 'bob');
  const unverified = await failure(page, 'dexie-unverified');
  ok(/email address is not verified/.test(unverified), `an unverified address is told to the user: ${unverified}`);
  ok(!(await user(page)).isLoggedIn, '  who is not signed in');
  await page.locator('.dxc-login-dlg button').last().click();
  await page.waitForURL((url) => !url.search.includes('dxc-auth'));
  ok(true, '  and whose address bar is clean when the dialog is closed');

  await page.context().clearCookies();
  await reachProvider(page);
  await signInAs(page, 'cancel');
  const cancelled = await failure(page, 'dexie-cancelled');
  ok(/access_denied/.test(cancelled), `a cancelled sign-in is told as such: ${cancelled}`);

  // From here, with the error still in the address bar, the user tries again.
  await page.locator('.dxc-login-dlg button').last().click();
  await page.click('#login');
  await page.getByText('Continue with Acme ID').click();
  await page.waitForURL((url) => url.href.startsWith(places.issuer));
  await signInAs(page, 'alice');
  await signedIn(page);
  ok((await user(page)).userId === 'acme:alice', 'the next try signs in');
});

await inBrowser('dexie-stale', async (page) => {
  // dexie-contract 3: a failed exchange leaves dxc-auth in the address, which the retry brings back.
  const stale = Buffer.from(JSON.stringify({ code: 'A'.repeat(64), provider: 'acme', state: 'x' })).toString('base64url');
  const refused = page.waitForResponse((response) => response.url() === `${places.base}/token`);
  await page.goto(`${places.app}/?dxc-auth=${stale}&keep=1`);
  ok((await refused).status() === 401, 'a code that is none is refused');
  await page.getByText('The code is invalid or expired').waitFor();
  await shoot(page, 'dexie-stale');
  ok(true, '  which the client shows');
  await page.locator('.dexie-dialog button').last().click();
  await page.click('#login');
  await page.getByText('Continue with Acme ID').click();
  await page.waitForURL((url) => url.href.startsWith(places.issuer));
  await signInAs(page, 'alice');
  await signedIn(page);
  await page.waitForURL(`${places.app}/?keep=1`);
  ok(true, 'the retry replaces the stale answer and signs in');
});

await inBrowser('dexie-stranger', async (page) => {
  const console_lines = [];
  page.on('console', (line) => console_lines.push(line.text()));
  await page.goto(places.stranger);
  await page.click('#login');
  await page.locator('.dxc-login-dlg h3').waitFor();
  ok((await page.getByText('Continue with Acme ID').count()) === 0 && console_lines.some((line) => /CORS policy/.test(line)),
    'a page of another origin cannot read the providers');
  await page.goto(`${places.base}/oauth/login/acme?redirect_uri=${encodeURIComponent(`${places.stranger}/`)}`);
  await shoot(page, 'dexie-stranger');
  const text = await page.textContent('main');
  ok(page.url().startsWith(places.base) && text.includes(`oauth_allow_origin ${places.stranger};`),
    'nor sign in: the broker says which line would allow it');
});

await inBrowser('dexie-race', async (page, context) => {
  // A page of the application that does not redeem by itself.
  const blank = `${places.app}/config.js`;
  await page.goto(`${places.base}/oauth/login/acme?redirect_uri=${encodeURIComponent(blank)}`);
  await signInAs(page, 'alice');
  await page.waitForURL((url) => url.href.startsWith(blank));
  const { code } = JSON.parse(Buffer.from(new URL(page.url()).searchParams.get('dxc-auth'), 'base64url').toString());
  const results = await page.evaluate(async ([base, given]) => {
    const pair = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
    const der = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey))));
    const body = JSON.stringify({ grant_type: 'authorization_code', code: given, scopes: ['ACCESS_DB'],
      public_key: `-----BEGIN PUBLIC KEY-----\n${der.match(/.{1,64}/g).join('\n')}\n-----END PUBLIC KEY-----` });
    const post = () => fetch(`${base}/token`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    return Promise.all(Array.from({ length: 8 }, async () => { const reply = await post(); return [reply.status, (await reply.json()).type]; }));
  }, [places.base, code]);
  results.sort();
  ok(JSON.stringify(results) === JSON.stringify([[200, 'tokens'], ...Array(7).fill([401, 'error'])]),
    'of 8 parallel redemptions of one code one wins');
});
