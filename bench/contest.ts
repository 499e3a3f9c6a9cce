import { putLoad, type LoadReport } from './load.ts';
import { spreadOf } from './ratio.ts';
import type { ToolRequest } from './request.ts';
import type { Contest } from './results.ts';
import type { ServerProcess } from './server-process.ts';

interface Round extends LoadReport {
  readonly cpuUs: number;
}

export interface ContestPlan {
  readonly connections: number;
  readonly rounds: number;
  readonly secondsPerRound: number;
}

/** Puts the load on each server in turn, round after round, so that a drifting machine drifts for all of them. */
export async function compete(
  servers: readonly ServerProcess[],
  request: ToolRequest,
  { connections, rounds, secondsPerRound }: ContestPlan,
): Promise<Contest[]> {
  const figures = new Map(servers.map((server) => [server, [] as Round[]]));
  // V8 compiles for seconds; what comes after is what a server does all day
  for (const server of servers) await putLoad(server, request, { connections, seconds: 2 * secondsPerRound });
  for (let round = 0; round < rounds; round++) {
    for (const [server, kept] of figures) {
      const before = server.cpuUs();
      const report = await putLoad(server, request, { connections, seconds: secondsPerRound });
      kept.push({ ...report, cpuUs: (server.cpuUs() - before) / report.requests });
    }
  }
  return [...figures].map(([server, kept]) => ({
    name: server.name,
    requestsPerS: spreadOf(kept.map(({ requests, seconds }) => requests / seconds)),
    p50Ms: spreadOf(kept.map(({ p50Ms }) => p50Ms)),
    p99Ms: spreadOf(kept.map(({ p99Ms }) => p99Ms)),
    cpuUs: spreadOf(kept.map(({ cpuUs }) => cpuUs)),
    residentMb: server.residentMb(),
  }));
}
