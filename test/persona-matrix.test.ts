/** Every operation for every persona, through the surfaces of MCP: what comes back and what is on record follow from the rules. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Operation } from '../src/calls/operation.ts';
import { BUILT_IN_PERSONAS, Config } from '../src/config/schema.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import type { Method } from '../src/mcp/methods/method.ts';
import { allPrompts } from '../src/mcp/prompts/all-prompts.ts';
import type { Platform } from '../src/platform.ts';
import type { CompiledPersona } from '../src/policy/policy.ts';
import { openGoverned, type Answer, type Governed } from './persona-kit.ts';

const SERVERS = ['billing', 'shop'];
/** Nobody listens there: what is allowed gets as far as that. */
const config = Config.parse({
  servers: Object.fromEntries(SERVERS.map((name) => [name, { url: `postgresql://monitor@127.0.0.1:1/${name}` }])),
  default_server: 'shop',
  personas: {
    nothing: {},
    mixed: {
      tools: { allow: ['area:tables', 'list_*', 'activity'], deny: ['list_tables', 'table_*'] },
      servers: { allow: ['shop'] },
    },
  },
});
const CALLERS = [...BUILT_IN_PERSONAS, 'nothing', 'mixed', 'stranger'] as const;

let governed: Governed;
let platform: Platform;
beforeAll(async () => {
  governed = await openGoverned(config);
  platform = governed.platform;
});
afterAll(() => governed.close());

const ask: Governed['ask'] = (...given) => governed.ask(...given);
const records = () => governed.records();

/** The one source of what is expected. */
function personaOf(caller: string): CompiledPersona | undefined {
  return platform.deps.policy.personas().find(({ name }) => name === caller);
}
function operationNamed(name: string): Operation {
  return platform.catalog.find(name).operation;
}
const toolsOf = () => platform.catalog.operations.filter(({ kind, forward }) => kind === 'tool' && !forward);

/** What refuses a caller: the first rule about these operations, or that there is no persona; undefined for nothing. */
function refusalOf(caller: string, names: readonly string[]): { readonly rule: string | null } | undefined {
  const persona = personaOf(caller);
  if (!persona) return { rule: null };
  const denied = names.map((name) => persona.operation(operationNamed(name))).find(({ allowed }) => !allowed);
  return denied && { rule: denied.rule };
}

/** What is wrong with an answer and its record, given the operations that it stands for. */
function check(
  what: string,
  { caller, names, given }: { readonly caller: string; readonly names: readonly string[]; readonly given: Answer },
  events: ReadonlyMap<unknown, AuditEvent>,
): string[] {
  const event = events.get(given.id);
  if (!event) return [`${what} is not on record`];
  const refusal = refusalOf(caller, names);
  const persona = personaOf(caller);
  const problems: unknown[] = [];
  const require = (isSo: boolean, ...shown: unknown[]) => {
    if (!isSo) problems.push(shown);
  };
  require((given.code === 'FORBIDDEN') === (refusal !== undefined), 'answered', given.code);
  require((event.outcome === 'FORBIDDEN') === (refusal !== undefined), 'outcome', event.outcome);
  require(event.persona === (persona?.name ?? null), 'persona', event.persona);
  require(event.policy_version === (persona ? platform.deps.policy.version : null), 'version', event.policy_version);
  if (refusal) {
    require(event.decision === 'deny' && event.rule === refusal.rule, 'record', event.decision, event.rule);
  } else if (persona && names.length > 0) {
    const { server, database } = event;
    const rules = names.map((name) => persona.operation(operationNamed(name)).rule);
    const place = server !== null && database !== null ? persona.database(server, database).rule : rules.at(-1);
    require(event.decision === 'allow' && event.rule === place, 'record', event.decision, event.rule);
  }
  return problems.map((problem) => `${what} ${JSON.stringify(problem)}`);
}

const shown = (given: Answer | undefined, key: string, name: string) =>
  (given?.result?.[key] as Record<string, unknown>[] | undefined)?.map((each) => each[name]);
const withheld = (given: Answer | undefined) => given?.withheld;

describe.each(CALLERS)('%s', (caller) => {
  it('calls the tools that its rules allow and no other, under every name, on record with the rule', async () => {
    const calls = toolsOf().flatMap(({ name, alsoKnownAs }) =>
      [name, ...Object.keys(alsoKnownAs)].map((called) => ({ called, name })),
    );
    expect(calls.length).toBeGreaterThan(100);
    const given = [];
    for (const { called, name } of calls)
      given.push({ called, name, answer: await ask(caller, 'tools/call', { name: called, arguments: {} }) });
    const events = records();
    const problems = given.flatMap((each) => {
      const about = { caller, names: [each.name], given: each.answer };
      const event = events.get(each.answer.id);
      const isAlias = each.called !== each.name;
      return [
        ...check(each.called, about, events),
        ...((event?.called_as ?? null) === (isAlias ? each.called : null) ? [] : [`${each.called} has no called_as`]),
      ];
    });
    expect(problems).toEqual([]);
  });

  it('calls diagnostics through diagnose as it may call them by themselves', async () => {
    const diagnostics = toolsOf().filter(({ accessClass }) => accessClass === 'diagnostic');
    const given = [];
    for (const { name } of diagnostics.slice(0, 30)) {
      const params = { name: 'diagnose', arguments: { diagnostic: name } };
      given.push({ name, answer: await ask(caller, 'tools/call', params) });
    }
    const events = records();
    expect(
      given.flatMap((each) => check(each.name, { caller, names: [each.name], given: each.answer }, events)),
    ).toEqual([]);
  });

  it('finds no operation of administration and no method among the tools', async () => {
    const others = platform.catalog.operations.filter(({ kind }) => kind !== 'tool');
    expect(others.length).toBeGreaterThan(15);
    for (const { name } of others) {
      const { code } = await ask(caller, 'tools/call', { name, arguments: {} });
      expect([name, code]).toEqual([name, 'NOT_FOUND']);
    }
  });

  it('is shown what it may have and told how much that is not', async () => {
    const persona = personaOf(caller);
    const lists = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'] as const;
    const given: Answer[] = [];
    for (const method of lists) given.push(await ask(caller, method));
    const [tools, prompts, resources, templates] = given;
    expect(given.map(({ code }) => code)).toEqual(lists.map(() => (persona ? 'OK' : 'FORBIDDEN')));
    if (!persona) return;
    const allowed = toolsOf().filter((tool) => persona.operation(tool).allowed);
    const kept = toolsOf().length - allowed.length;
    // there is no pooler that the tools of that area could be about
    expect(shown(tools, 'tools', 'name')).toEqual(
      allowed.filter(({ area }) => area !== 'pgbouncer').map(({ name }) => name),
    );
    expect(withheld(tools)).toBe(kept);
    const offered = allPrompts.filter((prompt) => refusalOf(caller, prompt.tools) === undefined);
    expect(shown(prompts, 'prompts', 'name')).toEqual(offered.map(({ name }) => name).toSorted());
    expect(withheld(prompts)).toBe(allPrompts.length - offered.length);
    expect(shown(resources, 'resources', 'uri')).toEqual(allowed.map(({ name }) => `howdah://tools/${name}`));
    expect(withheld(resources)).toBe(kept);
    const hasTables = refusalOf(caller, ['describe_table']) === undefined;
    expect(shown(templates, 'resourceTemplates', 'name')).toEqual(hasTables ? ['tool', 'table'] : ['tool']);
    expect(withheld(templates)).toBe(hasTables ? 0 : 1);
  });

  it('reads resources, gets prompts and completes as it may call the tools behind them', async () => {
    const asked: (readonly [method: string, params: Record<string, unknown>, names: readonly string[]])[] = [
      ...toolsOf().map(({ name }) => ['resources/read', { uri: `howdah://tools/${name}` }, [name]] as const),
      ['resources/read', { uri: 'pg://shop/shop/public/orders' }, ['describe_table']],
      ...allPrompts.map(({ name, tools }) => ['prompts/get', { name, arguments: {} }, tools] as const),
      ['resources/read', { uri: 'other://thing' }, []],
      ['initialize', {}, []],
      ['server/discover', {}, []],
      ['logging/setLevel', { level: 'info' }, []],
      ['subscriptions/listen', { notifications: { toolsListChanged: true } }, []],
    ];
    const given = [];
    for (const [method, params, names] of asked)
      given.push({ what: `${method} ${JSON.stringify(params)}`, names, answer: await ask(caller, method, params) });
    const events = records();
    expect(
      given.flatMap(({ what, names, answer: each }) => check(what, { caller, names, given: each }, events)),
    ).toEqual([]);
    const methods = new Set(asked.map(([method]) => method));
    const rest = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'completion/complete'];
    const declared = platform.catalog.operations.filter((each): each is Method => each.kind === 'method');
    // a method that is added belongs here too
    expect([...new Set(declared.map(({ answers }) => answers.method))].toSorted()).toEqual(
      [...methods, ...rest].toSorted(),
    );
  });

  it('completes servers that it may reach, and names of tables only where it may describe them', async () => {
    const persona = personaOf(caller);
    const complete = (name: string) =>
      ask(caller, 'completion/complete', {
        ref: { type: 'ref/resource', uri: 'pg://{server}/{database}/{schema}/{table}' },
        argument: { name, value: '' },
      });
    const [servers, tables] = [await complete('server'), await complete('table')];
    expect(servers.result).toMatchObject({
      completion: { values: persona ? SERVERS.filter((name) => persona.server(name).allowed) : [] },
    });
    expect(tables.result).toMatchObject({ completion: { values: [] } });
    const event = records().get(tables.id);
    const refusal = refusalOf(caller, ['describe_table']);
    expect(event).toMatchObject(
      refusal ? { decision: 'deny', rule: refusal.rule } : { decision: 'allow', server: 'shop' },
    );
  });
});

it('tells a persona only of the servers that it may reach', async () => {
  const { result } = await ask('mixed', 'server/discover');
  expect(result?.['instructions']).toContain('- shop (default)');
  expect(result?.['instructions']).not.toContain('billing');
});
