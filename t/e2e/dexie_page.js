// The page that esbuild bundles: an app of the real dexie-cloud-addon, and a handle for the test.
import Dexie from 'dexie';
import dexieCloud from 'dexie-cloud-addon';

const db = new Dexie('e2e', { addons: [dexieCloud] });
db.version(1).stores({ items: '@id, title' });
// config.js says where the broker is, which has an address of its own.
db.cloud.configure({ databaseUrl: window.BASE, requireAuth: false, tryUseServiceWorker: false });

db.cloud.currentUser.subscribe((user) => {
  const { userId, email, name, isLoggedIn, isLoading } = user;
  document.querySelector('#user').textContent = JSON.stringify({ userId, email, name, isLoggedIn, isLoading });
});
db.cloud.webSocketStatus.subscribe((status) => { document.querySelector('#socket').textContent = status; });
document.querySelector('#login').addEventListener('click', () => db.cloud.login().catch((error) => {
  document.querySelector('#failure').textContent = String(error);
}));
window.db = db;
// What is asked of the client while it opens its database for the first time may find it closed again.
db.open().then(() => { document.querySelector('#login').disabled = false; });
