/** What an attacker tries against personas, through the surfaces of MCP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../src/contract/principal.ts';
import { pageOf } from '../src/mcp/cursor.ts';
import { configOf, openGoverned, type Answer, type Governed } from './persona-kit.ts';

/** `shops` may look at one database of one server; `areas` at no table. */
const personas = {
  shops: {
    tools: { allow: ['class:schema', 'class:diagnostic'], deny: ['activity'] },
    servers: { allow: ['shop'] },
    databases: { allow: ['shop/shop'] },
  },
  areas: { tools: { allow: ['class:diagnostic'] } },
  told: { tools: { allow: ['guide', 'activity'] }, purpose: 'required' },
  untold: { tools: { allow: ['guide'] }, purpose: 'off' },
};

let governed: Governed;
beforeAll(async () => {
  governed = await openGoverned(configOf(personas));
});
afterAll(() => governed.close());

const call = (caller: string | Principal, name: unknown, given: unknown = {}) =>
  governed.ask(caller, 'tools/call', { name, arguments: given });
const read = (caller: string, uri: string) => governed.ask(caller, 'resources/read', { uri });
const recordOf = ({ id }: Answer) => governed.records().get(id);

describe('names of tools', () => {
  it.each([
    'LIST_TABLES',
    'List_Tables',
    'list_tables ',
    'list-tables',
    'list_tables\u200b',
    'ｌist_tables',
    'lіst_tables',
    'list_tables\0',
  ])('PE-01: finds no tool %j, in the words for what does not exist', async (name) => {
    const [given, other] = [await call('dba', name), await call('dba', 'nothing_like_it')];
    expect(given.code).toBe('NOT_FOUND');
    expect(given.text).toContain(`No operation is named ${JSON.stringify(JSON.stringify(name)).slice(1, -1)}`);
    expect(other.text).toContain('No operation is named');
    expect(recordOf(given)).toMatchObject({ outcome: 'NOT_FOUND', decision: null });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'PE-04: has no tool %s',
    async (name) => {
      for (const caller of ['dba', 'shops', name]) expect((await call(caller, name)).code).toMatch(/NOT_FOUND/);
      expect((await governed.ask(name, 'tools/list')).code).toBe('FORBIDDEN');
    },
  );

  it.each([[['list_tables']], [{ name: 'list_tables' }], [7], [null], [true]])('takes %j for no name', async (name) => {
    expect((await call('dba', name)).code).toBe('NOT_FOUND');
  });

  it('judges an alias, and what diagnose stands for, as the tool itself', async () => {
    for (const [name, given] of [
      ['diagnose', { diagnostic: 'activity' }],
      ['diagnose', { diagnostic: 'get_active_queries' }],
      ['activity', {}],
    ] as const) {
      const answer = await call('shops', name, given);
      if (answer.code === 'NOT_FOUND') continue;
      expect(answer.code).toBe('FORBIDDEN');
      expect(recordOf(answer)).toMatchObject({
        operation: 'activity',
        rule: 'personas.shops.tools.deny[0] "activity"',
      });
    }
  });

  it.each([
    'diagnose',
    'audit_tail',
    'config_show',
    'persona_explain',
    'tools/list',
    'list_tables',
    'nothing',
    '__proto__',
  ])('does not reach %s through diagnose', async (diagnostic) => {
    expect((await call('admin', 'diagnose', { diagnostic })).code).toBe('NOT_FOUND');
  });

  it('PE-15: withholds no right by hiding a tool, and gives none by showing it', async () => {
    const hidden = await call('shops', 'activity');
    expect([hidden.code, recordOf(hidden)?.decision]).toEqual(['FORBIDDEN', 'deny']);
    // there is no pooler, so that no list has this one; the persona allows it all the same
    const unlisted = await call('dba', 'pgbouncer_pools');
    expect((await governed.ask('dba', 'tools/list')).text).not.toContain('pgbouncer_pools');
    expect(unlisted.code).not.toBe('FORBIDDEN');
    expect(recordOf(unlisted)).toMatchObject({ decision: 'allow', persona: 'dba' });
  });
});

describe('servers and databases', () => {
  it.each([
    [{ database: 'billing' }],
    [{ database: 'SHOP' }],
    [{ database: 'shop ' }],
    [{ database: 'shop/../billing' }],
    [{ database: 'ｓhop' }],
    [{ database: 'postgresql://127.0.0.1/shop' }],
    [{ database: 'dbname=shop host=billing' }],
    [{ database: 'SHOP\0billing' }],
    [{ database: 'shop\0billing' }],
    [{ database: ['shop'] }],
    [{ database: { toString: 'shop' } }],
    [{ server: 'billing' }],
    [{ server: 'billing', database: 'shop' }],
    [{ server: 'Shop' }],
    [{ server: 'shop\0' }],
    [{ server: ['shop'] }],
    [{ server: '__proto__' }],
    [{ Server: 'shop' }],
    [{ server: 'shop', sErver: 'billing' }],
  ])('PE-10: reaches nothing by the arguments %j', async (given) => {
    const answer = await call('shops', 'list_tables', given);
    expect(answer.code).toMatch(/^(FORBIDDEN|NOT_FOUND|INVALID_INPUT)$/);
    expect(recordOf(answer)?.outcome).toBe(answer.code);
    // the way there that is open gets as far as the server, so that the others were refused by the rules
    expect((await call('shops', 'list_tables', { server: 'shop', database: 'shop' })).code).toBe('SERVER_UNREACHABLE');
  });

  it('completes no server that the persona may not reach', async () => {
    const answer = await governed.ask('shops', 'completion/complete', {
      ref: { type: 'ref/prompt', name: 'why_is_it_slow' },
      argument: { name: 'server', value: 'b' },
    });
    expect(answer.text).not.toContain('billing');
  });
});

describe('resources and prompts', () => {
  const variants = [
    'pg://shop/billing/hr/salaries',
    'pg://shop/billing/hr/%73alaries',
    'pg://shop/%62illing/hr/salaries',
    'pg://shop/shop%2F..%2Fbilling/hr/salaries',
    'pg://shop/%2e%2e/billing/hr/salaries',
    'pg://billing/billing/hr/salaries',
    'pg://b%69lling/billing/hr/salaries',
    'PG://billing/billing/hr/salaries',
    'pg:///billing/billing/hr/salaries',
    'pg://shop//billing/hr/salaries',
    'pg://shop/billing/hr/salaries/',
    'pg://shop/billing/hr/salaries?x=1',
    'pg://shop/billing/hr/salaries#x',
    'pg://shop@billing/billing/hr/salaries',
    'pg://shop:1/billing/hr/salaries',
    'pg://shop/billing%00/hr/salaries',
    'pg://shop/%E2%80%AEbilling/hr/salaries',
  ];
  it.each(variants)('PE-06: does not read %s', async (uri) => {
    const [by, tableless] = [await read('shops', uri), await read('areas', uri)];
    expect([by.code, tableless.code]).toEqual([
      expect.stringMatching(/^(FORBIDDEN|NOT_FOUND|INVALID_INPUT)$/),
      expect.stringMatching(/^(FORBIDDEN|NOT_FOUND|INVALID_INPUT)$/),
    ]);
    expect(recordOf(by)?.outcome).toBe(by.code);
  });

  it('PE-06: decides on an encoded address as on the plain one', async () => {
    const [plain, encoded] = [
      await read('areas', 'pg://shop/shop/hr/salaries'),
      await read('areas', 'pg://%73hop/shop/%68r/s%61laries'),
    ];
    expect([plain.code, encoded.code]).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(recordOf(encoded)?.rule).toBe(recordOf(plain)?.rule);
  });

  it.each([
    'howdah://tools/%61ctivity',
    'howdah://tools/activity/',
    'HOWDAH://tools/activity',
    'howdah://tools//activity',
    'howdah://tools/activity%00',
  ])('does not read the documentation %s of a tool that is denied', async (uri) => {
    expect((await read('shops', uri)).code).toMatch(/^(FORBIDDEN|NOT_FOUND|INVALID_INPUT)$/);
  });

  it('PE-08: is told nothing of a resource by a subscription', async () => {
    const notifications = { toolsListChanged: true, resourceSubscriptions: ['pg://shop/billing/hr/salaries'] };
    const answer = await governed.ask('shops', 'subscriptions/listen', { notifications });
    expect(answer.result).toMatchObject({ notifications: { toolsListChanged: true } });
    expect(answer.text).not.toContain('salaries');
  });

  it('PE-09: gets no prompt that names a tool which is denied, whatever its arguments are', async () => {
    for (const given of [{}, { server: 'billing' }, { schema: 'hr', table: 'salaries' }]) {
      const answer = await governed.ask('shops', 'prompts/get', { name: 'why_is_it_slow', arguments: given });
      expect([answer.code, recordOf(answer)?.rule]).toEqual(['FORBIDDEN', 'personas.shops.tools.deny[0] "activity"']);
      expect(answer.text).not.toContain('Find out why');
    }
  });

  it.each(['__proto__', 'constructor', 'Why_Is_It_Slow', 'why_is_it_slow\0', ''])('has no prompt %j', async (name) => {
    expect((await governed.ask('dba', 'prompts/get', { name })).code).toMatch(/^(NOT_FOUND|INVALID_INPUT)$/);
  });

  it('takes no cursor that another persona or list was given', () => {
    const items = ['a', 'b', 'c'].map((name) => ({ name }));
    const { nextCursor } = pageOf(items, { cursor: undefined, list: ['tools', 'dba'], size: 1 });
    for (const list of [['tools', 'viewer'], ['prompts', 'dba'], ['tools'], ['tools', 'dba', ''], ['toolsdba']])
      expect(() => pageOf(items, { cursor: nextCursor, list, size: 1 })).toThrow('was not given');
    expect(pageOf(items, { cursor: nextCursor, list: ['tools', 'dba'], size: 1 }).items).toEqual([{ name: 'b' }]);
  });
});

function memberOf(...roles: string[]): Principal {
  return { issuer: 'i', subject: 's', method: 'oidc', client: null, roles };
}

describe('roles', () => {
  it.each([
    'VIEWER',
    'viewer ',
    'ｖiewer',
    'vіewer',
    'viewer\u200b',
    'viewer\0',
    '*',
    '__proto__',
    'personas.viewer',
    '',
  ])('gives the role %j no persona', async (role) => {
    const answer = await call(role, 'guide');
    expect([answer.code, recordOf(answer)?.persona]).toEqual(['FORBIDDEN', null]);
  });

  it('is not told by a client which persona it would like to have', async () => {
    const claimed = { persona: 'admin', roles: ['admin'], 'howdah/persona': 'admin' };
    const answer = await governed.ask('shops', 'tools/call', {
      name: 'activity',
      arguments: {},
      _meta: claimed,
      persona: 'admin',
    });
    expect(recordOf(answer)).toMatchObject({ outcome: 'FORBIDDEN', persona: 'shops', principal_roles: ['shops'] });
    expect((await call('shops', 'activity', { persona: 'admin' })).code).toBe('FORBIDDEN');
  });

  it('PE-13: gives one of several personas, and nothing of the others', async () => {
    const both = await openGoverned(
      configOf({
        open: { roles: ['group:open'], priority: 1, tools: { allow: ['*'] } },
        closed: { roles: ['group:closed'], priority: 2, tools: { allow: ['guide'], deny: ['activity'] } },
        rival: { roles: ['group:rival'], priority: 2, tools: { allow: ['*'] } },
      }),
    );
    try {
      const ask = (name: string, ...roles: string[]) =>
        both.ask(memberOf(...roles), 'tools/call', { name, arguments: {} });
      expect((await ask('activity', 'group:open')).code).toBe('SERVER_UNREACHABLE');
      expect((await ask('activity', 'group:open', 'group:closed')).code).toBe('FORBIDDEN');
      expect((await ask('locks', 'group:closed', 'group:open')).code).toMatch(/FORBIDDEN|NOT_FOUND/);
      const tied = await ask('guide', 'group:closed', 'group:rival', 'group:open');
      expect(tied.text).toContain('Your roles choose several personas: closed, rival.');
    } finally {
      await both.close();
    }
    await expect(openGoverned(configOf({ a: { roles: ['x'] }, b: { roles: ['x'] } }))).rejects.toThrow(
      'shares the role',
    );
  });

  it('does not widen a persona by what a key is narrowed to', async () => {
    const narrowing = { path: 'auth.api_keys[0]', tools: ['*'], servers: ['*'] };
    const wide: Principal = {
      issuer: 'key',
      subject: 'k',
      method: 'api_key',
      client: null,
      roles: ['shops'],
      narrowing,
    };
    expect((await call(wide, 'activity')).code).toBe('FORBIDDEN');
    expect((await call(wide, 'list_tables', { server: 'billing' })).code).toBe('FORBIDDEN');
  });
});

describe('the purpose', () => {
  it.each([
    [{ purpose: ['why'] }],
    [{ purpose: '' }],
    [{ purpose: 'x'.repeat(501) }],
    [{ purpose: 'a\0b' }],
    [{ Purpose: 'why' }],
    [{ purpose: 'why', PURPOSE: 'why' }],
    [{ ｐurpose: 'why' }],
    [{ purpose: null }],
    [JSON.parse('{"__proto__": {"purpose": "why"}}')],
    [{}],
  ])('is not given by %j', async (given) => {
    const answer = await call('told', 'guide', given);
    expect([answer.code, recordOf(answer)?.outcome]).toEqual(['INVALID_INPUT', 'INVALID_INPUT']);
  });

  it('is on record beside the arguments, by every way to a tool, and redacted', async () => {
    const purpose = 'Ticket 7, see postgresql://ada:correct-horse@db/shop';
    const answers = [
      await call('told', 'guide', { purpose }),
      await call('told', 'diagnose', { diagnostic: 'activity', purpose }),
      await call('told', 'diagnose', { diagnostic: 'activity', arguments: { purpose } }),
      await call('told', 'activity', { purpose }),
      await call('shops', 'activity', { purpose }),
    ];
    expect(answers.map(({ code }) => code)).toEqual([
      'OK',
      ...Array<string>(3).fill('SERVER_UNREACHABLE'),
      'FORBIDDEN',
    ]);
    for (const answer of answers) {
      const event = recordOf(answer);
      expect(event?.purpose).toMatch(/^Ticket 7, see /);
      expect(JSON.stringify(event)).not.toContain('correct-horse');
    }
    expect(recordOf(answers[0] as Answer)?.input).not.toHaveProperty('purpose');
    const twice = await call('told', 'diagnose', { diagnostic: 'activity', purpose, arguments: { purpose } });
    expect(twice.text).toContain('is given twice');
  });

  it('is an unknown argument where the persona wants none, and is not kept', async () => {
    const answer = await call('untold', 'guide', { purpose: 'why' });
    expect(answer.text).toContain('unknown argument');
    expect(recordOf(answer)).toMatchObject({ outcome: 'INVALID_INPUT', purpose: null });
  });

  it('is listed for a persona that requires it and for no other', async () => {
    const listed = await governed.ask('told', 'tools/list');
    const tools = listed.result?.['tools'] as { name: string; inputSchema: Record<string, unknown> }[];
    expect(tools).toHaveLength(2);
    for (const { inputSchema } of tools) {
      expect(inputSchema).toMatchObject({ properties: { purpose: { type: 'string' } } });
      expect(inputSchema['required']).toContain('purpose');
    }
    expect((await governed.ask('dba', 'tools/list')).text).not.toContain('purpose":{');
    expect((await governed.ask('told', 'server/discover')).text).toContain('Every tool needs `purpose`');
    expect((await governed.ask('dba', 'server/discover')).text).not.toContain('`purpose`');
  });

  it('is an argument of no tool of its own', () => {
    const { operations } = governed.platform.catalog;
    const named = operations.filter(({ kind, input, alsoKnownAs }) => {
      const aliases = Object.values(alsoKnownAs).flatMap((names) => Object.keys(names));
      return kind !== 'method' && [...Object.keys(input.shape), ...aliases].includes('purpose');
    });
    expect(named.map(({ name }) => name)).toEqual([]);
  });
});
