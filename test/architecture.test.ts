/** The floors of src/README.md, held. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = new URL('../src/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, SOURCE), 'utf8');

/** `folder` or `file.ts` → floor, from the table. */
const floors = new Map(
  [...read('README.md').matchAll(/^\| (\d+)\s+\| ([\w.-]+)\s+\|/gm)].map(([, floor, name]) => [
    String(name),
    Number(floor),
  ]),
);
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
const places = [...new Set(files.map((file) => file.split('/')[0] ?? ''))];

/** What `file` imports from its own floor or a higher one, outside its own folder. */
function climbs(file: string, text: string): string[] {
  const place = file.split('/')[0] ?? '';
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
    .map(([, path = '']) => posix.join(posix.dirname(file), path))
    .filter((target) => {
      const to = target.split('/')[0] ?? '';
      return to !== place && (floors.get(to) ?? Infinity) >= (floors.get(place) ?? -Infinity);
    });
}

describe('architecture', () => {
  it('gives every folder a floor, and no floor to a folder that is gone', () => {
    expect([...floors.keys()].toSorted()).toEqual(places.toSorted());
  });

  it.each(files)('%s imports lower floors only', (file) => {
    expect(climbs(file, read(file))).toEqual([]);
  });

  it('lets contract import zod and nothing else from outside', () => {
    const outside = files
      .filter((file) => file.startsWith('contract/'))
      .flatMap((file) => [...read(file).matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name));
    expect([...new Set(outside)]).toEqual(['zod']);
  });

  it('keeps the environment of the process to main.ts', () => {
    expect(
      files.filter((file) => file !== 'main.ts' && /process\.env|\benv\b.*from 'node:process'/.test(read(file))),
    ).toEqual([]);
  });

  it('would notice a climb', () => {
    expect(climbs('core/errors.ts', "import { x } from '../tools/catalog.gen.ts';")).toEqual(['tools/catalog.gen.ts']);
    expect(climbs('policy/policy.ts', "import { x } from '../identity/y.ts';")).toEqual(['identity/y.ts']);
    expect(climbs('calls/execute.ts', "await import('../mcp/stdio.ts')")).toEqual(['mcp/stdio.ts']);
  });
});
