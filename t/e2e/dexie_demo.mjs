// The real client signs in as a demo user, by the address alone.
import { inBrowser, ok, shoot } from './browser.mjs';
import { login, places, settled, signedIn, user } from './app.mjs';

await inBrowser('dexie-demo', async (page) => {
  await page.goto(places.app);
  await settled(page);
  await page.evaluate(() => { window.db.cloud.login({ email: 'foo@demo.local', grant_type: 'demo' }); });
  await signedIn(page);
  const { userId, email, name } = await user(page);
  ok(userId === 'demo:foo@demo.local' && email === 'foo@demo.local' && name === 'Foo', `a demo user signs in: ${userId}`);
  ok((await login(page)).refreshToken, '  with tokens like everybody');
  await page.reload();
  await signedIn(page);
  ok((await user(page)).userId === userId, '  and stays');
});

await inBrowser('dexie-demo-unknown', async (page) => {
  await page.goto(places.app);
  await settled(page);
  const refused = page.waitForResponse((response) => response.url() === `${places.base}/token`);
  await page.evaluate(() => { window.db.cloud.login({ email: 'mallory@demo.local', grant_type: 'demo' }).catch(() => {}); });
  ok((await refused).status() >= 400, 'an account that is none does not');
  ok(!(await user(page)).isLoggedIn, '  sign in');
});

await inBrowser('dexie-demo-refused', async (page) => {
  await page.goto(places.app);
  await settled(page);
  await page.evaluate(() => { window.db.cloud.login({ email: 'bar@demo.local', grant_type: 'demo' }).catch(() => {}); });
  await page.getByText('this account may not sign in here').waitFor();
  await shoot(page, 'dexie-policy');
  ok(await page.getByText('Continue with Acme ID').isVisible(), 'who is not admitted is told so, and offered the other ways');
});
