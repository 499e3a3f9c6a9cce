import { hash } from 'node:crypto';
import { z } from 'zod';
import { AuditEvent } from '../contract/audit-event.ts';
import { canonicalJson } from './canonical-json.ts';
import { COLUMN_NAMES, type ColumnName } from './columns.ts';

/** The newest event of a chain. */
export const Head = z.object({ chain: z.string(), sequence: z.int(), hash: z.string() }).readonly();
export type Head = z.output<typeof Head>;

/** An event as canonical JSON in five parts; the columns that the chain gives belong between them. */
export type Draft = readonly [string, string, string, string, string];

/** Columns that stand together, each with what goes in front of its value. */
type Run = readonly (readonly [name: ColumnName, start: string])[];

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

/** Puts an event together of the canonical JSON of each of its columns. */
export function draftEvent(write: (name: ColumnName) => string): Draft {
  const part = (run: Run) => {
    let text = '';
    for (const [name, start] of run) text += start + write(name);
    return text;
  };
  return [part(TO_CHAIN), part(TO_HASH), part(TO_PREVIOUS_HASH), part(TO_SEQUENCE), part(TO_END)];
}

/** Appends to a chain: the line to write, without its newline, and the new head. */
export function sealEvent(draft: Draft, previous: Head): { line: string; head: Head } {
  const { chain } = previous;
  const sequence = previous.sequence + 1;
  const [toChain, toHash, toPreviousHash, toSequence, toEnd] = draft;
  const start = `{${toChain},"chain":${canonicalJson(chain)},${toHash},`;
  const end = `${toPreviousHash},"previous_hash":"${previous.hash}",${toSequence},"sequence":${sequence},${toEnd}}`;
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
  return names.map((name, i) => [name, `${i === 0 ? '' : ','}"${name}":`]);
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
