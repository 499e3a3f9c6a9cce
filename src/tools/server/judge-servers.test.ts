import { expect, it } from 'vitest';
import { judgePoolers, judgeServers, notContacted } from './judge-servers.ts';
import type { PoolerRow, ServerRow } from './server-row.ts';

const reachable: ServerRow = {
  server: 'shop',
  default: true,
  address: 'howdah@db.example.org:5432/shop',
  state: 'reachable',
  role: 'primary',
  version: '18.4',
  pooling: 'session',
  contacted_at: '2026-01-01T00:00:00.000Z',
  problem: null,
};
const unreachable: ServerRow = { ...reachable, server: 'far', state: 'unreachable', problem: 'Connection refused.' };

it('finds the servers that could not be reached, and no other', () => {
  expect(judgeServers([reachable, unreachable, { ...reachable, state: 'unknown' }])).toEqual([
    {
      severity: 'warning',
      claim: 'The server far could not be reached.',
      object: 'far',
      evidence: {
        address: reachable.address,
        problem: 'Connection refused.',
        contacted_at: '2026-01-01T00:00:00.000Z',
      },
      next_step: 'howdah doctor far',
    },
  ]);
});

it('sums up an outage of a whole site', () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ ...unreachable, server: `far-${i}` }));
  expect(judgeServers(rows)).toEqual([
    expect.objectContaining({ claim: '30 servers could not be reached.', severity: 'warning' }),
  ]);
});

it('says how many servers nobody has contacted yet', () => {
  const unknown: ServerRow = { ...reachable, state: 'unknown', role: null, version: null, contacted_at: null };
  expect(notContacted([reachable, unknown]).map(({ what }) => what)).toEqual(['the state of 1 server']);
  expect(notContacted([reachable, unreachable])).toEqual([]);
});

it('finds the poolers that could not be asked, and no other', () => {
  const pooler: PoolerRow = {
    server: 'shop',
    pooler: 'main',
    address: 'stats@pooler:6432/pgbouncer',
    state: 'reachable',
    version: '1.24.1',
    contacted_at: '2026-01-01T00:00:00.000Z',
    problem: null,
  };
  const hanging: PoolerRow = { ...pooler, pooler: 'spare', state: 'unreachable', problem: 'It did not answer.' };
  expect(judgePoolers([pooler, hanging, { ...pooler, state: 'unknown' }])).toEqual([
    {
      severity: 'warning',
      claim: 'The PgBouncer "spare" of the server shop could not be asked.',
      object: '"spare"',
      evidence: { address: pooler.address, problem: 'It did not answer.', contacted_at: '2026-01-01T00:00:00.000Z' },
      next_step: 'howdah doctor shop',
    },
  ]);
});
