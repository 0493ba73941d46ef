// What both providers share: a count and a log of the requests per route, faults that a test sets,
// and the control port through which it does so.
import { ServerResponse, createServer } from 'node:http';

export const readBody = async (req) => {
  const parts = [];
  for await (const part of req) parts.push(part);
  return Buffer.concat(parts).toString();
};

export const json = (res, status, value, headers = {}) => {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
  res.end(JSON.stringify(value));
};

// Each byte of the body in a chunk of its own.
const drip = (res) => {
  res.end = async (text) => {
    for (const byte of Buffer.from(text)) {
      res.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    return ServerResponse.prototype.end.call(res);
  };
};

// A value merged into another; null takes a member away.
export const merge = (base, changes) => {
  const out = { ...base };
  for (const [name, value] of Object.entries(changes ?? {})) {
    if (value === null) delete out[name];
    else out[name] = value;
  }
  return out;
};

// A fault of a route: { status, headers, body } answers in its place (body: a string, or JSON);
// hang never answers; reset cuts the connection; hold waits for `release`; delay waits so many ms;
// drip sends the body byte by byte; merge changes the provider's own JSON reply; times: n makes it
// the fault of the next n requests.
export class Faults {
  counts = {};
  log = [];
  #faults = {};
  #held = [];

  set(route, fault) { this.#faults[route] = fault; }
  clear() { this.#faults = {}; this.release(); }
  release() { for (const go of this.#held.splice(0)) go(); }
  get waiting() { return this.#held.length; }

  // Counts the request; true if a fault has answered it, else the merge that remains to be done.
  async meet(route, req, res, body) {
    this.counts[route] = (this.counts[route] ?? 0) + 1;
    this.log.push({ route, method: req.method, url: req.url, headers: req.headers, raw: req.rawHeaders, body });
    const fault = this.#faults[route];
    if (!fault) return { answered: false };
    if (fault.times !== undefined && --fault.times <= 0) delete this.#faults[route];
    if (fault.hang) return { answered: true };
    if (fault.reset) { req.socket.destroy(); return { answered: true }; }
    if (fault.hold) await new Promise((go) => this.#held.push(go));
    if (fault.delay) await new Promise((go) => setTimeout(go, fault.delay));
    if (fault.drip) drip(res);
    if (fault.status === undefined && fault.body === undefined) return { answered: false, merge: fault.merge };
    const text = typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body ?? {});
    res.writeHead(fault.status ?? 200, { 'Content-Type': 'application/json', ...fault.headers });
    res.end(text);
    return { answered: true };
  }
}

// commands: name => async (argument) => result; POST /name with JSON.
export const serveControl = (port, faults, commands) => {
  const all = {
    requests: () => ({ counts: faults.counts, log: faults.log, waiting: faults.waiting }),
    forget: () => { faults.counts = {}; faults.log = []; },
    fault: ({ route, ...fault }) => faults.set(route, fault),
    clear: () => faults.clear(),
    release: () => faults.release(),
    ...commands,
  };
  createServer(async (req, res) => {
    const command = all[req.url.slice(1)];
    if (!command) return json(res, 404, { error: `no such command: ${req.url}` });
    try {
      const text = await readBody(req);
      json(res, 200, (await command(text ? JSON.parse(text) : {})) ?? {});
    } catch (error) {
      json(res, 500, { error: String(error?.stack ?? error) });
    }
  }).listen(port, '127.0.0.1');
};
