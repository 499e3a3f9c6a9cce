import { z } from 'zod';
import type { CallContext } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { nearest } from '../../core/nearest.ts';
import type { Job } from '../../store/jobs.ts';
import { granteeOf, isGrantable } from '../../policy/grants.ts';
import type { Grant } from '../../policy/policy.ts';
import {
  GRANT_END_TABLE,
  GRANT_TABLE,
  grantEndStep,
  grantStep,
  readGrants,
  type FoundGrant,
  type GrantEnd,
} from '../../policy/stored-grants.ts';
import { readStoredRules } from '../../policy/stored-rules.ts';
import { defineAdmin } from '../admin-operation.ts';
import { authorOf, notWritten, requireEditor, writeBound, type RuleEditor } from './edits.ts';
import { PersonaName, Reason } from './set.ts';
import { settlingJob } from './unsettled.ts';

type Editor = () => RuleEditor | undefined;

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { min: MINUTE_MS, h: 3_600_000, d: 86_400_000 };
const LENGTH = /^(\d{1,5})\s*(min|h|d)$/;

const GrantRow = z.object({
  id: z.string(),
  persona: z.string(),
  to: z.string(),
  state: z.enum(['active', 'expired', 'revoked']),
  at: z.string(),
  until: z.string(),
  author: z.string(),
  reason: z.string(),
});

export function personaGrant(editor: Editor) {
  return defineAdmin({
    name: 'persona_grant',
    area: 'persona',
    title: 'Grant a persona for a while',
    description: 'Gives one caller, or all with a role, another persona in place of their own until a time.',
    reaches: 'nothing',
    input: {
      persona: PersonaName,
      to: z.string().trim().min(1).max(500).describe('The id of a key, the subject of an issuer, or role:<role>.'),
      issuer: z.string().min(1).max(500).default('key').describe('Who vouches for the subject.'),
      for: z.string().regex(LENGTH, 'is a number with min, h or d, such as 2h').describe('How long, such as 2h.'),
      reason: Reason,
    },
    output: { id: z.string(), persona: z.string(), to: z.string(), until: z.string() },
    run: async (given, context) => {
      const edits = requireEditor(editor());
      const grantee = readGrantee(given.to, given.issuer);
      requireOther(grantee, context);
      const at = Date.now();
      const grant: Grant = {
        id: uuidv7(),
        ...grantee,
        persona: given.persona,
        at: new Date(at).toISOString(),
        until: new Date(at + readLength(given.for, edits)).toISOString(),
        author: authorOf(context),
        reason: given.reason,
      };
      await edits.alone(() => writeGrant(edits, grant, context));
      await edits.refresh().catch(() => undefined);
      return { id: grant.id, persona: grant.persona, to: describeGrantee(grant), until: grant.until };
    },
  });
}

export function personaGrants(editor: Editor) {
  return defineAdmin({
    name: 'persona_grants',
    area: 'persona',
    title: 'Grants of personas',
    description: 'The grants that last and those that ended in the last 30 days, the newest first.',
    reaches: 'nothing',
    input: { active: z.boolean().default(false).describe('Only those that last.') },
    output: { rows: z.array(GrantRow) },
    run: async ({ active }) => {
      const { found } = await readGrants(requireEditor(editor()).store, '30 days');
      const rows = found.map(({ grant, end, isPast }) => {
        const { id, persona, at, until, author, reason } = grant;
        const state = end?.how ?? (isPast ? ('expired' as const) : ('active' as const));
        return { id, persona, to: describeGrantee(grant), state, at, until, author, reason };
      });
      return { rows: active ? rows.filter(({ state }) => state === 'active') : rows };
    },
  });
}

export function personaRevoke(editor: Editor) {
  return defineAdmin({
    name: 'persona_revoke',
    area: 'persona',
    title: 'Revoke a grant',
    description: 'Ends a grant before its time, on every replica within a second.',
    reaches: 'nothing',
    input: { grant: z.uuid().describe('The id that `persona_grants` lists.'), reason: Reason },
    output: { id: z.string(), persona: z.string(), to: z.string() },
    run: async ({ grant: id, reason }, context) => {
      const edits = requireEditor(editor());
      const { grant } = await edits.alone(async () => {
        const { found } = await readGrants(edits.store, '30 days');
        const lasting = requireLasting(id, found);
        await writeEnd(edits, { grant: lasting.grant, how: 'revoked', author: authorOf(context), reason, context });
        return lasting;
      });
      await edits.refresh().catch(() => undefined);
      return { id, persona: grant.persona, to: describeGrantee(grant) };
    },
  });
}

/** Puts the end of grants on record, which have ended by themselves, and what became of rows that nobody knows of. */
export function grantJobs(editor: Pick<RuleEditor, 'store' | 'audit'>): readonly Job[] {
  return [
    {
      name: 'persona_grants',
      everyMs: 5000,
      async run() {
        const { found } = await readGrants(editor.store, '30 days');
        for (const { grant, end, isPast } of found) {
          if (!isPast || end !== undefined) continue;
          const reason = 'its time was up';
          await writeEnd(editor, { grant, how: 'expired', author: 'howdah', reason, context: undefined });
        }
      },
    },
    settlingJob(editor),
  ];
}

async function writeGrant(edits: RuleEditor, grant: Grant, context: CallContext): Promise<void> {
  const { rules } = await readStoredRules(edits.store);
  const names = edits
    .check(rules)
    .personas()
    .map(({ name }) => name);
  if (!names.includes(grant.persona)) {
    const near = nearest(grant.persona, names);
    throw new PlatformError('NOT_FOUND', `There is no persona "${grant.persona}".`, {
      hint: near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${near}"?`,
    });
  }
  const now = Date.now();
  const rival = rules.grants.find((other) => granteeOf(other) === granteeOf(grant) && Date.parse(other.until) > now);
  if (rival) {
    throw new PlatformError('CONFLICT', `${describeGrantee(grant)} has "${rival.persona}" until ${rival.until}.`, {
      hint: `One grant at a time: revoke that one first, with howdah persona revoke ${rival.id}.`,
      details: { grant: rival.id, author: rival.author, at: rival.at },
    });
  }
  const { persona, until, reason } = grant;
  const isWritten = await writeBound(edits, {
    operation: 'persona_grant',
    context,
    table: GRANT_TABLE,
    row: grant.id,
    details: { persona, to: describeGrantee(grant), until, reason },
    step: (eventId) => grantStep(edits.store.keys, grant, eventId),
  });
  if (!isWritten) throw notWritten();
}

interface Ending extends Pick<GrantEnd, 'how' | 'author' | 'reason'> {
  readonly grant: Grant;
  readonly context: CallContext | undefined;
}

async function writeEnd(
  editor: Pick<RuleEditor, 'store' | 'audit'>,
  { grant, context, ...facts }: Ending,
): Promise<void> {
  const end: GrantEnd = { id: uuidv7(), grant_id: grant.id, at: new Date().toISOString(), ...facts };
  const isWritten = await writeBound(editor, {
    operation: end.how === 'revoked' ? 'persona_revoke' : 'grant_expired',
    context,
    table: GRANT_END_TABLE,
    row: end.id,
    details: { grant: grant.id, persona: grant.persona, to: describeGrantee(grant), reason: end.reason },
    step: (eventId) => grantEndStep(editor.store.keys, end, eventId),
  });
  if (!isWritten) throw notWritten();
}

function requireLasting(id: string, found: readonly FoundGrant[]): FoundGrant {
  const known = found.find(({ grant }) => grant.id === id);
  if (!known) {
    throw new PlatformError('NOT_FOUND', `There is no grant ${id}.`, { hint: '`howdah persona grants` lists them.' });
  }
  if (known.end === undefined && !known.isPast) return known;
  const how = known.end ? `was ${known.end.how} at ${known.end.at} by ${known.end.author}` : 'has ended';
  throw new PlatformError('CONFLICT', `The grant ${id} ${how}.`, { hint: 'Nothing is left to revoke.' });
}

function readGrantee(to: string, issuer: string): Pick<Grant, 'issuer' | 'subject' | 'role'> {
  const [, kind, rest = ''] = /^(role|key):(.+)$/s.exec(to) ?? [];
  if (kind === 'role') return { issuer: null, subject: null, role: rest.normalize('NFC') };
  const grantee = { issuer: kind === 'key' ? 'key' : issuer, subject: kind === 'key' ? rest : to, role: null };
  if (grantee.issuer !== 'local' && grantee.issuer !== 'anonymous') return grantee;
  throw new PlatformError('INVALID_INPUT', 'A caller who shows no credential cannot have a grant.', {
    hint: 'The configuration says which persona such callers have: stdio.persona and auth.anonymous.persona.',
  });
}

/** Fails with FORBIDDEN: two have to know of it. */
function requireOther(grantee: Pick<Grant, 'issuer' | 'subject' | 'role'>, { principal }: CallContext): void {
  const { issuer, subject, roles } = principal;
  const isOwnRole = grantee.role !== null && roles.some((role) => role.normalize('NFC') === grantee.role);
  const isOwn = grantee.issuer === issuer && grantee.subject === subject;
  if (!isOwn && !(isOwnRole && isGrantable(principal))) return;
  throw new PlatformError('FORBIDDEN', 'Nobody gives a grant to themselves.', {
    hint: 'Another administrator can give it to you.',
  });
}

function readLength(text: string, { file }: RuleEditor): number {
  const { longest } = file().grants;
  const [length, most] = [toMs(text), toMs(longest)];
  if (length >= MINUTE_MS && length <= most) return length;
  throw new PlatformError('INVALID_INPUT', `A grant lasts from 1min to ${longest}, and not ${text}.`, {
    hint: 'The longest is `grants.longest` in the configuration. For good, change the roles of a persona.',
    details: { limit: 'grants.longest', value: longest },
  });
}

function toMs(text: string): number {
  const [, count = '0', unit = ''] = LENGTH.exec(text) ?? [];
  return Number(count) * (UNITS[unit] ?? NaN);
}

export function describeGrantee({ issuer, subject, role }: Pick<Grant, 'issuer' | 'subject' | 'role'>): string {
  return role === null ? `${issuer}:${subject}` : `role:${role}`;
}
