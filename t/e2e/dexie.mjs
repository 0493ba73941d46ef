// The real dexie-cloud-addon signs in at a certified OpenID Provider through the broker.
import { inBrowser, ok } from './browser.mjs';

const [base, issuer] = process.argv.slice(2);

await inBrowser('dexie', async (page) => {
  const user = async () => JSON.parse((await page.textContent('#user')) || 'null');

  await page.goto(`${base}?keep=1#here`);
  await page.click('#login');
  await page.getByText('Continue with Acme ID').click();
  await page.waitForURL((url) => url.href.startsWith(issuer));
  ok(true, 'the broker sends the browser to the provider');

  await page.click('#sign-in');
  await page.waitForFunction(() => JSON.parse(document.querySelector('#user')?.textContent || '{}').isLoggedIn);
  const { userId, email, name } = await user();
  ok(userId === 'acme:alice', 'the client knows the user by provider and id');
  ok(email === 'alice@example.com' && name === 'Alice Example', 'and by e-mail and name');
  ok(page.url() === `${base}?keep=1#here`, 'the page is where it was, without the code');
  ok((await page.textContent('#failure')) === '', 'nothing was reported as failed');

  const tokens = await page.evaluate(async () => {
    const [login] = await window.db.table('$logins').toArray();
    return { access: login.accessToken, expires: Number(login.accessTokenExpiration), refresh: Boolean(login.refreshToken) };
  });
  ok(tokens.refresh && tokens.expires > Date.now() + 5 * 60000, 'it holds a refresh token and an hour of access');
  const reply = await page.evaluate(async (token) => {
    const got = await fetch('/api/hello', { headers: { Authorization: `Bearer ${token}` } });
    return [got.status, await got.text()];
  }, tokens.access);
  ok(reply[0] === 200 && reply[1] === 'acme:alice', 'its token opens the protected backend');

  await page.reload();
  await page.waitForFunction(() => JSON.parse(document.querySelector('#user')?.textContent || '{}').isLoggedIn);
  ok((await user()).userId === 'acme:alice', 'a reload finds the user signed in');
});
