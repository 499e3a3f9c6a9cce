import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Howdah, Row } from '../postgres/platform.ts';

export function rowOf({ rows }: Answer, table: string, part = 'table'): Row {
  return rows.find((row) => row['table'] === table && row['part'] === part) ?? {};
}

export function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

/** Statistics arrive a moment after a session has ended, and autovacuum when it likes. */
export async function eventually(howdah: Howdah, input: Record<string, unknown>, isThere: (answer: Answer) => boolean) {
  for (const end = performance.now() + 15_000; ; await sleep(50)) {
    const answer = await howdah.call('autovacuum_status', { limit: 500, ...input });
    if (isThere(answer)) return answer;
    if (performance.now() > end) throw new Error(`It never came: ${JSON.stringify(answer).slice(0, 3000)}`);
  }
}
