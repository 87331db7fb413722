// A certified OpenID provider as a process of its own: anybody signs in with any name. Prints its issuer once it listens. Who is in which groups is told to it
// on standard input, a line of JSON each time: { "eva": ["ml"] }.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const [secret, portal] = process.argv.slice(2);
const server = createServer();
let groups = {};
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'slipway', client_secret: secret, redirect_uris: [`${portal}/sso/callback`], response_types: ['code'], grant_types: ['authorization_code'],
      post_logout_redirect_uris: [`${portal}/sso/ended`], backchannel_logout_uri: `${portal}/sso/back-channel-logout`, backchannel_logout_session_required: true,
    }],
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@corp.example`, email_verified: true, name: `${id} of the company`, groups: groups[id] ?? [] }) }),
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    // The portal is on this machine, which its own connections refuse to call.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    cookies: { keys: ['of a test'] },
  });
  server.on('request', provider.callback());
  createInterface({ input: process.stdin }).on('line', (line) => (groups = JSON.parse(line)));
  console.log(issuer);
});
