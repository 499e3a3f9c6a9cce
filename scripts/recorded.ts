/** What tests recorded of the tools, with `npm run record`: an example of each answer, and what each costs. */
import { existsSync, readFileSync } from 'node:fs';

const EXAMPLES = new URL('../test/tools/examples/', import.meta.url);
const COSTS = new URL('../bench/results/tools.json', import.meta.url);

/** The text of an answer on the fixture of the tests; undefined where none was recorded. */
export function recordedExample(tool: string): string | undefined {
  const file = new URL(`${tool}.txt`, EXAMPLES);
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : undefined;
}

/** Milliseconds of a call on 10,000 tables; undefined where it was not measured. */
export function measuredCost(tool: string): number | undefined {
  if (!existsSync(COSTS)) return undefined;
  const { ms } = JSON.parse(readFileSync(COSTS, 'utf8')) as { ms: Readonly<Record<string, number>> };
  return ms[tool];
}
