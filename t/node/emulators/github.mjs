// GitHub as it answers an OAuth app, and as its API answers whoever has a token.
//
//     node github.mjs PORT CONTROL_PORT
//
// Knobs: those of lib/provider.mjs and `settings` below. Errors of the token endpoint have status 200.
import { Provider, errorPage, json, merge, random, redirect } from '../lib/provider.mjs';

class GitHub extends Provider {
  // The registered address, or below it.
  isRegistered(uri) {
    const { redirect_uris: registered } = this.settings;
    return !registered || registered.some((known) => uri === known || uri?.startsWith(`${known}/`));
  }
}

const provider = new GitHub({
  headers: ['x-github-api-version'],
  settings: {
    token_auth: ['client_secret_post'],
    account: {
      login: 'octoalice', id: 583231, node_id: 'MDQ6VXNlcjU4MzIzMQ==', avatar_url: 'https://avatars.githubusercontent.com/u/583231?v=4',
      html_url: 'https://github.com/octoalice', type: 'User', site_admin: false, name: 'Alice Example', company: null,
      email: null, bio: null, created_at: '2011-01-25T18:44:36Z', plan: { name: 'free', space: 976562499 },
    },
    emails: [
      { email: 'old@example.com', primary: false, verified: true, visibility: null },
      { email: 'alice@example.com', primary: true, verified: true, visibility: 'private' },
      { email: '583231+octoalice@users.noreply.github.com', primary: false, verified: true, visibility: null },
    ],
    unverified: false,                  // the account has no verified address: the exchange says so
  },
});
const { settings } = provider;
const DOCS = 'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/';

const authorize = (ask) => {
  const wrong = provider.wrongInAuthorization(ask, { scope: '', nonce: false });
  if (wrong?.[0] === 'client') return errorPage(ask.res, 404, 'Not Found');
  if (wrong?.[0] === 'redirect' && settings.redirect_uris) {
    return redirect(ask.res, settings.redirect_uris[0], {
      error: 'redirect_uri_mismatch', error_description: 'The redirect_uri MUST match the registered callback URL for this application.',
      error_uri: `${DOCS}#redirect-uri-mismatch2`, ...(ask.one('state') ? { state: ask.one('state') } : {}),
    });
  }
  if (wrong) return errorPage(ask.res, 400, wrong[1]);
  const more = settings.authorize.error ? { error_description: 'The user has denied your application access.', error_uri: DOCS } : {};
  return redirect(ask.res, ask.one('redirect_uri'), provider.answerTo(ask, Buffer.from(random(10)).toString('hex').slice(0, 20), more));
};

// what is wrong => [error, error_description]
const ERRORS = {
  client: ['incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.'],
  code: ['bad_verification_code', 'The code passed is incorrect or expired.'],
  verifier: ['bad_verification_code', 'The code passed is incorrect or expired.'],
  redirect: ['redirect_uri_mismatch', 'The redirect_uri MUST match the registered callback URL for this application.'],
  grant_type: ['unsupported_grant_type', 'The grant_type is not supported.'],
  form: ['bad_verification_code', 'The code passed is incorrect or expired.'],
  unverified: ['unverified_user_email', 'The user must have a verified primary email.'],
};

// JSON for those who accept it, a form for everybody else.
const say = ({ req, res }, members) => {
  if ((req.headers.accept ?? '').includes('application/json')) return json(res, 200, members);
  res.writeHead(200, { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' });
  return res.end(String(new URLSearchParams(members)));
};

const token = (ask) => {
  const { attempt, wrong } = provider.redeem(ask);
  const error = wrong ? wrong[0] : settings.unverified && 'unverified';
  if (error) {
    const [code, description] = ERRORS[error];
    return say(ask, { error: code, error_description: description, error_uri: `${DOCS}#${code.replaceAll('_', '-')}` });
  }
  const accessToken = `gho_${random(27).replaceAll(/[-_]/g, 'x')}`;
  provider.grants.set(accessToken, { account: settings.account, scope: attempt.scope });
  return say(ask, merge(merge({ access_token: accessToken, token_type: 'bearer', scope: attempt.scope.join(',') }, settings.token), ask.changes));
};

// What every request to the API must have; true if it has been answered.
const refused = ({ req, res }, grant, scopes) => {
  const say404 = { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' };
  if (!req.headers['user-agent']) {
    provider.complain('there is no User-Agent');
    res.writeHead(403, { 'Content-Type': 'text/html' });
    res.end('Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n');
  } else if (!grant) {
    json(res, 401, { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest', status: '401' });
  } else if (!['2022-11-28', undefined].includes(req.headers['x-github-api-version'])) {
    provider.complain(`the version of the API is ${req.headers['x-github-api-version']}`);
    json(res, 400, { message: 'The API version is not supported', status: '400' });
  } else if (scopes && !scopes.some((scope) => grant.scope.includes(scope))) {
    provider.complain(`no scope of ${scopes}`);
    json(res, 404, say404);
  } else {
    if (!req.headers['x-github-api-version']) provider.complain('no version of the API');
    if (req.headers.accept !== 'application/vnd.github+json') provider.complain(`Accept is ${req.headers.accept}`);
    return false;
  }
  return true;
};

const user = (ask) => {
  const grant = provider.bearer(ask);
  if (refused(ask, grant)) return undefined;
  return json(ask.res, 200, merge(merge(grant.account, settings.userinfo), ask.changes), { 'X-OAuth-Scopes': grant.scope.join(', ') });
};

const emails = (ask) => {
  if (refused(ask, provider.bearer(ask), ['user:email', 'user'])) return undefined;
  return json(ask.res, 200, settings.emails);
};

provider.serve([
  ['authorization', '/login/oauth/authorize', authorize],
  ['token', '/login/oauth/access_token', token],
  ['userinfo', '/user', user],
  ['emails', '/user/emails', emails],
]);
