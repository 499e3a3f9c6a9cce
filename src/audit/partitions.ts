import type { Store } from '../store/open-store.ts';

/** Makes the partitions of this month and the next two: what finds none goes to a table of its own. */
export async function makePartitions(store: Pick<Store, 'exchange'>): Promise<void> {
  await store.exchange([
    {
      text: `select howdah.make_partition('audit_event', day), howdah.make_partition('audit_statement', day)
               from (select ((now() at time zone 'UTC')::date + make_interval(months => ahead))::date as day
                       from pg_catalog.generate_series(0, 2) as ahead) as months`,
      values: [],
    },
  ]);
}
