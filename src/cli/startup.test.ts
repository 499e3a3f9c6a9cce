import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const SOURCE = new URL('../', import.meta.url).href;

/** Every module that is loaded before a command runs: imports of types and dynamic imports load nothing. */
function loadedBy(url: string, seen = new Set<string>()): Set<string> {
  if (seen.has(url)) return seen;
  seen.add(url);
  if (!url.startsWith('file:')) return seen;
  const text = readFileSync(new URL(url), 'utf8');
  for (const [, specifier = ''] of text.matchAll(/^(?:import|export) (?!type )(?:[^;]*?from )?'([^']+)';/gm)) {
    loadedBy(specifier.startsWith('.') ? new URL(specifier, url).href : specifier, seen);
  }
  return seen;
}

describe('starting up', () => {
  it('loads nothing heavy before it is known which command runs', () => {
    const loaded = [...loadedBy(new URL('main.ts', SOURCE).href)].map((url) => url.replace(SOURCE, ''));
    const light =
      /^(main\.ts|node:\w+|cli\/(commands\/)?[\w-]+\.ts|core\/(errors|nearest|package-root|secret-text)\.ts|audit\/redact\.ts|render\/palette\.ts|sqltext\/untrusted-text\.ts)$/;
    expect(loaded.filter((module) => !light.test(module))).toEqual([]);
    expect(loaded).toContain('cli/commands/check.ts');
    expect(loaded).not.toContain('cli/local-howdah.ts');
  });
});
