import type { CryptoKey } from 'jose';
import { TOKEN_ALGORITHMS } from '../../config/oidc-section.ts';
import type { NotRecognized } from '../bearer.ts';
import { compileClaims, type ClaimRules } from './claims.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { loadJose } from './jose.ts';
import { flawOfHeader, type UnverifiedJwt } from './jwt.ts';
import type { Verified } from './token-cache.ts';

export const WRONG_SIGNATURE = 'signature';

/** Told of a token that stands for nobody; `facts` are there only where the issuer has signed it. */
export type OnRefused = (issuer: string, detail: string, facts?: Readonly<Record<string, unknown>>) => void;

/** One configured issuer. */
export interface Issuer {
  /** Of how its tokens are read: another one has to read them again. */
  readonly rules: string;
  readonly keys: IssuerKeys;
  /** Never rejects. */
  verify(text: string, token: UnverifiedJwt): Promise<Verified | NotRecognized>;
}

export interface IssuerParts extends ClaimRules {
  readonly keys: IssuerKeys;
  readonly onRefused: OnRefused;
  readonly now: () => number;
}

export function createIssuer({ keys, onRefused, now, ...rules }: IssuerParts): Issuer {
  const { spec, audience, builtInRoles } = rules;
  const algorithms = [...(spec.algorithms ?? TOKEN_ALGORITHMS)];
  const judge = compileClaims(rules);

  function refuse(detail: string, facts?: Readonly<Record<string, unknown>>): NotRecognized {
    onRefused(spec.issuer, detail, facts);
    return { refused: 'unrecognized', detail };
  }

  return {
    rules: JSON.stringify([spec, audience, [...builtInRoles]]),
    keys,
    async verify(text, { header, claims }) {
      const flaw = flawOfHeader(header, algorithms);
      if (flaw !== undefined) return refuse(flaw);
      const found = await keys.find(header);
      if ('unavailableS' in found) return { refused: 'unavailable', retryAfterS: found.unavailableS };
      if ('unknown' in found) return refuse('unknown key');
      if (!(await isSigned(text, found.key, algorithms))) return refuse(WRONG_SIGNATURE);
      const judged = judge(claims, now());
      if ('detail' in judged) return refuse(judged.detail, judged.facts);
      return { recognized: judged, isSigned: () => keys.generation() === found.generation };
    },
  };
}

async function isSigned(text: string, key: CryptoKey, algorithms: string[]): Promise<boolean> {
  const { compactVerify } = await loadJose();
  try {
    await compactVerify(text, key, { algorithms });
    return true;
  } catch {
    return false;
  }
}
