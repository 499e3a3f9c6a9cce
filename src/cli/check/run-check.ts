import { PlatformError } from '../../core/errors.ts';
import type { HealthAnswer } from '../../tools/health/health-check.ts';
import { withHowdah, type LocalHowdah } from '../local-howdah.ts';
import type { Shell } from '../shell.ts';
import { groupAnswer, type Checked } from './checked.ts';
import { renderCheckup, type Subject } from './render-checkup.ts';

export interface CheckRequest {
  readonly url?: string | undefined;
  readonly server?: string | undefined;
  readonly database?: string | undefined;
  readonly all: boolean;
}

/** For all diagnostics together: with start and report, a check takes less than ten seconds. */
const BUDGET_S = 8;
/** Width of a report that goes to no terminal. */
const PAGE_WIDTH = 110;

/** Exit code 0 when something could be examined, whatever was found. */
export async function runCheck(shell: Shell, request: CheckRequest): Promise<number> {
  return withHowdah(shell, request, async (howdah) => {
    const { checked, subject } = await checkServer(howdah, request);
    if (shell.json) shell.screen.printJson(describe(checked, subject));
    else {
      const { palette, width = PAGE_WIDTH } = shell.screen;
      shell.screen.print(renderCheckup(checked, subject, { palette, width, all: request.all }));
    }
    return 0;
  });
}

/** Fails when no connection can be had, and when no diagnostic answers. */
export async function checkServer(
  { call, platform: { deps } }: LocalHowdah,
  { server, database }: CheckRequest,
): Promise<{ checked: Checked; subject: Subject }> {
  const started = performance.now();
  const target = { ...(server !== undefined && { server }), ...(database !== undefined && { database }) };
  const outcome = await call({
    name: 'health_check',
    arguments: { ...target, detail: 'full', timeout_s: BUDGET_S },
  });
  if (!outcome.ok) throw outcome.error;
  const answer = outcome.output as unknown as HealthAnswer;
  const checked = groupAnswer(answer);
  if (checked.examined === 0) throw nothingExamined(answer);
  const found = deps.fleet.server(answer.server);
  return {
    checked,
    subject: {
      address: found?.address ?? '',
      version: found?.health().version ?? null,
      inRecovery: found?.health().inRecovery ?? null,
      tookMs: performance.now() - started,
    },
  };
}

function nothingExamined({ skipped, not_examined: gaps = [] }: HealthAnswer): PlatformError {
  const [gap] = [...gaps, ...skipped];
  return new PlatformError('UNSUPPORTED', 'No diagnostic answered.', { hint: gap?.remedy ?? gap?.reason });
}

function describe(checked: Checked, { address, version, inRecovery, tookMs }: Subject): unknown {
  return {
    address,
    version,
    in_recovery: inRecovery,
    grade: checked.grade,
    examined: checked.examined,
    asked: checked.asked,
    took_ms: Math.round(tookMs),
    findings: checked.groups.flatMap(({ tool, findings }) => findings.map((finding) => ({ tool, ...finding }))),
    in_order: checked.inOrder,
    not_examined: checked.notExamined,
  };
}
