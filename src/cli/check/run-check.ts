import type { CallOutcome } from '../../calls/execute.ts';
import type { Operation } from '../../calls/operation.ts';
import { Finding, NotExamined } from '../../contract/finding.ts';
import { PlatformError } from '../../core/errors.ts';
import { fieldsOf } from '../../render/field.ts';
import { AREAS } from '../../tools/kit/tool.ts';
import { withHowdah, type LocalHowdah } from '../local-howdah.ts';
import type { Shell } from '../shell.ts';
import { mergeExaminations, type Checkup, type Examination } from './checkup.ts';
import { renderCheckup, type Subject } from './render-checkup.ts';

export interface CheckRequest {
  readonly url?: string | undefined;
  readonly server?: string | undefined;
  readonly database?: string | undefined;
  readonly all: boolean;
}

/** For all diagnostics together: with start and report, a check takes less than ten seconds. */
const BUDGET_MS = 8000;
/** Width of a report that goes to no terminal. */
const PAGE_WIDTH = 110;

/** Exit code 0 when something could be examined, whatever was found. */
export async function runCheck(shell: Shell, request: CheckRequest): Promise<number> {
  return withHowdah(shell, request, async (howdah) => {
    const { checkup, subject } = await checkServer(howdah, request);
    if (shell.json) shell.screen.printJson(describe(checkup, subject));
    else {
      const { palette, width = PAGE_WIDTH } = shell.screen;
      shell.screen.print(renderCheckup(checkup, subject, { palette, width, all: request.all }));
    }
    return 0;
  });
}

/** Fails when no connection can be had, and when no diagnostic may be called. */
export async function checkServer(
  { call, persona, platform: { catalog, deps } }: LocalHowdah,
  { server, database }: CheckRequest,
): Promise<{ checkup: Checkup; subject: Subject }> {
  const target = { ...(server !== undefined && { server }), ...(database !== undefined && { database }) };
  const started = performance.now();
  const budget = AbortSignal.timeout(BUDGET_MS);
  let reached = server;
  const run = async (tool: Operation) => {
    const outcome = await call({ name: tool.name, arguments: target, signal: budget });
    if (outcome.ok) reached = String(outcome.output['server']);
    return examine(tool, outcome, budget);
  };
  const [first, ...others] = catalog.operations.filter(isDiagnostic).toSorted(byArea);
  // alone, so that a server that is not there is asked once
  const opening = first === undefined ? [] : [await run(first)];
  requireServer(opening);
  const examinations = [...opening, ...(await inParallel(others, Math.min(4, persona?.limits.concurrent ?? 1), run))];
  requireAnswer(examinations);
  const found = reached === undefined ? undefined : deps.fleet.server(reached);
  return {
    checkup: mergeExaminations(examinations),
    subject: {
      address: found?.address ?? '',
      version: found?.health().version ?? null,
      inRecovery: found?.health().inRecovery ?? null,
      tookMs: performance.now() - started,
    },
  };
}

/** Fixed SQL that needs no argument, about the server or about what is in a database. */
function isDiagnostic({ kind, accessClass, reaches, input }: Operation): boolean {
  const isFixed = accessClass === 'diagnostic' || accessClass === 'schema';
  return kind === 'tool' && isFixed && reaches === 'server' && input.safeParse({}).success;
}

function byArea(a: Operation, b: Operation): number {
  return rankOf(a) - rankOf(b);
}

function rankOf({ area }: Operation): number {
  return AREAS.findIndex((known) => known === area);
}

function examine(tool: Operation, outcome: CallOutcome, budget: AbortSignal): Examination {
  const about = { tool: tool.name, title: tool.title, fields: fieldsOf(tool) };
  if (outcome.ok) {
    const { findings, not_examined: gaps } = outcome.output;
    return {
      ...about,
      state: 'answered',
      findings: Finding.array().safeParse(findings).data ?? [],
      notExamined: NotExamined.array().safeParse(gaps).data ?? [],
    };
  }
  if (outcome.error.code === 'CANCELLED' && budget.aborted) return { ...about, state: 'unfinished' };
  return { ...about, state: 'failed', error: outcome.error };
}

/** Failures that every other diagnostic would have too. */
const HOPELESS: ReadonlySet<string> = new Set(['SERVER_UNREACHABLE', 'NOT_FOUND', 'INVALID_INPUT', 'UNAVAILABLE']);

function requireServer(examinations: readonly Examination[]): void {
  for (const examination of examinations) {
    if (examination.state === 'failed' && HOPELESS.has(examination.error.code)) throw examination.error;
  }
}

/** Where nothing answered, the reason is that of the first. */
function requireAnswer(examinations: readonly Examination[]): void {
  if (examinations.some(({ state }) => state === 'answered')) return;
  const failed = examinations.find((examination) => examination.state === 'failed');
  if (failed) throw failed.error;
  throw new PlatformError('TIMEOUT', `No diagnostic answered within ${BUDGET_MS / 1000} s.`, {
    hint: 'howdah doctor shows whether the server is reachable.',
  });
}

/** Keeps the order of `items`. */
async function inParallel<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [i, item] of queue) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: most }, worker));
  return results;
}

function describe(checkup: Checkup, { address, version, inRecovery, tookMs }: Subject): unknown {
  return {
    address,
    version,
    in_recovery: inRecovery,
    grade: checkup.grade,
    examined: checkup.examined,
    asked: checkup.asked,
    took_ms: Math.round(tookMs),
    findings: checkup.groups.flatMap(({ tool, findings }) => findings.map((finding) => ({ tool, ...finding }))),
    in_order: checkup.inOrder,
    not_examined: checkup.notExamined,
  };
}
