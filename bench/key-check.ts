import { createApiKey } from '../src/identity/api-key.ts';
import { compileApiKeys } from '../src/identity/api-keys.ts';
import { spreadOf } from './ratio.ts';
import type { Results } from './results.ts';

const ADDRESS = '192.0.2.1';
const KEYS = 100;
const CHECKS = 500;

/** Batches of checks of what a caller may present, in turn. */
export function measureKeyCheck(rounds: number): Results['keyCheck'] {
  const known = Array.from({ length: KEYS }, () => createApiKey());
  const keys = compileApiKeys(known.map(({ id, hash }) => ({ id, hash, roles: ['viewer'] })));
  const [first = createApiKey()] = known;
  const presented = {
    'a key in force': first.key,
    'the key of another configuration': createApiKey().key,
    'a key with a wrong checksum': `${first.key.slice(0, -1)}${first.key.endsWith('0') ? '1' : '0'}`,
    'some other text': 'x'.repeat(first.key.length),
  };
  const times = new Map(Object.keys(presented).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds + 20; round++) {
    for (const [name, text] of Object.entries(presented)) {
      const start = performance.now();
      for (let i = 0; i < CHECKS; i++) keys.find(text, ADDRESS);
      if (round >= 20) times.get(name)?.push(((performance.now() - start) * 1000) / CHECKS);
    }
  }
  return [...times].map(([name, values]) => ({ presented: name, us: spreadOf(values) }));
}
