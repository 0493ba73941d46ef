// sync-server.mjs PORT: what a Dexie Cloud application has behind the broker, as far as its client needs it:
// POST /sync, and a WebSocket at /changes. It believes X-User, as any backend behind NGINX does.
// POST /mail takes the mails with codes, POST /tell a message for every WebSocket. GET /seen tells all that came: { requests, mails }.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const seen = { requests: [], mails: [] };
const sockets = new Set();

// RFC 6455 5.2: one short text frame.
const frame = (message) => Buffer.concat([Buffer.from([0x81, Buffer.byteLength(message)]), Buffer.from(message)]);

function note(request, more = {}) {
  const { authorization = '', origin = '', cookie = '' } = request.headers;
  seen.requests.push({ method: request.method, url: request.url, user: request.headers['x-user'] ?? '',
    authorization: authorization.split(' ')[0], origin, cookie: cookie.length > 0, ...more });
}

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const answer = (response, value) => {
  // A backend's own idea of CORS must not stand beside the module's.
  response.writeHead(200, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*',
    'Ratelimit-Limit': '100', 'Ratelimit-Remaining': '99', 'Ratelimit-Reset': '60' });
  response.end(JSON.stringify(value));
};

const server = createServer(async (request, response) => {
  const body = await text(request);
  if (request.url === '/seen') return answer(response, seen);
  if (request.url === '/mail') {
    seen.mails.push(JSON.parse(body));
    return answer(response, {});
  }
  if (request.url === '/tell') {
    for (const socket of sockets) socket.write(frame(body));
    return answer(response, {});
  }
  note(request);
  // The realms hold the user's own, or the client waits for it for ever (dexie-contract 6).
  const realms = ['rlm-public', request.headers['x-user']].filter(Boolean);
  return answer(response, { dbId: 'e2e', serverRevision: '1', schema: {}, changes: [], rejections: [], realms, inviteRealms: [] });
});

// RFC 6455: text frames that fit one read, which is all that the client sends.
server.on('upgrade', (request, socket) => {
  note(request, { upgrade: true });
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', (data) => ((data[0] & 0x0f) === 8 ? socket.end() : socket.write(frame('{"type":"pong"}'))));
});

server.listen(Number(process.argv[2]), '127.0.0.1');
