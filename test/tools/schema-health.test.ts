import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { useHowdah } from '../postgres/platform.ts';

describeEachMajor('draft', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  it.each(['invalid_indexes', 'duplicate_indexes', 'foreign_keys_without_index', 'sequence_exhaustion'])('%s', async (tool) => {
    const a = await howdah('superuser').call(tool, tool.startsWith('foreign') ? { min_rows: 0 } : {});
    process.stdout.write(`${tool} ${JSON.stringify(a, null, 1)}\n`);
    expect(a.rows.length).toBeGreaterThan(0);
  });
});
