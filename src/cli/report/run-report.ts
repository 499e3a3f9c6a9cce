import { writeFile } from 'node:fs/promises';
import { PlatformError } from '../../core/errors.ts';
import { renderReport, type Report } from '../../render/report/page.ts';
import type { Answered } from '../../render/report/section.ts';
import { tools } from '../../tools/all-tools.ts';
import type { HealthAnswer } from '../../tools/health/health-check.ts';
import { withHowdah, type LocalHowdah } from '../local-howdah.ts';
import type { Shell } from '../shell.ts';
import { readVersion } from '../version.ts';

export interface ReportRequest {
  readonly url: string | undefined;
  readonly server: string | undefined;
  readonly database: string | undefined;
  /** `-` for standard output. */
  readonly out: string | undefined;
}

const DEFAULT_FILE = 'report.html';
/** A report is read for longer than it takes to make. */
const BUDGET_S = 60;

/** Fails with what kept the server from being examined, and with CONFIG_INVALID where the file cannot be written. */
export async function runReport(shell: Shell, request: ReportRequest): Promise<number> {
  return withHowdah(shell, request, async (howdah) => {
    const report = await makeReport(howdah, request);
    const { out = DEFAULT_FILE } = request;
    if (shell.json) shell.screen.printJson(report.health);
    else if (out === '-') shell.screen.print(renderReport(report));
    else {
      await save(out, renderReport(report));
      shell.screen.note(`${report.health.summary} ${out} has it all.`);
    }
    return 0;
  });
}

async function makeReport(
  { call, platform: { deps } }: LocalHowdah,
  { server, database }: ReportRequest,
): Promise<Report> {
  const madeAt = new Date();
  const started = performance.now();
  const target = { ...(server !== undefined && { server }), ...(database !== undefined && { database }) };
  const outcome = await call({
    name: 'health_check',
    arguments: { ...target, detail: 'answers', timeout_s: BUDGET_S },
  });
  if (!outcome.ok) throw outcome.error;
  const health = outcome.output as unknown as HealthAnswer;
  const found = deps.fleet.server(health.server);
  return {
    health,
    answered: (health.answers ?? []).flatMap(answeredBy),
    address: found?.address ?? '',
    version: found?.health().version ?? null,
    inRecovery: found?.health().inRecovery === true,
    madeAt,
    tookMs: performance.now() - started,
    howdah: readVersion(),
  };
}

function answeredBy({ tool: name, answer }: { tool: string; answer: unknown }): Answered[] {
  const tool = tools.find((each) => each.name === name);
  return tool ? [{ tool, output: answer as Answered['output'] }] : [];
}

async function save(path: string, text: string): Promise<void> {
  try {
    // it holds what others need not read
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    throw new PlatformError('CONFIG_INVALID', `${path} cannot be written.`, {
      hint: 'Name a file in a directory that you may write to, with --out.',
      cause: error,
    });
  }
}
