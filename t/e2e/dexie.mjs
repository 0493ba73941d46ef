// The real dexie-cloud-addon signs in at a certified OpenID Provider through the broker.
import { inBrowser, ok, shoot } from './browser.mjs';
import { login, places, reachProvider, signInAs, signedIn, user } from './app.mjs';

await inBrowser('dexie', async (page) => {
  await page.goto(`${places.app}/?keep=1#here`);
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

  await page.reload();
  await signedIn(page);
  ok((await user(page)).userId === 'acme:alice', 'a reload finds the user signed in');
});
