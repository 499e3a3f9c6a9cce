import { findMissingData } from './admin/missing-data.ts';
import { findRefusedOnServers } from './admin/refused-queries.ts';
import { findIdleCallers } from './admin/rules-in-force.ts';
import { createConfigError } from './config/problem.ts';
import { openStatementTexts } from './sqltext/statement-texts.ts';
import { checkFiles, createLazyGuard, requireAllowedQueries, wire, withoutStore, type Surroundings } from './wiring.ts';

/** Finds what a start would refuse, over stdio or HTTP, and opens nothing. Returns warnings; fails with CONFIG_INVALID. */
export async function checkPlatform({ config, env }: Surroundings): Promise<readonly string[]> {
  const warnings: string[] = [];
  await checkFiles({ config, env });
  await requireAllowedQueries(config);
  const warn = (warning: string) => warnings.push(warning);
  const { policy } = wire({ config, env, warn, late: withoutStore('') });
  return [...warnings, ...findIdleCallers(config, policy)];
}

/**
 * Asks the servers for what the data rules name, and judges the saved queries there. Returns warnings of what could not
 * be looked at; fails with CONFIG_INVALID.
 */
export async function checkOnServers({
  config,
  env,
  source,
  signal,
}: Surroundings & { source: string; signal: AbortSignal }): Promise<readonly string[]> {
  const { fleet, policy } = wire({ config, env, warn: () => undefined, late: withoutStore('') });
  const texts = openStatementTexts();
  try {
    const personas = policy.personas();
    const data = await findMissingData(personas, fleet, signal);
    // a key is wanted where a mask hashes, and no value is read
    const callersSql = { guard: createLazyGuard(texts), maskKeys: () => 'of nobody' };
    const refused = await findRefusedOnServers({ queries: config.queries, personas, fleet, callersSql, signal });
    const problems = [...data.problems, ...refused.problems];
    if (problems.length > 0) throw createConfigError(source, problems);
    return [
      ...data.unread.map(({ place, reason }) => `data rules could not be compared with ${place}: ${reason}`),
      ...refused.unread.map(({ place, reason }) => `saved queries could not be judged on ${place}: ${reason}`),
    ];
  } finally {
    await texts.close();
    await fleet.close();
  }
}
