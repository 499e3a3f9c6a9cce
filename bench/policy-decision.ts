import { PersonaSpec } from '../src/contract/persona.ts';
import type { Principal } from '../src/contract/principal.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import { spreadOf } from './ratio.ts';
import type { Results } from './results.ts';

const PERSONAS = 50;
const PATTERNS = 100;
const DECISIONS = 500;

const patterns = (last: string) => [...Array.from({ length: PATTERNS - 1 }, (_, i) => `${last[0]}${i}_*`), last];

/**
 * Microseconds of all decisions on one call: the persona by its roles, the tool, the server and the database, with 50
 * personas of 100 patterns in each list. What decides stands last.
 */
export function measurePolicyDecision(rounds: number): NonNullable<Results['policyDecision']> {
  const specs = Array.from({ length: PERSONAS }, (_, i) => [
    `persona_${i}`,
    PersonaSpec.parse({
      roles: [`role:${i}`],
      priority: i,
      tools: { allow: patterns('list_*'), deny: patterns('drop_*') },
      servers: { allow: patterns('shop-*') },
      databases: { allow: patterns('shop-*').map((pattern) => `${pattern}/*`) },
    }),
  ]);
  const policy = compilePersonas(Object.fromEntries(specs) as Record<string, PersonaSpec>);
  const principals = Array.from({ length: PERSONAS }, (_, i): Principal => {
    return { issuer: 'i', subject: `${i}`, method: 'oidc', client: null, roles: ['role:x', `role:${i}`] };
  });
  const operations = Array.from({ length: 20 }, (_, i) => {
    return { name: `list_${i}`, area: 'tables', accessClass: 'schema' } as const;
  });
  const times: number[] = [];
  for (let round = 0; round < rounds + 20; round++) {
    const start = performance.now();
    for (let i = 0; i < DECISIONS; i++) {
      const [principal, operation] = [principals[i % PERSONAS], operations[i % operations.length]];
      const persona = principal && policy.personaFor(principal);
      const allowed =
        persona &&
        operation &&
        persona.operation(operation).allowed &&
        persona.server('shop-eu').allowed &&
        persona.database('shop-eu', 'orders').allowed;
      if (allowed !== true) throw new Error('a decision is wrong');
    }
    if (round >= 20) times.push(((performance.now() - start) * 1000) / DECISIONS);
  }
  return spreadOf(times);
}
