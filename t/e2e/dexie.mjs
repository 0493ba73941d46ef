// The real dexie-cloud-addon signs in at a certified OpenID Provider through the broker.
import { inBrowser, ok, shoot } from './browser.mjs';
import { login, places, seen, settled, signInAs, signedIn, user } from './app.mjs';

await inBrowser('dexie', async (page) => {
  await page.goto(`${places.app}/?keep=1#here`);
  await settled(page);
  const [before] = await seen((request) => request.url === '/sync', 'an anonymous /sync');
  ok(before.user === '' && before.authorization === '', 'before anybody signs in the client syncs as nobody');
  const open = await seen((request) => request.upgrade, 'an anonymous WebSocket');
  ok(open.every((request) => request.user === ''), '  and listens as nobody');

  await page.click('#login');
  const choices = page.locator('.dxc-option-btn');
  await choices.first().waitFor();
  await shoot(page, 'dexie-providers');
  const names = await choices.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  ok(['Continue with Acme ID', 'Continue with Demo'].every((name) => names.includes(name)), `the client shows the providers: ${names}`);
  ok(await choices.locator('img').evaluateAll((all) => all.every((image) => image.complete && image.naturalWidth > 0)),
    'with their icons');

  await page.getByText('Continue with Acme ID').click();
  await page.waitForURL((url) => url.href.startsWith(places.issuer));
  ok(true, 'the broker sends the browser to the provider');
  await signInAs(page, 'alice');
  await signedIn(page);
  const { userId, email, name } = await user(page);
  ok(userId === 'acme:alice', 'the client knows the user by provider and id');
  ok(email === 'alice@example.com' && name === 'Alice Example', 'and by e-mail and name');
  await page.waitForURL(`${places.app}/?keep=1#here`);
  ok(true, 'the page is where it was, without the code');
  ok((await page.textContent('#failure')) === '', 'nothing was reported as failed');

  const first = await login(page);
  ok(first.refreshToken && first.accessTokenExpiration > Date.now() + 5 * 60000, 'it holds a refresh token and an hour of access');

  const [sync] = await seen((request) => request.url === '/sync' && request.user === 'acme:alice', "alice's /sync");
  ok(sync.method === 'POST' && sync.authorization === 'Bearer' && sync.origin === places.app, 'the token opens /sync');
  const isHerSocket = (request) => request.upgrade && request.user === 'acme:alice';
  const [socket] = await seen(isHerSocket, "alice's WebSocket");
  ok(socket.url.includes('/changes?') && !socket.url.includes('token=') && socket.authorization === 'Bearer',
    'and the WebSocket, which learns it as a header only');
  await page.waitForFunction(() => document.querySelector('#socket').textContent === 'connected');
  ok(true, '  and stays connected');

  await page.reload();
  await signedIn(page);
  ok((await user(page)).userId === 'acme:alice', 'a reload finds the user signed in');

  // The client refreshes when less than 5 minutes remain (dexie-contract 4.1).
  const refreshed = page.waitForResponse((response) => response.url() === `${places.base}/token` && response.request().method() === 'POST');
  await page.evaluate(async () => {
    const table = window.db.table('$logins');
    await table.toCollection().modify({ accessTokenExpiration: new Date(Date.now() + 60000) });
    window.db.cloud.sync({ purpose: 'pull', wait: false });
  });
  const reply = await refreshed;
  const asked = reply.request().postDataJSON();
  ok(asked.grant_type === 'refresh_token' && asked.signature.length === 344 && Number.isInteger(asked.time_stamp),
    'a token that is about to expire is renewed by the proof of the key');
  ok(reply.status() === 200, '  which the broker accepts');
  await page.waitForFunction(async (old) => (await window.db.table('$logins').toArray())[0].accessToken !== old, first.accessToken);
  const second = await login(page);
  ok(second.accessTokenExpiration > Date.now() + 5 * 60000 && second.refreshToken === first.refreshToken,
    '  with an hour of access, and the refresh token stays');
  ok(second.claims.sub === 'acme:alice' && second.claims.email === 'alice@example.com', '  and the claims are complete');

  // dexie-contract 6: the backend's way to have a token renewed, since the client heeds no 401.
  await page.waitForFunction(() => document.querySelector('#socket').textContent === 'connected');
  const sockets = await seen(isHerSocket, "alice's WebSocket");
  const renewed = page.waitForResponse((response) => response.url() === `${places.base}/token` && response.request().method() === 'POST');
  await fetch(`${places.sync}/tell`, { method: 'POST', body: '{"type":"token-expired"}' });
  ok((await renewed).status() === 200, 'the backend has the token renewed by a message');
  await page.waitForFunction(async (old) => (await window.db.table('$logins').toArray())[0].accessToken !== old, second.accessToken);
  await seen(isHerSocket, 'another WebSocket of alice', sockets.length + 1);
  ok(true, '  and opens another WebSocket');

  const { requests } = await (await fetch(`${places.sync}/seen`)).json();
  ok(requests.every((request) => request.method !== 'OPTIONS' && !request.url.includes('token=')),
    'no preflight and no query token has reached the backend');
});
