import { z } from 'zod';

const Rules = z.strictObject({
  allow: z.array(z.string()).default([]).describe('Patterns of which one must match.'),
  deny: z.array(z.string()).default([]).describe('Patterns of which none may match.'),
});

/** `1MiB`, `64kB` or a number of bytes. */
const ByteCount = z.union([z.int().min(1), z.string().regex(/^\d+(\.\d+)?\s*(B|kB|KiB|MB|MiB|GB|GiB)$/)]);
/** `15s`, `500ms`, `2min`. */
const Duration = z.string().regex(/^\d+(\.\d+)?\s*(ms|s|min|h)$/);

export const PersonaLimits = z.strictObject({
  rows: z.int().min(1).optional().describe('Rows that one answer may hold.'),
  bytes: ByteCount.optional().describe('Size that one answer may have, such as 1MiB.'),
  statement_timeout: Duration.optional().describe('How long one call may take, such as 15s.'),
  calls_per_minute: z
    .int()
    .min(1)
    .optional()
    .describe('Calls that one principal may make in a minute, refused ones too.'),
  concurrent: z.int().min(1).optional().describe('Calls that one principal may have under way.'),
  output_tokens: z
    .int()
    .min(1)
    .optional()
    .describe('Tokens that one answer may cost, estimated at 4 bytes each; no bound of its own by default.'),
  rows_per_day: z
    .int()
    .min(1)
    .optional()
    .describe('Rows that one principal may be answered in a day of UTC; no bound by default.'),
  plan_cost: z
    .number()
    .positive()
    .optional()
    .describe("Cost, as the planner estimates it, that a statement of the caller's own may have; no bound by default."),
});

/** Whether callers say why they call. */
export const PurposeRule = z.enum(['off', 'optional', 'required']);
export type PurposeRule = z.output<typeof PurposeRule>;

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
/** A text of several lines, without what is not seen as a character or moves others. */
const PLAIN_LINES = /^(?:[^\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]|\n)*$/u;

/** What can stand in the place of a masked value. */
export const MASKS = ['redact', 'hash', 'last4', 'partial', 'null', 'year'] as const;
export type MaskName = (typeof MASKS)[number];

const DataRules = z.strictObject({
  deny: z
    .array(z.string())
    .default([])
    .describe('schema.table or schema.table.column, quoted as identifiers, with * in parts without quotes.'),
  mask: z
    .record(z.string(), z.string())
    .default({})
    .describe(`schema.table.column, and how its values are shown: ${MASKS.join(', ')}.`),
  allow: z
    .array(z.string())
    .default([])
    .describe('schema.view: views over hidden data, and foreign tables, that its SQL may read all the same.'),
  functions: z
    .array(z.string())
    .default([])
    .describe('schema.function or schema.*: functions of users that its SQL may call; * in parts without quotes.'),
});

/** A named set of rules, chosen for a caller by role; see `docs/personas.md`. */
export const PersonaSpec = z.strictObject({
  roles: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Roles that choose this persona; its own name by default.'),
  priority: z.int().default(0).describe('Of several personas that share a role, the highest wins.'),
  tools: Rules.prefault({}).describe('Tool names with *, area:<area> or class:<diagnostic|schema|query|admin>.'),
  servers: Rules.prefault({ allow: ['*'] }).describe('Server names with *.'),
  databases: Rules.prefault({ allow: ['*/*'] }).describe('server/database, each with *.'),
  data: DataRules.prefault({}).describe('What of the databases it may not see, and what its SQL may use beyond the rest.'),
  limits: PersonaLimits.prefault({}).describe('What one caller may ask.'),
  login: z
    .string()
    .regex(NAME, 'is not the name of a login; those stand under `logins` of a server')
    .optional()
    .describe("Which of the `logins` of a server runs SQL of the caller's own."),
  instructions: z
    .string()
    .min(1)
    .max(2000)
    .regex(PLAIN_LINES, 'has a control character; line breaks are the only ones that it may have')
    .optional()
    .describe('What a model is told beside what Howdah tells it, when it opens; up to 2000 characters.'),
  purpose: PurposeRule.optional().describe(
    'Whether a call says why it is made; `audit.purpose` where this is not said.',
  ),
});
export type PersonaSpec = z.output<typeof PersonaSpec>;
