import { expect, it } from 'vitest';
import { renderAnswer } from '../../src/render/answer.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { useHowdah } from '../postgres/platform.ts';
describeEachMajor('health_check', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  it('x', async () => {
    const t = performance.now();
    const outcome = await howdah('monitor').attempt('health_check');
    if (!outcome.ok) throw outcome.error;
    const text = renderAnswer(outcome.operation, outcome.output, { maxRows: 20 });

    await howdah('monitor').call('health_check', { detail: 'answers' });
  });
});
