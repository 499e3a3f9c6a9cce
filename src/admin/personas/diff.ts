import { z } from 'zod';
import type { Operation } from '../../calls/operation.ts';
import type { Config } from '../../config/schema.ts';
import type { CompiledPersona, Policy } from '../../policy/policy.ts';
import { withBuiltIn } from '../../policy/compile.ts';
import { joinPersonas } from '../../policy/stored-rules.ts';
import { defineAdmin } from '../admin-operation.ts';
import { imagineCaller, type ImaginedCaller } from './caller.ts';
import { describeLimits } from './limits.ts';
import type { Surroundings } from './surroundings.ts';
import { callableOf, choosePersona } from './verdict.ts';

const Change = z.object({
  of: z.string().describe('A persona, such as `personas.analyst`, or a caller.'),
  what: z.string(),
  lost: z.array(z.string()),
  gained: z.array(z.string()),
});
type Change = z.output<typeof Change>;

/** A configuration and what it means. */
interface Side {
  readonly config: Config;
  /** Those of the store among them. */
  readonly personas: Config['personas'];
  readonly policy: Policy;
}

export function personaDiff({ config, policy, catalog, stored, readOther }: Surroundings) {
  return defineAdmin({
    name: 'persona_diff',
    area: 'persona',
    title: 'What another configuration changes',
    description: 'Per persona and caller: what another configuration takes away and adds.',
    reaches: 'nothing',
    input: { file: z.string().min(1).max(4096).describe('The other configuration.') },
    output: {
      same: z.boolean(),
      policy_version: z.string(),
      other_policy_version: z.string(),
      changes: z.array(Change),
    },
    run: async ({ file }) => {
      const other = await readOther(file);
      const personas = joinPersonas(config.personas, stored());
      const sides: readonly [Side, Side] = [{ config, personas, policy: policy() }, other];
      const { operations } = callableOf(catalog());
      const changes = [...comparePersonas(sides, operations), ...compareCallers(sides)];
      const [before, after] = sides.map((side) => side.policy.version);
      return {
        same: changes.length === 0 && before === after,
        policy_version: before ?? '',
        other_policy_version: after ?? '',
        changes,
      };
    },
  });
}

function comparePersonas([before, after]: readonly [Side, Side], operations: readonly Operation[]): Change[] {
  const names = new Set([before, after].flatMap(({ policy }) => policy.personas().map(({ name }) => name)));
  const servers = [...new Set([before, after].flatMap(({ config }) => Object.keys(config.servers)))].toSorted();
  return [...names].toSorted().flatMap((name) => {
    const [old, next] = [before, after].map((side) => describePersona(name, side, { operations, servers }));
    return compare(`personas.${name}`, old ?? {}, next ?? {});
  });
}

/** What can be gained and lost, by what it is. */
type Facts = Readonly<Record<string, readonly string[]>>;

function describePersona(
  name: string,
  { personas, policy }: Side,
  known: { readonly operations: readonly Operation[]; readonly servers: readonly string[] },
): Facts {
  const persona = policy.personas().find((each) => each.name === name);
  const spec = withBuiltIn(personas).get(name);
  if (!persona || !spec) return {};
  const { tools, servers, databases, data } = spec;
  const limits = Object.entries(describeLimits(persona.limits)).map(([limit, value]) => [
    `limits.${limit}`,
    [`${value}`],
  ]);
  return {
    persona: ['is there'],
    roles: [...persona.roles].toSorted(),
    priority: [`${persona.priority}`],
    tools: known.operations.filter((each) => !each.forward && persona.operation(each).allowed).map((each) => each.name),
    servers: known.servers.filter((each) => persona.server(each).allowed),
    rules: [...rulesOf('tools', tools), ...rulesOf('servers', servers), ...rulesOf('databases', databases)],
    data: [
      ...data.deny.map((pattern) => `data.deny ${JSON.stringify(pattern)}`),
      ...Object.entries(data.mask).map(([column, mask]) => `data.mask ${JSON.stringify(column)}: ${mask}`),
      ...(['allow', 'functions'] as const).flatMap((list) =>
        data[list].map((pattern) => `data.${list} ${JSON.stringify(pattern)}`),
      ),
    ],
    ...(Object.fromEntries(limits) as Facts),
    ...one('login', persona.login),
    ...one('instructions', persona.instructions),
    purpose: [persona.purpose],
  };
}

function rulesOf(key: string, lists: CompiledSpecRules): string[] {
  return (['deny', 'allow'] as const).flatMap((list) =>
    lists[list].map((pattern) => `${key}.${list} ${JSON.stringify(pattern)}`),
  );
}
type CompiledSpecRules = Readonly<Record<'allow' | 'deny', readonly string[]>>;

function one(key: string, value: string | undefined): Facts {
  return value === undefined ? {} : { [key]: [value] };
}

/** Keys, callers without a credential and those of this machine, as far as their persona or its narrowing changes. */
function compareCallers([before, after]: readonly [Side, Side]): Change[] {
  const ids = new Set([before, after].flatMap(({ config }) => config.auth.api_keys.map(({ id }) => id)));
  const callers = ['anonymous', ...[...ids].map((id) => `key:${id}`)];
  return [
    ...compare('callers of this machine', local(before), local(after)),
    ...callers.flatMap((as) => {
      const [old, next] = [before, after].map((side) => describeCaller(as, side));
      return compare(as === 'anonymous' ? 'anonymous callers' : as, old ?? {}, next ?? {});
    }),
  ];
}

function local({ config }: Side): Facts {
  return { persona: [config.stdio.persona] };
}

function describeCaller(as: string, { config, policy }: Side): Facts {
  const isThere = as === 'anonymous' || config.auth.api_keys.some(({ id }) => `key:${id}` === as);
  if (!isThere) return {};
  const caller: ImaginedCaller = imagineCaller(as, { config, policy: () => policy });
  if (!caller.principal) return {};
  const persona: CompiledPersona | undefined = choosePersona(caller, policy)?.persona;
  const { tools, servers } = caller.principal.narrowing ?? {};
  return {
    persona: [persona?.name ?? 'none'],
    ...(tools && { 'only tools': tools }),
    ...(servers && { 'only servers': servers }),
  };
}

function compare(of: string, before: Facts, after: Facts): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((what) => {
    const [old, next] = [before[what] ?? [], after[what] ?? []];
    const lost = old.filter((each) => !next.includes(each));
    const gained = next.filter((each) => !old.includes(each));
    return lost.length + gained.length === 0 ? [] : [{ of, what, lost, gained }];
  });
}
