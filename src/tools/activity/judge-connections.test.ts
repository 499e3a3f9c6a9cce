import { describe, expect, it } from 'vitest';
import { groupConnections, type ConnectionGroup } from './connection-groups.ts';
import { judgeHolders, judgeIdle, judgeLimits, judgeOutcomes } from './judge-connections.ts';

const group: ConnectionGroup = {
  database: 'shop',
  user: 'app',
  application: 'web',
  client_address: '10.0.0.1',
  connections: 10,
  active: 1,
  idle: 8,
  idle_for_long: 4,
  idle_in_transaction: 1,
  longest_idle_in_transaction_s: 3,
  waiting_for_lock: 0,
};
const other: ConnectionGroup = {
  ...group,
  user: 'etl',
  application: 'load',
  connections: 5,
  idle: 0,
  longest_idle_in_transaction_s: null,
};

describe('groups of connections', () => {
  it('are summed up by what was asked for', () => {
    const sums = groupConnections([group, { ...group, client_address: null, connections: 3 }, other], ['user']);
    expect(sums.map(({ user, application, connections, idle }) => [user, application, connections, idle])).toEqual([
      ['app', null, 13, 16],
      ['etl', null, 5, 0],
    ]);
    const [all] = groupConnections([group, other], []);
    expect(all).toMatchObject({ connections: 15, longest_idle_in_transaction_s: 3 });
  });

  it('hide of all what is hidden of one', () => {
    const [all] = groupConnections([group, { ...group, idle: null, active: null }], ['database']);
    expect(all).toMatchObject({ database: 'shop', idle: null, active: null, connections: 20, waiting_for_lock: 0 });
  });
});

describe('findings of connections', () => {
  it.each<[string, ConnectionGroup[], string[]]>([
    ['a role below the threshold', [{ ...group, connections: 59 }], []],
    ['a role at the threshold', [{ ...group, connections: 60 }], ['"app"']],
    [
      'an application of several roles',
      [
        { ...group, connections: 30 },
        { ...group, user: 'api', connections: 30 },
      ],
      ['"web"'],
    ],
    [
      'programs that have no name',
      [
        { ...group, application: '', connections: 30 },
        { ...group, application: '', user: 'api', connections: 30 },
      ],
      [],
    ],
  ])('report who holds most: %s', (_, groups, objects) => {
    expect(judgeHolders(groups, 100, 60).map(({ object }) => object)).toEqual(objects);
  });

  it('quote names in what they advise', () => {
    const [finding] = judgeHolders([{ ...group, user: `o'"x\n; --`, connections: 90 }], 100, 60);
    const [query, advice, ...rest] = finding?.next_step?.split('\nwhat') ?? [];
    expect(query).toContain(`usename = 'o''"x\n; --' GROUP BY`);
    expect(advice).toBeUndefined();
    expect(rest).toEqual([]);
    expect(finding?.next_step?.split('\n').at(-1)).toMatch(/^-- .*ALTER ROLE "o'""x ; --" CONNECTION LIMIT/);
  });

  it.each([
    [{ connections: 100, idle: 99 }, 0],
    [{ connections: 100, idle: 100 }, 1],
    [{ connections: 134, idle: 100 }, 0],
    [{ connections: 100, idle: null }, 0],
  ])('report many that are idle: %o', (counts, findings) => {
    expect(judgeIdle([{ ...group, ...counts }], 100)).toHaveLength(findings);
  });

  it('report limits that are near, and none that is there to be reached', () => {
    const limit = { database: null, role: 'r', connections: 8, connection_limit: 10, percent: 80 };
    expect(judgeLimits([limit], 80)).toMatchObject([{ severity: 'warning', object: '"r"' }]);
    expect(judgeLimits([{ ...limit, percent: 79.9 }], 80)).toEqual([]);
    expect(judgeLimits([{ ...limit, connections: 4, connection_limit: 4, percent: 100 }], 80)).toEqual([]);
    expect(judgeLimits([{ ...limit, connection_limit: 0, percent: null }], 80)).toEqual([]);
    expect(judgeLimits([{ ...limit, database: 'd', role: null }], 80)).toMatchObject([{ object: '"d"' }]);
  });

  it.each([
    [{ sessions_abandoned: 99 }, []],
    [{ sessions_abandoned: 100 }, ['notice']],
    [{ sessions_abandoned: 40, sessions_fatal: 30, sessions_killed: 30 }, ['warning']],
    [{ sessions_abandoned: 100, abnormal_percent: 9.99 }, []],
  ])('report sessions that ended abnormally: %o', (counts, severities) => {
    const outcome = {
      database: 'shop',
      sessions: 1000,
      sessions_abandoned: 0,
      sessions_fatal: 0,
      sessions_killed: 0,
      abnormal_percent: 10,
      session_time: 1,
      active_time: 1,
      idle_in_transaction_time: 0,
      counted_since: null,
    };
    const findings = judgeOutcomes([{ ...outcome, ...counts }], { abnormal_percent: 10, min_abnormal_sessions: 100 });
    expect(findings.map(({ severity }) => severity)).toEqual(severities);
  });
});
