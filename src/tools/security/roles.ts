import { z } from 'zod';
import { maskSetting } from '../../sqltext/secret-settings.ts';
import { defineTool, limitInput, nameInput, readParts, statementsOf, type NotExamined } from '../kit/index.ts';
import { judgePowers } from './judge-powers.ts';
import { pageOf, without } from './page.ts';
import { judgeExpiry, judgePasswords, mayReadPasswords, readPasswords, storedPasswords } from './passwords.ts';
import { powers } from './role-power.ts';
import { expiring, memberships, roles } from './role-row.ts';

const PARTS = { roles, memberships, powers, expiring, mayReadPasswords };

const power = powers.shape.pick({ role: true, power: true, inherited: true, through: true });

export default defineTool({
  name: 'roles',
  area: 'security',
  title: 'Roles',
  description: 'Roles and groups: attributes, memberships, expiry, settings; powers through memberships.',
  alsoKnownAs: { get_user_list: {} },
  clusterWide: true,
  seldom: ['predefined'],
  input: {
    name: nameInput,
    predefined: z.boolean().default(false),
    limit: limitInput(),
  },
  thresholds: {
    expiry_days: z
      .int()
      .min(0)
      .max(3650)
      .default(14)
      .describe('Report passwords in use that expire within so many days.'),
  },
  output: {
    rows: z.array(
      roles.shape.omit({ total_rows: true, settings: true, comment: true }).extend({
        password: storedPasswords.shape.shape.password
          .nullable()
          .describe('How it is stored; only superusers see that.'),
        comment: roles.shape.shape.comment,
      }),
    ),
    truncated: z.boolean(),
    total: z.int().min(0),
    settings: z
      .array(z.object({ role: z.string(), name: z.string(), value: z.string() }))
      .describe('That new sessions of a role have in every database.'),
    memberships: z.array(memberships.shape.omit({ total_rows: true })).describe('Of the roles above, both ways.'),
    powers: z
      .array(power)
      .describe('Who comes by a powerful attribute or predefined role as a member, in the whole cluster.'),
  },
  statements: statementsOf({ ...PARTS, storedPasswords }),
  async run({ name = null, predefined, limit, expiry_days }, target) {
    const values = { name, predefined, expiry_days, limit };
    const { facts, parts, unreadable } = await readParts(target, PARTS, values);
    const { rows, truncated, total } = pageOf(parts.roles, limit);
    const passwords = await readPasswords(
      target,
      parts.mayReadPasswords,
      rows.map(({ oid }) => oid),
    );
    const kinds = new Map(passwords.stored?.map(({ oid, password }) => [oid, password]));
    return {
      rows: rows.map((row) => ({
        ...without(row, 'settings', 'comment'),
        password: kinds.get(row.oid) ?? null,
        comment: row.comment,
      })),
      truncated,
      total,
      settings: rows
        .flatMap(({ role, settings }) => settings.map((each) => ({ role, ...maskAssignment(each) })))
        .slice(0, limit),
      memberships: pageOf(parts.memberships, limit).rows,
      powers: parts.powers
        .filter(({ own }) => !own)
        .slice(0, limit)
        .map((each) => power.parse(each)),
      facts,
      findings: [
        ...judgePowers(parts.powers, facts),
        ...judgePasswords(passwords.stored ?? [], facts),
        ...judgeExpiry(parts.expiring),
      ],
      not_examined: [...unreadable, ...passwords.unreadable, ...cutOff(parts.memberships[0]?.total_rows ?? 0, limit)],
    };
  },
});

/** Of `name=value`, as pg_roles has it. */
function maskAssignment(assignment: string): { name: string; value: string } {
  const end = assignment.indexOf('=');
  const name = assignment.slice(0, end);
  return { name, value: maskSetting(name, assignment.slice(end + 1)) ?? '' };
}

function cutOff(memberships: number, limit: number): NotExamined[] {
  if (memberships <= limit) return [];
  return [
    {
      what: `${memberships - limit} more memberships`,
      reason: 'The list ends at the limit.',
      remedy: 'Ask for a name, or with a higher limit.',
    },
  ];
}
