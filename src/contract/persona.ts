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
});

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
  data: DataRules.prefault({}).describe('What of the databases it may not see.'),
  limits: PersonaLimits.prefault({}).describe('What one caller may ask.'),
});
export type PersonaSpec = z.output<typeof PersonaSpec>;
