import { describe, expect, it } from 'vitest';
import { consoleRows } from '../../postgres/console-rows.ts';
import { judgeStatistics } from './judge-statistics.ts';
import type { StatisticsRow } from './statistics-row.ts';
import { describeStatistics } from './statistics.ts';

function describeRow(values: Readonly<Record<string, number>>) {
  const fields = Object.keys(values).map((name) => ({ name, typeOid: 1700 }));
  const [row] = consoleRows({ fields, rows: [Object.values(values).map(String)], command: 'SHOW' });
  if (!row) throw new Error('there is no row');
  return describeStatistics(row);
}

describe('what PgBouncer counts', () => {
  it('is in milliseconds, and null where this version does not count it', () => {
    expect(describeRow({ total_xact_count: 3, total_wait_time: 4915, avg_query_time: 1500 })).toMatchObject({
      total_xact_count: 3,
      total_wait_time: 4.915,
      avg_query_time: 1.5,
      total_sent: null,
      avg_wait_time: null,
      avg_waiting: null,
    });
  });

  it('means the time of one wait since 1.23', () => {
    const row = { avg_wait_time: 250_000, avg_server_assignment_count: 40, avg_xact_count: 100 };
    expect(describeRow(row)).toMatchObject({ avg_wait_time: 250, avg_waiting: 10 });
  });

  it('means what all wait in a second before that', () => {
    const row = { avg_wait_time: 10_000_000, avg_xact_count: 40 };
    expect(describeRow(row)).toMatchObject({ avg_wait_time: 250, avg_waiting: 10 });
    expect(describeRow({ ...row, avg_xact_count: 0 })).toMatchObject({ avg_wait_time: null, avg_waiting: 10 });
  });
});

describe('waits', () => {
  const row: StatisticsRow = {
    pooler: 'main',
    database: 'Order',
    server_database: 'orders',
    ...describeRow({ avg_xact_count: 5, avg_wait_time: 0, avg_server_assignment_count: 5 }),
  };

  it.each([
    [100, 5, []],
    [101, 5, ['Clients of "Order" wait 101 ms on average before they get a server connection.']],
    [101, 1, ['Clients of "Order" wait 101 ms on average before they get a server connection.']],
    [101, 0, []],
    [null, 5, []],
  ])('of %s ms at %s transactions a second', (avg_wait_time, avg_xact_count, claims) => {
    const findings = judgeStatistics([{ ...row, avg_wait_time, avg_xact_count }], { max_avg_wait_ms: 100 });
    expect(findings.map(({ claim }) => claim)).toEqual(claims);
  });
});
