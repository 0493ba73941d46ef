// What the stories of the real client share: where everything is, and what the page shows.
export const places = JSON.parse(process.argv[2]);

export const user = async (page) => JSON.parse((await page.textContent('#user')) || 'null');

// Until the client can be asked for something.
export const settled = (page) => page.waitForSelector('#login:enabled');

export const signedIn = (page) => page.waitForFunction(
  () => JSON.parse(document.querySelector('#user')?.textContent || '{}').isLoggedIn);

// The first login of the client's table; `change` sets members of it.
export const login = (page, change = {}) => page.evaluate(async (changes) => {
  const table = window.db.table('$logins');
  const [row] = await table.toArray();
  if (Object.keys(changes).length > 0) await table.update(row.userId, changes);
  return { ...row, accessTokenExpiration: Number(row.accessTokenExpiration), privateKey: undefined, publicKey: undefined,
    publicKeyPEM: row.publicKeyPEM };
}, change);

// Until the sync backend has seen so many requests that fit; what it saw of them.
export async function seen(fits, what, least = 1) {
  for (const end = Date.now() + 30000; ; await new Promise((resolve) => { setTimeout(resolve, 50); })) {
    const { requests } = await (await fetch(`${places.sync}/seen`)).json();
    const found = requests.filter(fits);
    if (found.length >= least) return found;
    if (Date.now() > end) throw new Error(`the sync backend never saw ${what}: ${JSON.stringify(requests)}`);
  }
}

// The newest mail with a code for an address.
export async function mailTo(address) {
  for (const end = Date.now() + 30000; Date.now() < end; await new Promise((resolve) => { setTimeout(resolve, 50); })) {
    const { mails } = await (await fetch(`${places.sync}/seen`)).json();
    const mail = mails.filter((one) => one.email === address).pop();
    if (mail) return mail;
  }
  throw new Error(`no mail to ${address}`);
}

// Up to the provider's page, by the client's own dialog.
export async function reachProvider(page, address = places.app) {
  await page.goto(address);
  await settled(page);
  await page.click('#login');
  await page.getByText('Continue with Acme ID').click();
  await page.waitForURL((url) => url.href.startsWith(places.issuer));
}

export async function signInAs(page, account) {
  await page.fill('input[name=account]', account);
  await page.click('#sign-in');
}
