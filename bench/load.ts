import { execFile } from 'node:child_process';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ToolRequest } from './request.ts';
import type { ServerProcess } from './server-process.ts';

const LOADER = fileURLToPath(new URL('load-process.ts', import.meta.url));
const run = promisify(execFile);

/** What a load is: for a time, or a number of requests. */
export interface Load {
  readonly connections: number;
  readonly seconds?: number;
  readonly amount?: number;
}

/** What the process that makes the load is told, and says. */
export interface LoadOrder extends Load, ToolRequest {
  readonly url: string;
}

export interface LoadReport {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends one request over and over, from a process of its own. Fails when one answer is not a result. */
export async function putLoad(server: ServerProcess, request: ToolRequest, load: Load): Promise<LoadReport> {
  const order: LoadOrder = {
    ...load,
    url: server.url,
    body: request.body,
    headers: { ...request.headers, ...server.headers },
  };
  const { stdout } = await run(execPath, ['--import', 'tsx', LOADER, JSON.stringify(order)]);
  return JSON.parse(stdout) as LoadReport;
}
