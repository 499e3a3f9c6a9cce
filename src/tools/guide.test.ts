import { expect, it } from 'vitest';
import type { CallContext } from '../calls/context.ts';
import { tools } from './catalog.gen.ts';
import { createGuide } from './guide.ts';

const guide = createGuide(tools);

interface Answer {
  readonly areas: readonly { number: number; area: string; tools: number }[];
  readonly rows: readonly { area: string; tool: string; answers: string; inputs: string[] }[];
  readonly total: number;
}

async function ask(input: Record<string, unknown>, allowed: (name: string) => boolean = () => true): Promise<Answer> {
  const persona = { name: 'p', operation: ({ name }: { name: string }) => ({ allowed: allowed(name), rule: '' }) };
  const output = await guide.run({ input: guide.input.parse(input), persona } as unknown as CallContext);
  return guide.output.parse(output) as Answer;
}

it('names every tool once, by area', async () => {
  const { rows, areas, total } = await ask({});
  expect(rows.map(({ tool }) => tool).toSorted()).toEqual(tools.map(({ name }) => name).toSorted());
  expect(total).toBe(tools.length);
  expect(areas.map(({ area }) => area)).toEqual([...new Set(rows.map(({ area }) => area))]);
});

it('finds an area by its name, by its number, and tools by words of a question', async () => {
  const named = await ask({ topic: 'locks' });
  expect(named.rows.map(({ area }) => area)).toEqual(named.rows.map(() => 'locks'));
  expect(named.rows.map(({ tool }) => tool)).toContain('blocking_tree');
  const { areas } = await ask({ mode: 'headings' });
  const number = areas.find(({ area }) => area === 'locks')?.number;
  expect(await ask({ topic: String(number) })).toEqual(named);
  expect((await ask({ topic: 'duplicate indexes?' })).rows[0]).toMatchObject({
    tool: 'duplicate_indexes',
    inputs: ['schema'],
  });
});

it('gives headings alone', async () => {
  expect(await ask({ mode: 'headings', topic: 'locks' })).toMatchObject({ rows: [], total: 0 });
});

it('knows only what the caller may call', async () => {
  const { rows, areas } = await ask({}, (name) => name === 'settings');
  expect(rows.map(({ tool }) => tool)).toEqual(['settings']);
  expect(areas).toEqual([expect.objectContaining({ area: 'configuration', tools: 1 })]);
  await expect(ask({ topic: 'blocking_tree' }, () => false)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
