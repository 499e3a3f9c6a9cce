import { z } from 'zod';
import {
  defineTool,
  limitInput,
  nameInput,
  readParts,
  schemaInput,
  statementsOf,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import { bypasses, guardedTables, policies, unparsed } from './guarded-tables.ts';
import { judgeGuarded, unparsedDefiners } from './judge-row-security.ts';
import { pageOf, without } from './page.ts';
import { powers } from './role-power.ts';

const PARTS = { guardedTables, policies, bypasses, powers, unparsed };

const role = powers.shape.pick({ role: true, power: true, own: true, through: true });

export default defineTool({
  name: 'row_security',
  area: 'security',
  title: 'Row security',
  description: 'Tables with row-level security, their policies, and who gets past them.',
  input: { schema: schemaInput, name: nameInput, limit: limitInput() },
  output: {
    rows: z.array(guardedTables.shape.omit({ total_rows: true })),
    truncated: z.boolean(),
    total: z.int().min(0),
    policies: z.array(policies.shape.omit({ total_rows: true, locked: true })).describe('Of the tables above.'),
    bypassed_by: z
      .array(bypasses.shape.omit({ total_rows: true }))
      .describe('Views and functions, those that others may use first.'),
    bypass_roles: z.array(role).describe('Who can log in and is held by no policy.'),
  },
  statements: statementsOf(PARTS),
  async run({ schema = null, name = null, limit }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { schema, name, limit });
    const shown = pageOf(parts.policies, limit);
    const [hidden] = parts.unparsed;
    return {
      ...pageOf(parts.guardedTables, limit),
      policies: shown.rows.map((each) => without(each, 'locked')),
      bypassed_by: pageOf(parts.bypasses, limit).rows,
      bypass_roles: parts.powers
        .filter(isPastPolicies)
        .slice(0, limit)
        .map((each) => role.parse(each)),
      facts,
      findings: judgeGuarded({ tables: parts.guardedTables, ...parts }, facts),
      not_examined: [
        ...unreadable,
        ...behindLocks(parts.policies),
        ...more('policies', shown.total - shown.rows.length),
        ...more('views and functions', (parts.bypasses[0]?.total_rows ?? 0) - Math.min(parts.bypasses.length, limit)),
        ...unparsedDefiners(hidden?.functions ?? 0),
      ],
    };
  },
});

function isPastPolicies({ power, login }: RowOf<typeof powers>): boolean {
  return login && (power === 'SUPERUSER' || power === 'BYPASSRLS');
}

function behindLocks(rows: readonly RowOf<typeof policies>[]): NotExamined[] {
  const locked = rows.filter((each) => each.locked).length;
  if (locked === 0) return [];
  return [
    {
      what: `the expressions of ${locked} ${locked === 1 ? 'policy' : 'policies'}`,
      reason: 'A session holds or awaits an exclusive lock, and reading them would wait.',
      remedy: 'activity shows who blocks whom.',
    },
  ];
}

function more(what: string, count: number): NotExamined[] {
  if (count <= 0) return [];
  return [
    {
      what: `${count} more ${what}`,
      reason: 'The list ends at the limit.',
      remedy: 'Ask for a schema or a name, or with a higher limit.',
    },
  ];
}
