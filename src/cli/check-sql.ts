import { openCallersDatabase } from '../calls/callers-database.ts';
import { findDestination } from '../calls/reach.ts';
import { startDeadline } from '../core/deadline.ts';
import { PlatformError, toPlatformError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { isRecord } from '../core/record.ts';
import type { DataAccess } from '../guard/access.ts';
import { createGuard } from '../guard/create-guard.ts';
import type { Verdict } from '../guard/guard.ts';
import { refuse, type Rule } from '../guard/rules.ts';
import { characterAt } from '../guard/text-position.ts';
import { dataAccessOf } from '../policy/data-access.ts';
import { openStatementTexts } from '../sqltext/statement-texts.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import { readLines } from './lines.ts';
import { withHowdah } from './local-howdah.ts';
import type { Input, Shell } from './shell.ts';

interface Asked {
  readonly persona?: string;
  readonly server?: string;
  readonly database?: string;
}

type Check = (sql: string) => Promise<Verdict>;

/** Longer ones are refused without being kept in memory. */
const LONGEST_LINE_BYTES = 1 << 20;

/** Exit code 3 where the statement is refused; with `--json` a line for each line, and 0. */
export async function checkSql(shell: Shell, statement: string | undefined, asked: Asked): Promise<number> {
  if (asked.server !== undefined || asked.database !== undefined) return checkOnServer(shell, statement, asked);
  const access = await accessOf(shell, asked);
  const texts = openStatementTexts();
  try {
    const guard = createGuard(texts);
    const check: Check = (sql) => guard.check({ sql, access, catalog: undefined, signal: shell.signal });
    return await answer(shell, statement, check);
  } finally {
    await texts.close();
  }
}

async function answer(shell: Shell, statement: string | undefined, check: Check): Promise<number> {
  if (!shell.json) return answerOne(shell, statement ?? (await readStatement(shell.stdin)), check);
  if (statement !== undefined) shell.screen.print(lineOf(await checked(check, statement)));
  else await answerLines(shell, check);
  return 0;
}

/** By what is in the database, on the login that would run the statement; as the persona of stdio where none is named. */
function checkOnServer(shell: Shell, statement: string | undefined, asked: Asked): Promise<number> {
  return withHowdah(shell, {}, async ({ platform, persona: own }) => {
    const { fleet, policy, callersSql = {} } = platform.deps;
    const { persona: name = own?.name } = asked;
    const persona = policy.personas().find((each) => each.name === name);
    if (persona === undefined) throw noPersona(name ?? '');
    const check: Check = async (sql) => {
      const deadline = startDeadline(persona.limits.timeoutMs, shell.signal);
      try {
        const destination = findDestination(fleet, persona, asked, NO_RECORD);
        const callers = { ...callersSql, transport: 'cli' as const };
        const database = openCallersDatabase(destination, { persona, deadline, callId: uuidv7(), callers });
        return await database.judge(sql);
      } finally {
        deadline.clear();
      }
    };
    return answer(shell, statement, check);
  });
}

/** Nothing is run, so that nothing is on record. */
const NO_RECORD = { reached: () => undefined, decided: () => undefined };

async function accessOf(shell: Shell, { persona }: Asked): Promise<DataAccess> {
  if (persona === undefined) return dataAccessOf(UNHIDDEN);
  return withHowdah(shell, {}, ({ platform }) => {
    const found = platform.deps.policy.personas().find(({ name }) => name === persona);
    if (found !== undefined) return Promise.resolve(dataAccessOf(found));
    throw noPersona(persona);
  });
}

function noPersona(name: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `There is no persona ${JSON.stringify(name)}.`, {
    hint: 'howdah persona list shows the personas.',
  });
}

const NO_GRANTS = { allowed: false, rule: 'no persona is given' };
const UNHIDDEN = {
  data: undefined,
  dataGrants: { canonical: '', relations: [], functions: [], relation: () => NO_GRANTS, function: () => NO_GRANTS },
};

async function answerOne({ screen }: Shell, sql: string, check: Check): Promise<number> {
  const verdict = await check(sql);
  const { palette, print } = screen;
  if (verdict.verdict === 'allow') {
    print(`${palette.bold('allow')}  ${verdict.kind}`);
    return 0;
  }
  const { rule, reason, hint, at } = verdict;
  print(`${palette.bold('deny')}  ${rule}`);
  print(`  ${escapeControl(reason)}${at === undefined ? '' : ` (at character ${characterAt(sql, at)})`}`);
  print(`  ${palette.dim('hint:')} ${escapeControl(hint)}`);
  return 3;
}

async function readStatement(stdin: Input): Promise<string> {
  if (stdin.isTTY === true) {
    throw new PlatformError('INVALID_INPUT', 'There is no statement to check.', {
      hint: 'Give it as an argument in quotes, or on standard input.',
    });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}

async function answerLines({ stdin, screen, signal }: Shell, check: Check): Promise<void> {
  for await (const line of readLines(stdin, LONGEST_LINE_BYTES)) {
    signal.throwIfAborted();
    const sql = line === undefined ? undefined : statementIn(line);
    screen.print(lineOf(sql === undefined ? MALFORMED : await checked(check, sql)));
  }
}

const MALFORMED = denied('input/malformed', 'The line is not a JSON object with a text "sql".');

function statementIn(line: string): string | undefined {
  try {
    const input: unknown = JSON.parse(line);
    return isRecord(input) && typeof input['sql'] === 'string' ? input['sql'] : undefined;
  } catch {
    return undefined;
  }
}

/** What could not be judged is refused; a parser that was lost is asked once more. */
async function checked(check: Check, sql: string): Promise<Verdict> {
  try {
    return await check(sql).catch(() => check(sql));
  } catch (error) {
    return denied('guard/unavailable', toPlatformError(error).message);
  }
}

function denied(rule: Rule, reason: string): Verdict {
  return { verdict: 'deny', ...refuse(rule, reason) };
}

function lineOf(verdict: Verdict): string {
  const { rule, reason } = verdict.verdict === 'deny' ? verdict : { rule: null, reason: null };
  return JSON.stringify({ verdict: verdict.verdict, rule, reason });
}
