import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { runAs, useHowdah } from '../postgres/platform.ts';

describeEachMajor('comments', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each([
    ['list_tables', { schema: 'shop' }],
    ['describe_table', { table: 'shop.customers' }],
  ])('show no secret in %s', async (tool, input) => {
    const secret = randomBytes(8).toString('hex');
    await runAs(
      clone().superuserUrl,
      `comment on table shop.customers is 'of the old app, password=${secret}'`,
      `comment on column shop.customers.id is 'from postgres://app:${secret}@db/shop'`,
    );
    const text = JSON.stringify(await howdah('monitor').call(tool, input));
    expect(text).toContain('of the old app, password=[redacted]');
    expect(text).not.toContain(secret);
  });
});
