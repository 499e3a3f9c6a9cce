import { PlatformError } from '../core/errors.ts';
import { originalPosition, type Edit } from './edit.ts';

/** How the statement that failed was sent. */
export interface Sent {
  /** As the caller wrote it. */
  readonly written: string;
  /** What the masks changed of it. */
  readonly edits: readonly Edit[];
  /** Characters that were sent in front of it. */
  readonly offset: number;
}

interface FixedText {
  readonly message: string;
  readonly hint?: string;
}

/** What is said by the beginning of the SQLSTATE; the longest that fits counts. */
const TEXTS: Readonly<Record<string, FixedText>> = {
  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  '0A': { message: 'PostgreSQL does not support what the statement asks for.' },
  '21': {
    message: 'A sub-select that stands for one value gave more than one row.',
    hint: 'Add LIMIT 1, or an aggregate.',
  },
  '22': { message: 'A value does not fit what is done with it.' },
  '22003': { message: 'A number is out of the range of its type.', hint: 'Cast to numeric before computing.' },
  '22007': { message: 'A text is not a valid date or time.' },
  '22008': { message: 'A date or time is out of range.' },
  '22012': { message: 'A division by zero.', hint: 'Divide by nullif(…, 0).' },
  '22023': { message: 'An argument of a function has a value that is not allowed.' },
  '22P02': {
    message: 'A text cannot be read as a value of the type that is wanted.',
    hint: 'Masked columns of other types than text may be texts: see what describe_table says of them.',
  },
  '23': { message: 'A value does not meet a check of its type.' },
  '25006': { message: 'Every transaction here is read-only; nothing can be changed.' },
  '40': { message: 'Another transaction was in the way, or on a standby the replay of changes.', hint: 'Try again.' },
  '42': { message: 'A name or type in the statement does not fit.' },
  '42501': { message: 'The login lacks a right that the statement needs.' },
  '42601': { message: 'The syntax is not right here.' },
  '42702': { message: 'A column name is ambiguous.', hint: 'Write alias.column.' },
  '42703': {
    message: 'A column is not there, or is hidden from the persona.',
    hint: 'A table with masked columns has no system columns such as ctid either. Ask describe_table for its columns.',
  },
  '42712': { message: 'Two tables in FROM have the same name.', hint: 'Give each an alias.' },
  '42725': { message: 'Several functions or operators fit.', hint: 'Cast the arguments.' },
  '42803': {
    message: 'A column must be in GROUP BY or in an aggregate.',
    hint: 'The primary key of a table with masked columns does not stand for its other columns: name them all in GROUP BY.',
  },
  '42804': {
    message: 'The types of values do not match.',
    hint: 'A masked column may be a text: cast the other side, or leave it out.',
  },
  '42809': { message: 'What is named is of another kind than the statement wants.' },
  '42846': { message: 'A value cannot be cast to that type.' },
  '42883': {
    message: 'There is no such function or operator for values of these types.',
    hint: 'A masked column may be a text: see what describe_table says of it, or cast.',
  },
  '42P01': {
    message: 'A table in the statement is not there, or cannot be named so here.',
    hint: 'Give it an alias, and write alias.column.',
  },
  '42P10': { message: 'A number or expression in ORDER BY, GROUP BY or DISTINCT does not fit the columns.' },
  '42P18': { message: 'The type of a parameter is not known.', hint: 'Give the parameter a type.' },
  '42P22': { message: 'Texts of different collations meet.', hint: 'Write COLLATE after one of them.' },
  '53': { message: 'The statement needs more than the server has.', hint: 'Ask for less at once.' },
  '54': { message: 'The statement is too large or too deep for the server.', hint: 'Make it simpler.' },
  '55P03': { message: 'Another session holds a lock that stands in the way.', hint: 'Try again later.' },
  '57014': { message: 'The statement was cancelled on the server, by someone else or by a time limit of its own.' },
};

const UNKNOWN: FixedText = { message: 'PostgreSQL refused the statement.' };

/**
 * What a caller from whom something is hidden may hear of a failure: no word of PostgreSQL's, since its messages, details,
 * contexts and hints quote values and names. Errors that PostgreSQL did not make are given back as they are.
 */
export function withholdError(error: PlatformError, sent: Sent | undefined): PlatformError {
  const sqlstate = error.details?.['sqlstate'];
  if (typeof sqlstate !== 'string') return error;
  const { message, hint } = textFor(sqlstate);
  const position = sent === undefined ? undefined : positionIn(sent, error);
  return new PlatformError(error.code, message, {
    hint,
    details: { sqlstate, ...(position !== undefined && { position }) },
    cause: error,
  });
}

function textFor(sqlstate: string): FixedText {
  return TEXTS[sqlstate] ?? TEXTS[sqlstate.slice(0, 2)] ?? UNKNOWN;
}

/** In what the caller wrote, in characters from 1; undefined within what a mask wrote and where PostgreSQL names none. */
function positionIn({ written, edits, offset }: Sent, error: PlatformError): number | undefined {
  const position = findPosition(error);
  return position === undefined ? undefined : originalPosition(written, edits, position - offset);
}

/** As the driver has it, wherever the error was wrapped. */
function findPosition(error: unknown, depth = 0): number | undefined {
  if (!(error instanceof Error) || depth > 5) return undefined;
  const position = 'position' in error ? Number(error.position) : Number.NaN;
  return Number.isSafeInteger(position) && position > 0 ? position : findPosition(error.cause, depth + 1);
}
