import { z } from 'zod';

/** From the most to the least urgent. `ok` says that something was examined and found in order. */
export const Severity = z.enum(['critical', 'warning', 'notice', 'ok']);
export type Severity = z.output<typeof Severity>;

/** One observation about a server, with the numbers that led to it and the safest next step. */
export const Finding = z.object({
  severity: Severity,
  claim: z.string().describe('What is the matter, in one sentence.'),
  object: z.string().optional().describe('The role, relation or setting concerned, quoted as an SQL identifier.'),
  evidence: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe('The numbers that the claim rests on.'),
  why: z.string().optional().describe('Address of the page of the PostgreSQL documentation that says why it matters.'),
  next_step: z.string().optional().describe('SQL or a command to review; Howdah never runs it.'),
});
export type Finding = z.output<typeof Finding>;

/** Something that a diagnostic could not look at, and what would make it visible. */
export const NotExamined = z.object({
  what: z.string(),
  reason: z.string(),
  remedy: z.string().optional().describe('SQL or a setting that would make it visible; Howdah never runs it.'),
});
export type NotExamined = z.output<typeof NotExamined>;
