// An OpenID issuer for tests: real discovery, real keys over HTTP, tokens for any subject.
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { createServer } from 'node:http';

const AUDIENCE = 'lethe';

/** A running issuer. */
export type TestIssuer = {
  issuer: string;
  audience: string;
  /** A signed token of the subject; `claims` override. */
  token: (subject: string, claims?: JWTPayload) => Promise<string>;
  close: () => void;
};

/** Starts an issuer on a free port of loopback. */
export const startIssuer = async (): Promise<TestIssuer> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  let issuer = '';
  const server = createServer((request, response) => {
    const found =
      request.url === '/.well-known/openid-configuration'
        ? { issuer, jwks_uri: `${issuer}/jwks` }
        : request.url === '/jwks'
          ? { keys: [jwk] }
          : undefined;
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const token = (subject: string, claims: JWTPayload = {}): Promise<string> =>
    new SignJWT({ name: subject, email: `${subject}@example.org`, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt' })
      .setIssuer(claims.iss ?? issuer)
      .setSubject(subject)
      .setAudience(claims.aud ?? AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(claims.exp ?? '1h')
      .sign(privateKey);
  return {
    issuer,
    audience: AUDIENCE,
    token,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
