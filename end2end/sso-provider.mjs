// A certified OpenID provider as a process of its own: anybody signs in with any name. Prints its issuer once it listens.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [secret, redirect] = process.argv.slice(2);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'slipway', client_secret: secret, redirect_uris: [redirect], response_types: ['code'], grant_types: ['authorization_code'] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@corp.example`, email_verified: true, name: `${id} of the company` }) }),
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['of a test'] },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
