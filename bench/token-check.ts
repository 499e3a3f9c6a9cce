import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Config } from '../src/config/schema.ts';
import { createIssuers } from '../src/identity/issuers/issuers.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { spreadOf } from './ratio.ts';
import type { Results } from './results.ts';

const ADDRESS = '192.0.2.1';
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://howdah.example/mcp';
const TOKENS = 20;
const CHECKS = 500;

/** Batches of tokens that were not seen before, and of checks of one that was. */
export async function measureTokenCheck(rounds: number): Promise<NonNullable<Results['tokenCheck']>> {
  const checks: NonNullable<Results['tokenCheck']>[number][] = [];
  for (const alg of ['ES256', 'RS256', 'EdDSA']) {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    const key = { ...(await exportJWK(publicKey)), alg, kid: 'first' };
    const recognizer = createIssuers({
      publicUrl: undefined,
      logger: createLogger('error', { isTerminal: false, write: () => undefined }),
      fetchKeys: () => Promise.resolve({ keys: [key] }),
    }).use(Config.parse({ auth: { oidc: [{ issuer: ISSUER, audience: AUDIENCE, role_prefix: 'howdah-' }] } }));
    const sign = (jti: string) =>
      new SignJWT({ jti, scope: 'openid pg:read pg:query', azp: 'claude', roles: ['howdah-dba', 'offline_access'] })
        .setProtectedHeader({ alg, kid: 'first', typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject('f3b1c0de-0000-4000-8000-000000000000')
        .setIssuedAt()
        .setExpirationTime('10m')
        .sign(privateKey);
    const [first, known]: number[][] = [[], []];
    for (let round = 0; round < rounds + 20; round++) {
      const tokens = await Promise.all(Array.from({ length: TOKENS }, (_, i) => sign(`${round} ${i}`)));
      const start = performance.now();
      for (const token of tokens) await recognizer.recognize(token, ADDRESS);
      const between = performance.now();
      for (let i = 0; i < CHECKS; i++) void recognizer.recognize(tokens[0] ?? '', ADDRESS);
      if (round < 20) continue;
      first?.push(((between - start) * 1000) / TOKENS);
      known?.push(((performance.now() - between) * 1000) / CHECKS);
    }
    checks.push({ signed: alg, firstUs: spreadOf(first ?? []), knownUs: spreadOf(known ?? []) });
  }
  return checks;
}
