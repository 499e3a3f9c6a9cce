import { z } from 'zod';
import { describeReach } from '../../calls/reach.ts';
import { AccessClass } from '../../contract/access-class.ts';
import { PurposeRule } from '../../contract/persona.ts';
import { PlatformError } from '../../core/errors.ts';
import type { CompiledPersona } from '../../policy/policy.ts';
import { defineAdmin } from '../admin-operation.ts';
import { CALLER_FORMS, imagineCaller } from './caller.ts';
import { describeLimits, Limits } from './limits.ts';
import type { Surroundings } from './surroundings.ts';
import { callableOf, choosePersona, judge, Step, Verdict, type Asked, type Chosen } from './verdict.ts';

const ToolVerdict = z.object({
  name: z.string(),
  area: z.string(),
  class: AccessClass,
  verdict: Verdict,
  rule: z.string(),
});

export function personaExplain(surroundings: Surroundings) {
  return defineAdmin({
    name: 'persona_explain',
    area: 'persona',
    title: 'Explain a persona',
    description: 'What a caller may do, and the rule that decides each step on the way.',
    reaches: 'nothing',
    input: {
      as: z.string().min(1).max(500).describe(`Who calls: ${CALLER_FORMS}.`),
      tool: z.string().min(1).max(200).optional(),
      server: z.string().min(1).max(200).optional(),
      database: z.string().min(1).max(200).optional(),
      table: z.string().min(1).max(300).optional().describe('schema.table or schema.table.column.'),
      function: z.string().min(1).max(300).optional().describe('schema.function, of the users of a database.'),
    },
    output: {
      as: z.string(),
      persona: z.string().nullable(),
      verdict: Verdict,
      login: z.string().optional(),
      purpose: PurposeRule.optional(),
      limits: Limits.optional(),
      steps: z.array(Step),
      tools: z.array(ToolVerdict).optional().describe('All that there is, where no tool is named.'),
    },
    run: ({ as, ...asked }) => {
      const caller = imagineCaller(as, surroundings);
      const chosen = choosePersona(caller, surroundings.policy());
      const steps = judge(caller, withDefaultServer(asked, chosen, surroundings), surroundings);
      const denied = steps.some(({ verdict }) => verdict === 'deny');
      return Promise.resolve({
        as,
        persona: chosen?.persona.name ?? null,
        verdict: denied ? 'deny' : 'allow',
        ...(chosen && factsOf(chosen.persona)),
        steps,
        ...(chosen && asked.tool === undefined && { tools: judgeAll(chosen.narrowed, surroundings) }),
      } as const);
    },
  });
}

/** Where a call goes that names none, if there is such a place. */
function withDefaultServer(asked: Asked, chosen: Chosen | undefined, { fleet, catalog }: Surroundings): Asked {
  const reaches = asked.tool !== undefined && catalog().get(asked.tool)?.operation.reaches === 'server';
  if (asked.server !== undefined || (!reaches && asked.database === undefined)) return asked;
  const server = chosen && describeReach(fleet, chosen.narrowed).byDefault?.name;
  if (chosen && asked.database !== undefined && server === undefined) {
    throw new PlatformError('INVALID_INPUT', 'A database needs a server, since none is the default.', {
      hint: 'Name the server too.',
    });
  }
  return { ...asked, server };
}

function factsOf({ login, purpose, limits }: CompiledPersona) {
  return { ...(login !== undefined && { login }), purpose, limits: describeLimits(limits) };
}

/** What may be called comes first. */
function judgeAll(persona: CompiledPersona, { catalog }: Surroundings): z.output<typeof ToolVerdict>[] {
  const all = callableOf(catalog())
    .operations.filter(({ forward }) => !forward)
    .map((operation) => {
      const { allowed, rule } = persona.operation(operation);
      const { name, area, accessClass } = operation;
      return { name, area, class: accessClass, verdict: allowed ? ('allow' as const) : ('deny' as const), rule };
    });
  return [...all.filter(({ verdict }) => verdict === 'allow'), ...all.filter(({ verdict }) => verdict === 'deny')];
}
