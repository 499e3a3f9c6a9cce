import { hash } from 'node:crypto';
import { z } from 'zod';
import { AuditEvent } from '../contract/audit-event.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { COLUMN_NAMES } from './columns.ts';

/** The newest event of a chain. */
export const Head = z.object({ chain: z.string(), sequence: z.int(), hash: z.string() }).readonly();
export type Head = z.output<typeof Head>;

/** The canonical JSON of every column that the chain does not give, in the order of COLUMN_NAMES. */
export type Draft = readonly string[];

/** Columns that stand together in canonical JSON: each with its place in a draft and what goes in front of its value. */
type Run = readonly (readonly [place: number, start: string])[];

const TO_CHAIN = columnsBetween('', 'chain');
const TO_HASH = columnsBetween('chain', 'hash');
const TO_PREVIOUS_HASH = columnsBetween('hash', 'previous_hash');
const TO_SEQUENCE = columnsBetween('previous_hash', 'sequence');
const TO_END = columnsBetween('sequence', '~');

/** Refuses what a lenient decoder would read as U+FFFD, and so as the same text. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The head of a chain that has no event yet. */
export function emptyChain(chain: string): Head {
  return { chain, sequence: -1, hash: '0'.repeat(64) };
}

/** The draft of an event that was written before; nothing of it is redacted again. */
export function redraft(event: AuditEvent): Draft {
  return COLUMN_NAMES.map((name) => canonicalJson(event[name]));
}

/** Appends to a chain: the line to write, without its newline, and the new head. */
export function sealEvent(draft: Draft, previous: Head): { line: string; head: Head } {
  const { chain } = previous;
  const sequence = previous.sequence + 1;
  const start = `{${part(draft, TO_CHAIN)},"chain":${canonicalJson(chain)},${part(draft, TO_HASH)},`;
  const middle = `${part(draft, TO_PREVIOUS_HASH)},"previous_hash":"${previous.hash}",${part(draft, TO_SEQUENCE)}`;
  const end = `${middle},"sequence":${sequence},${part(draft, TO_END)}}`;
  const digest = sha256(start + end);
  return { line: `${start}"hash":"${digest}",${end}`, head: { chain, sequence, hash: digest } };
}

/** Reads a line back and checks its place behind `previous`; `broken` says what is wrong with it. */
export function readSealed(line: Uint8Array, previous: Head): { event: AuditEvent; head: Head } | { broken: string } {
  let parsed: unknown;
  try {
    const text = UTF8.decode(line);
    parsed = JSON.parse(text);
    if (canonicalJson(parsed) !== text) return { broken: 'It is not written as canonical JSON.' };
  } catch {
    return { broken: 'It is not JSON.' };
  }
  const { data: event } = AuditEvent.safeParse(parsed);
  if (event === undefined) return { broken: 'It is not an audit event.' };
  const { hash: stated, ...hashed } = parsed as AuditEvent;
  if (sha256(canonicalJson(hashed)) !== stated) return { broken: 'Its hash is wrong: the event was changed.' };
  const misplaced = misplacement(event, previous);
  if (misplaced !== undefined) return { broken: misplaced };
  return { event, head: { chain: event.chain, sequence: event.sequence, hash: stated } };
}

function misplacement(event: AuditEvent, previous: Head): string | undefined {
  if (event.chain !== previous.chain) return `It belongs to the chain ${event.chain}.`;
  const expected = previous.sequence + 1;
  if (event.sequence !== expected) {
    return `Its sequence is ${event.sequence} in place of ${expected}: events were removed, inserted or reordered.`;
  }
  if (event.previous_hash !== previous.hash) return 'It does not follow the event before it, which was changed.';
  return undefined;
}

function columnsBetween(after: string, before: string): Run {
  const names = COLUMN_NAMES.filter((name) => name > after && name < before);
  return names.map((name, i) => [COLUMN_NAMES.indexOf(name), `${i === 0 ? '' : ','}"${name}":`]);
}

function part(draft: Draft, run: Run): string {
  let text = '';
  for (const [place, start] of run) text += start + draft[place];
  return text;
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
