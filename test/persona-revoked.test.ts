/** What becomes of calls that are under way when personas or keys are read again. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Config } from '../src/config/schema.ts';
import { principalOf } from '../src/identity/api-keys.ts';
import { operation, until } from './mcp-session.ts';
import { configOf, openGoverned, type Answer, type Governed } from './persona-kit.ts';

const HASH = `sha256:${'0'.repeat(64)}`;
const KEY = 'KeyOfTheTest';

describe('a persona that is taken away', () => {
  const waiting = operation(
    'wait_here',
    ({ deadline: { signal } }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    { accessClass: 'query' },
  );
  const deaf = operation(
    'wait_deaf',
    () => new Promise((resolve) => setTimeout(() => resolve({ secret: 'data' }), 300)),
    {
      accessClass: 'query',
    },
  );
  const reading = operation(
    'read_deaf',
    () => new Promise((resolve) => setTimeout(() => resolve({ secret: 'data' }), 300)),
    {
      accessClass: 'query',
      reaches: 'server',
      input: z.strictObject({ server: z.string().optional(), database: z.string().optional() }),
    },
  );
  const key = { id: KEY, hash: HASH, roles: ['asker'] };
  const before = configOf({ asker: { tools: { allow: ['class:query'] } } }, { auth: { api_keys: [key] } });
  const [spec] = before.auth.api_keys;
  const caller = spec && principalOf(spec, 0);

  async function withRunning(
    name: string,
    next: Config,
    first: Config = before,
  ): Promise<{ answer: Answer; governed: Governed; event: unknown; under: string }> {
    const own = await openGoverned(first, [waiting, deaf, reading]);
    const under = own.platform.deps.policy.version;
    try {
      const running = own.ask(caller ?? '', 'tools/call', { name, arguments: {} });
      await until(() => own.begun().find((event) => event.operation === name));
      await own.platform.reload(() => Promise.resolve({ config: next, warnings: [], source: 'test' }));
      const answer = await Promise.race([
        running,
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1500)),
      ]);
      if (!answer) throw new Error('it runs on');
      return { answer, governed: own, under, event: own.records().get(answer.id) };
    } finally {
      await own.close();
    }
  }
  it.each([
    [
      'the persona allows it no more',
      configOf({ asker: { tools: { allow: ['class:schema'] } } }, { auth: { api_keys: [key] } }),
    ],
    ['the persona is gone', configOf({}, { auth: { api_keys: [key] } })],
    ['the key is gone', configOf({ asker: { tools: { allow: ['class:query'] } } })],
    [
      'the key is narrowed',
      configOf(
        { asker: { tools: { allow: ['class:query'] } } },
        { auth: { api_keys: [{ ...key, tools: ['guide'] }] } },
      ),
    ],
    [
      'the key has expired',
      configOf(
        { asker: { tools: { allow: ['class:query'] } } },
        { auth: { api_keys: [{ ...key, expires_at: '2020-01-01T00:00:00Z' }] } },
      ),
    ],
    [
      'the key has another role',
      configOf(
        { asker: { tools: { allow: ['class:query'] } } },
        { auth: { api_keys: [{ ...key, roles: ['viewer'] }] } },
      ),
    ],
  ])('PE-12: ends a call under way when %s', async (_, next) => {
    const { answer, event, under, governed: own } = await withRunning('wait_here', next);
    expect(answer.code).toBe('FORBIDDEN');
    expect(event).toMatchObject({
      outcome: 'FORBIDDEN',
      decision: 'deny',
      details: { revoked_by: own.platform.deps.policy.version },
    });
    expect((event as { policy_version: string }).policy_version).toBe(under);
  });

  const hiding = (data: object) =>
    configOf({ asker: { tools: { allow: ['class:query'] }, data } }, { auth: { api_keys: [key] } });
  describe('whose data rules change', () => {
    it.each([
      ['a table is hidden', {}, { deny: ['hr.salaries'] }],
      ['another table is hidden', { deny: ['hr.salaries'] }, { deny: ['hr.salaries', 'hr.people'] }],
      ['a column is masked', { deny: ['hr.salaries'] }, { deny: ['hr.salaries'], mask: { 'hr.people.name': 'hash' } }],
    ])('PE-12: withholds what a call brings from a server when %s meanwhile', async (_, first, then) => {
      const { answer, event } = await withRunning('read_deaf', hiding(then), hiding(first));
      expect(answer.code).toBe('FORBIDDEN');
      expect(answer.text).toContain('personas.asker.data is not what it was when the call began');
      expect(answer.text).not.toContain('secret');
      expect(event).toMatchObject({ outcome: 'FORBIDDEN', decision: 'deny' });
    });
    it('PE-12: leaves it alone when they are only written in another way, or when it reaches no server', async () => {
      const next = hiding({ deny: ['hr.salaries', 'HR.People'] });
      const same = hiding({ deny: ['hr."people"', 'hr.salaries'] });
      expect((await withRunning('read_deaf', next, same)).answer.code).toBe('OK');
      expect((await withRunning('wait_deaf', next)).answer.code).toBe('OK');
    });
  });

  it('PE-12: withholds the answer of what could not be ended', async () => {
    const { answer } = await withRunning('wait_deaf', configOf({}, { auth: { api_keys: [key] } }));
    expect(answer.code).toBe('FORBIDDEN');
    expect(answer.text).not.toContain('data');
  });

  it('PE-12: lets it finish where the configuration says so, and while it is allowed', async () => {
    const kept = configOf({}, { auth: { api_keys: [key], cancel_revoked: false } });
    expect((await withRunning('wait_deaf', kept)).answer.code).toBe('OK');
    const other = configOf({ asker: { tools: { allow: ['class:query', 'guide'] } } }, { auth: { api_keys: [key] } });
    expect((await withRunning('wait_deaf', other)).answer.code).toBe('OK');
  });

  it('PE-12: is judged at the call, whatever the list said before, under the version of the policy that is on record', async () => {
    const own = await openGoverned(configOf({ asker: { tools: { allow: ['guide'] } } }));
    try {
      const [old] = [own.platform.deps.policy.version];
      const listed = await own.ask('asker', 'tools/list');
      expect(listed.text).toContain('"guide"');
      const next = configOf({ asker: { tools: { allow: ['activity'] } } });
      await own.platform.reload(() => Promise.resolve({ config: next, warnings: [], source: 'test' }));
      const called = await own.ask('asker', 'tools/call', { name: 'guide', arguments: {} });
      expect(called.code).toBe('FORBIDDEN');
      const records = own.records();
      expect(records.get(listed.id)?.policy_version).toBe(old);
      expect(records.get(called.id)?.policy_version).toBe(own.platform.deps.policy.version);
      expect(own.platform.deps.policy.version).not.toBe(old);
    } finally {
      await own.close();
    }
  });
});
