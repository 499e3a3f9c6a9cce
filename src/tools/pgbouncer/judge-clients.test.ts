import { expect, it } from 'vitest';
import type { HoldingRow, WaitingRow } from './client-row.ts';
import { secondsBetween } from './clients.ts';
import { judgeClients } from './judge-clients.ts';

const whose = { pooler: 'main', database: 'Order', server_database: 'orders', user: 'app', application: 'web' };
const waiting: WaitingRow = { ...whose, client_address: '10.0.0.1:5000', wait_s: 5 };
const holding: HoldingRow = {
  ...whose,
  client_address: '10.0.0.2:5000',
  server_pid: 4711,
  statement_s: null,
  silent_s: 61,
};
const judge = (more: { waiting?: Partial<WaitingRow>; holding?: Partial<HoldingRow> } = {}) =>
  judgeClients(
    { waiting: [{ ...waiting, ...more.waiting }], holding: [{ ...holding, ...more.holding }] },
    { max_wait_s: 1, max_silent_s: 60 },
  );

it('reports who holds a connection in silence while others wait', () => {
  expect(judge()).toMatchObject([
    {
      severity: 'warning',
      claim: 'A client holds a server connection of "Order" and has asked nothing for 61 s, while 1 other waits.',
      object: 'pid 4711',
      evidence: { client_address: '10.0.0.2:5000', waiting: 1, longest_wait_s: 5 },
      next_step: expect.stringContaining('WHERE pid = 4711;'),
    },
  ]);
});

it.each([
  ['who has just asked for something', { holding: { silent_s: 60 } }],
  ['whose statement runs', { holding: { statement_s: 61 } }],
  ['whose time is not known', { holding: { silent_s: null } }],
  ['who keeps nobody waiting for long', { waiting: { wait_s: 1 } }],
  ['who holds one of another database', { holding: { database: 'shop' } }],
  ['who holds one of another pooler', { holding: { pooler: 'spare' } }],
])('does not report one %s', (_, more) => {
  expect(judge(more)).toEqual([]);
});

it.each([
  ['2026-11-30 12:11:17 UTC', '2026-11-30 12:11:22 UTC', 5],
  ['2026-11-30 23:59:59 CET', '2026-12-01 00:00:09 CET', 10],
  ['2026-11-30 12:11:22 UTC', '2026-11-30 12:11:17 UTC', 0],
  ['2026-10-25 02:59:59 CEST', '2026-10-25 02:00:09 CET', null],
  ['yesterday', '2026-11-30 12:11:22 UTC', null],
  [null, '2026-11-30 12:11:22 UTC', null],
])('from %s to %s it is %s s', (from, to, seconds) => {
  expect(secondsBetween(from, to)).toBe(seconds);
});
