import { z } from 'zod';
import { createCatalog, type Catalog } from '../../calls/catalog.ts';
import type { Principal } from '../../contract/principal.ts';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { FleetServer } from '../../fleet/fleet.ts';
import type { CompiledPersona, Decision, Policy } from '../../policy/policy.ts';
import type { ImaginedCaller } from './caller.ts';
import type { Surroundings } from './surroundings.ts';
import { decideFunction, decideTable } from './table-step.ts';

export const Verdict = z.enum(['allow', 'deny']);

/** What the pipeline decides on the way, in its order; a denial is the last. */
export const Step = z.object({
  step: z.enum(['credential', 'persona', 'alias', 'tool', 'server', 'database', 'table', 'function', 'key']),
  subject: z.string(),
  verdict: Verdict,
  rule: z.string(),
});
export type Step = z.output<typeof Step>;

/** What a caller would do; what is left out is not judged. */
export interface Asked {
  readonly tool?: string | undefined;
  readonly server?: string | undefined;
  readonly database?: string | undefined;
  /** `schema.table` or `schema.table.column`. */
  readonly table?: string | undefined;
  /** `schema.function`. */
  readonly function?: string | undefined;
}

/** The persona as it stands, and what the credential leaves of it. */
export interface Chosen {
  readonly persona: CompiledPersona;
  readonly narrowed: CompiledPersona;
}

/** Only what a persona can allow or deny: methods of the protocol stand for these. */
export function callableOf({ operations }: Catalog): Catalog {
  return createCatalog(operations.filter(({ kind }) => kind !== 'method'));
}

export function choosePersona({ principal }: ImaginedCaller, policy: Policy): Chosen | undefined {
  if (!principal) return undefined;
  const { narrowing: _, ...whole } = principal;
  const [persona, narrowed] = [policy.personaFor(whole), policy.personaFor(principal)];
  return persona && narrowed && { persona, narrowed };
}

/** Fails with NOT_FOUND for a tool or server that is not there. */
export function judge(caller: ImaginedCaller, asked: Asked, surroundings: Surroundings): Step[] {
  const policy = surroundings.policy();
  const { principal, credential } = caller;
  const tool = judgeTool(asked, surroundings);
  const server = asked.server === undefined ? undefined : findServer(asked.server, surroundings);
  const steps: Step[] = [step('credential', 'caller', { allowed: principal !== undefined, rule: credential })];
  const chosen = choosePersona(caller, policy);
  if (principal) steps.push(judgePersona(principal, policy));
  if (chosen) {
    // a place for each thing that a rule can be about, in the order of the pipeline
    steps.push(...tool(chosen), ...judgePlace(chosen, server, asked.database), ...judgeData(chosen, asked));
  }
  const denied = steps.findIndex(({ verdict }) => verdict === 'deny');
  return denied === -1 ? steps : steps.slice(0, denied + 1);
}

function step(kind: Step['step'], subject: string, { allowed, rule }: Decision): Step {
  return { step: kind, subject, verdict: allowed ? 'allow' : 'deny', rule };
}

function judgePersona(principal: Principal, policy: Policy): Step {
  const [winner, rival] = policy.contenders(principal);
  const personas = policy.personas();
  const winning = personas.find(({ name }) => name === winner);
  if (!winning) return step('persona', 'none', { allowed: false, rule: 'no persona is for any of the roles' });
  if (rival !== undefined) {
    const both = policy.contenders(principal).join(' and ');
    if (policy.grants(principal).length > 0) {
      return step('persona', both, { allowed: false, rule: 'several grants for its roles last, which differ' });
    }
    return step('persona', both, { allowed: false, rule: `they share the priority ${winning.priority}` });
  }
  const [grant] = policy.grants(principal);
  if (grant) {
    const rule = `granted until ${grant.until} by ${grant.author} (grant ${grant.id}), in place of its own`;
    return step('persona', winning.name, { allowed: true, rule });
  }
  const isNamed = principal.method === 'local' || principal.method === 'anonymous';
  const matching = (roles: ReadonlySet<string>) => principal.roles.filter((role) => roles.has(role.normalize('NFC')));
  const beaten = personas.filter(({ name, roles }) => !isNamed && name !== winner && matching(roles).length > 0);
  const why = isNamed
    ? 'it is named'
    : `its roles have ${matching(winning.roles)
        .map((role) => JSON.stringify(role))
        .join(', ')}`;
  const before = beaten.map(({ name, priority }) => `${name} (${priority})`);
  const rule = `${why}; priority ${winning.priority}${before.length === 0 ? '' : `, before ${before.join(', ')}`}`;
  return step('persona', winning.name, { allowed: true, rule });
}

function judgeTool({ tool }: Asked, { catalog }: Surroundings): (chosen: Chosen) => Step[] {
  if (tool === undefined) return () => [];
  const { operation } = callableOf(catalog()).find(tool);
  const { name } = operation;
  return ({ persona, narrowed }) => [
    ...(name === tool ? [] : [step('alias', tool, { allowed: true, rule: `another name of ${name}` })]),
    ...judgeBoth('tool', name, [persona.operation(operation), narrowed.operation(operation)]),
  ];
}

function judgePlace({ persona, narrowed }: Chosen, server: FleetServer | undefined, named: string | undefined): Step[] {
  if (!server) return [];
  const database = named ?? server.defaultDatabase;
  const place = `${server.name}/${database}`;
  const closed = { allowed: false, rule: `servers.${server.name}.databases` };
  return [
    ...judgeBoth('server', server.name, [persona.server(server.name), narrowed.server(server.name)]),
    step('database', place, server.offers(database) ? narrowed.database(server.name, database) : closed),
  ];
}

function judgeData({ narrowed }: Chosen, { table, function: routine }: Asked): Step[] {
  return [
    ...(table === undefined ? [] : [step('table', table, decideTable(narrowed, table))]),
    ...(routine === undefined ? [] : [step('function', routine, decideFunction(narrowed, routine))]),
  ];
}

/** What the persona decides, and what its credential leaves of that where it takes something away. */
function judgeBoth(kind: Step['step'], subject: string, [whole, narrowed]: readonly [Decision, Decision]): Step[] {
  const steps = [step(kind, subject, whole)];
  return whole.allowed && !narrowed.allowed ? [...steps, step('key', subject, narrowed)] : steps;
}

function findServer(name: string, { fleet }: Surroundings): FleetServer {
  const server = fleet.server(name);
  if (server) return server;
  const names = fleet.servers.map((each) => each.name);
  const near = nearest(name, names);
  throw new PlatformError('NOT_FOUND', `No server is named ${JSON.stringify(name.slice(0, 100))}.`, {
    hint: near === undefined ? `There are: ${names.join(', ') || '(none)'}.` : `Did you mean "${near}"?`,
  });
}
