import { describe, expect, it } from 'vitest';
import { judgeCommands } from './judge-commands.ts';
import { measure } from './measured-command.ts';
import type { RunningCommand } from './running-command.ts';

const vacuum: RunningCommand = {
  pid: 7,
  command: 'VACUUM',
  user: 'app',
  database: 'shop',
  schema: 'we.ird',
  table: 'Order',
  toast: false,
  index: null,
  started_by: 'session',
  phase: 'scanning heap',
  unit: 'blocks',
  done: 100,
  total: 400,
  step_unit: 'rounds of indexes',
  steps_done: 0,
  steps_total: null,
  tuples: null,
  scanned_percent: 25,
  memory_percent: 10,
  memory_size: 64 * 2 ** 20,
  locker_pid: null,
  delayed_ms: null,
  running_s: 50,
  wait_event_type: null,
  wait_event: null,
  blocked_by: null,
  wait_s: null,
  waiting_behind: 0,
  longest_wait_s: null,
  backend_type: 'client backend',
  backend_start: '2026-01-01T00:00:00Z',
  state: 'active',
  at: 1000,
};

describe('the rate', () => {
  it.each<[string, Partial<RunningCommand>, RunningCommand[] | undefined, (number | null)[]]>([
    ['between two looks', {}, [{ ...vacuum, done: 80, at: 998 }], [25, 10, 30]],
    ['of what stands still', {}, [{ ...vacuum, at: 998 }], [25, 0, null]],
    ['since the beginning', {}, undefined, [25, 2, 150]],
    ['of what was not there before', {}, [], [25, null, null]],
    ['of another phase', {}, [{ ...vacuum, phase: 'vacuuming heap', at: 998 }], [25, null, null]],
    ['of another round', { steps_done: 1 }, [{ ...vacuum, at: 998 }], [25, null, null]],
    ['of another session with this pid', {}, [{ ...vacuum, backend_start: null, at: 998 }], [25, null, null]],
    ['of what has no end', { total: null }, [{ ...vacuum, done: 80, at: 998 }], [null, 10, null]],
    ['of what is not even', { unit: 'indexes' }, [{ ...vacuum, unit: 'indexes', done: 1, at: 998 }], [25, null, null]],
    ['of what nobody counts', { unit: null, done: null, total: null }, [vacuum], [null, null, null]],
  ])('%s', (_, change, before, [percent, per_s, remaining_s]) => {
    expect(measure({ ...vacuum, ...change }, before)).toMatchObject({ percent, per_s, remaining_s });
  });
});

function judge(change: Partial<RunningCommand>, major = 18) {
  return judgeCommands([{ ...vacuum, ...change }], { min_wait_s: 60, max_index_rounds: 2 }, { service: null, major });
}

describe('findings of commands', () => {
  it.each<[string, Partial<RunningCommand>, string[]]>([
    ['works', {}, []],
    ['has waited long', { blocked_by: [8], wait_s: 60 }, ['warning "we.ird"."Order"']],
    ['has waited for a while', { blocked_by: [8], wait_s: 59.9 }, []],
    ['has waited nobody knows how long', { blocked_by: [8], wait_s: null }, []],
    ['blocks many', { waiting_behind: 5, longest_wait_s: 2 }, ['critical pid 7']],
    ['blocks somebody', { waiting_behind: 1, longest_wait_s: 2 }, ['warning pid 7']],
    ['blocks and waits', { waiting_behind: 5, longest_wait_s: 2, blocked_by: [8], wait_s: 1 }, []],
    ['is in its first round', { phase: 'vacuuming indexes' }, []],
    ['is in its second round', { phase: 'vacuuming indexes', steps_done: 1 }, ['warning "we.ird"."Order"']],
    ['is after its second round', { steps_done: 2 }, ['warning "we.ird"."Order"']],
    ['builds partitions', { command: 'CREATE INDEX', steps_done: 9 }, []],
    ['prevents wraparound', { started_by: 'autovacuum to prevent wraparound' }, ['notice "we.ird"."Order"']],
    ['is autovacuum', { started_by: 'autovacuum' }, []],
  ])('judge what %s', (_, change, expected) => {
    expect(judge(change).map(({ severity, object }) => `${severity} ${object}`)).toEqual(expected);
  });

  it('name the index that waits, and for how many', () => {
    const change = {
      command: 'CREATE INDEX CONCURRENTLY',
      index: 'Order_at',
      phase: 'waiting for old snapshots',
      unit: 'transactions',
      done: 1,
      total: 3,
      locker_pid: 9,
      blocked_by: [9],
      wait_s: 90,
    };
    expect(judge(change)).toMatchObject([
      {
        claim: 'CREATE INDEX CONCURRENTLY of "we.ird"."Order_at" waits for transactions of others to end: 1 of 3 have.',
        object: '"we.ird"."Order_at"',
        next_step: expect.stringContaining('pid IN (9)'),
      },
    ]);
  });

  it('have no name for what is in another database', () => {
    const [finding] = judge({ schema: null, table: null, blocked_by: [0], wait_s: 90 });
    expect(finding?.claim).toBe('VACUUM of session 7 in database "shop" waits for a lock of a prepared transaction.');
    expect(finding).not.toHaveProperty('object');
    expect(finding?.next_step).toMatch(/^SELECT gid, .* FROM pg_prepared_xacts/);
  });

  it.each<[string, Partial<RunningCommand>, number, string]>([
    ['a session', {}, 18, `SET maintenance_work_mem = '128MB'; -- `],
    ['autovacuum', { started_by: 'autovacuum' }, 18, `ALTER SYSTEM SET autovacuum_work_mem = '128MB'; -- `],
    ['what has a gigabyte, before 17', { memory_size: 2 ** 30 }, 16, '-- before PostgreSQL 17 '],
    ['what has a gigabyte, from 17 on', { memory_size: 2 ** 30 }, 17, `SET maintenance_work_mem = '2048MB'; -- `],
  ])('advise more memory for %s', (_, change, major, step) => {
    expect(judge({ steps_done: 3, ...change }, major)[0]?.next_step?.startsWith(step)).toBe(true);
  });
});
