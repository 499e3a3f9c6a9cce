import type { AuditEvent } from '../contract/audit-event.ts';
import { PlatformError } from '../core/errors.ts';
import { emptyChain, readSealed, type Head } from './chain.ts';
import { directoryExists, listAuditFiles, underCurrentName, type AuditFile } from './directory.ts';
import { OpenedDetails } from './earlier.ts';
import { readLines } from './lines.ts';
import { isAbandoned } from './recovery.ts';
import { errorCode } from './unavailable.ts';

/** The first thing that is wrong with a file. */
export interface BrokenLink {
  readonly file: string;
  /** Counted from 1; null where the whole file is missing. */
  readonly line: number | null;
  readonly what: string;
}

export interface VerifiedFile {
  readonly file: string;
  readonly events: number;
  /** The newest event that was found whole: to be kept elsewhere, since only that shows a later truncation of the newest file. */
  readonly head: Head | null;
  readonly closed: boolean;
  /** What is no break but worth knowing, such as an unfinished last line. */
  readonly notes: readonly string[];
}

export interface VerifyReport {
  /** Nothing is broken. */
  readonly ok: boolean;
  readonly events: number;
  readonly files: readonly VerifiedFile[];
  /** At most one for each chain: what follows a break proves nothing. */
  readonly broken: readonly BrokenLink[];
  /** Always false: the log alone cannot show all that may be missing. */
  readonly complete: false;
  readonly limits: string;
}

const LIMITS =
  'Not checked: whether events at the end of the newest files, or the newest files themselves, were removed. ' +
  'No later file links to them; compare the heads with ones that were kept elsewhere.';

/** An event that the first event of a later file links to. */
interface Link extends Head {
  readonly from: string;
}

interface Checked {
  readonly report: VerifiedFile;
  readonly broken: BrokenLink | undefined;
}

/** Checks every event, chain and link between files, in memory that does not grow with the files. NOT_FOUND without a directory. */
export async function verifyAudit(directory: string): Promise<VerifyReport> {
  if (!(await directoryExists(directory))) {
    throw new PlatformError('NOT_FOUND', `There is no audit log in ${directory}.`, {
      hint: 'Howdah makes the directory at the first event; check its path.',
    });
  }
  const files = await listAuditFiles(directory);
  const links = (await Promise.all(files.map(readLinks))).flat();
  const checked: Checked[] = [];
  for (const file of files) checked.push(await checkFile(file, files, links));
  const broken = [...checked.flatMap(({ broken }) => broken ?? []), ...findMissing(files, links), ...findTwins(files)];
  return {
    ok: broken.length === 0,
    events: checked.reduce((sum, { report }) => sum + report.events, 0),
    files: checked.map(({ report }) => report),
    broken,
    complete: false,
    limits: LIMITS,
  };
}

/** Only a first event that is whole itself may accuse another file. */
async function readLinks(file: AuditFile): Promise<Link[]> {
  try {
    for await (const { bytes } of underCurrentName(file, readLines)) {
      const read = readSealed(bytes, emptyChain(file.chain));
      const details = 'event' in read ? OpenedDetails.safeParse(read.event.details).data : undefined;
      return details?.earlier.map((head) => ({ ...head, from: file.chain })) ?? [];
    }
  } catch {
    // `checkFile` meets the same error and reports it
  }
  return [];
}

async function checkFile(file: AuditFile, files: readonly AuditFile[], links: readonly Link[]): Promise<Checked> {
  const expected = links.filter(({ chain }) => chain === file.chain);
  const cursor: Cursor = { line: 0, head: emptyChain(file.chain), last: undefined, torn: false };
  const what = await checkLines(file, cursor, expected);
  const gone = expected.find(({ sequence }) => sequence > cursor.head.sequence);
  const broken =
    what !== undefined
      ? { file: file.name, line: cursor.line, what }
      : gone && {
          file: file.name,
          line: cursor.line + 1,
          what: `It was truncated: ${gone.from} links to its event ${gone.sequence}, which is gone.`,
        };
  const report = {
    file: file.name,
    events: cursor.head.sequence + 1,
    head: cursor.last === undefined ? null : cursor.head,
    closed: cursor.last === 'closed',
    notes: broken === undefined ? await noteState(file, files, cursor) : [],
  };
  return { report, broken };
}

interface Cursor {
  line: number;
  head: Head;
  last: AuditEvent['kind'] | undefined;
  torn: boolean;
}

/** Moves the cursor to the first line that is broken, and says how it is. */
async function checkLines(file: AuditFile, cursor: Cursor, links: readonly Link[]): Promise<string | undefined> {
  try {
    for await (const { bytes, terminated } of underCurrentName(file, readLines)) {
      cursor.torn = !terminated;
      if (!terminated) return undefined;
      cursor.line += 1;
      const read = readSealed(bytes, cursor.head);
      if ('broken' in read) return read.broken;
      const what = checkPosition(read.event, cursor.last) ?? checkLinks(read.head, links);
      if (what !== undefined) return what;
      cursor.head = read.head;
      cursor.last = read.event.kind;
    }
    return undefined;
  } catch (error) {
    cursor.line += 1;
    return `It cannot be read: ${errorCode(error) ?? (error as Error).message}.`;
  }
}

function checkPosition(event: AuditEvent, last: AuditEvent['kind'] | undefined): string | undefined {
  if (last === 'closed') return 'It stands behind the closing event.';
  if (event.kind === 'opened' && !OpenedDetails.safeParse(event.details).success)
    return 'Its details are not those of an opening event.';
  if ((event.kind === 'opened') !== (last === undefined))
    return 'An opening event stands first in a file, and only there.';
  return undefined;
}

function checkLinks(head: Head, links: readonly Link[]): string | undefined {
  const differing = links.find(({ sequence, hash }) => sequence === head.sequence && hash !== head.hash);
  return differing && `It was rewritten: ${differing.from} links to an event with another hash in its place.`;
}

async function noteState(file: AuditFile, files: readonly AuditFile[], cursor: Cursor): Promise<string[]> {
  const alive = file.state === 'open' && !(await isAbandoned(file, files));
  const notes: string[] = [];
  if (cursor.torn) notes.push('Its last line is unfinished: a write that was under way and never acknowledged.');
  if (alive) notes.push(`Still written by the process ${file.pid}.`);
  else if (cursor.last !== 'closed') notes.push('Not closed: its process ended abruptly, or went on in another file.');
  return notes;
}

function findMissing(files: readonly AuditFile[], links: readonly Link[]): BrokenLink[] {
  const present = new Set(files.map(({ chain }) => chain));
  const missing = new Map(links.filter(({ chain }) => !present.has(chain)).map((link) => [link.chain, link]));
  return [...missing.values()].map(({ chain, sequence, from }) => ({
    file: `${chain}.jsonl`,
    line: null,
    what: `It was deleted or moved away: ${from} links to its event ${sequence}.`,
  }));
}

function findTwins(files: readonly AuditFile[]): BrokenLink[] {
  const twins = files.filter(({ chain }, i) => files[i - 1]?.chain === chain);
  return twins.map(({ name, chain }) => ({ file: name, line: null, what: `The chain ${chain} stands in two files.` }));
}
