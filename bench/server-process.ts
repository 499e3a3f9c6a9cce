import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';

/** A server in a process of its own. */
export interface ServerProcess {
  readonly name: string;
  /** Where it answers `tools/call`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Processor time so far, in microseconds. */
  cpuUs(): number;
  residentMb(): number;
  stop(): Promise<void>;
}

export interface ServerSpec {
  readonly name: string;
  /** Arguments of node. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The kernel counts processor time in hundredths of a second, whatever its own clock: proc_pid_stat(5). */
const US_PER_TICK = 10_000;

/** Resolves when the server has said where it listens: the first address that ends in /mcp, on either output. */
export async function startServer({ name, args, env, headers = {} }: ServerSpec): Promise<ServerProcess> {
  const child = spawn(execPath, args, { env: { ...env, NODE_ENV: 'production' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const url = await addressOf(child);
  const { pid } = child;
  return {
    name,
    url,
    headers,
    cpuUs() {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
    },
    residentMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** What it says before that goes by unseen unless it is the end of it; what it says later is read and dropped. */
function addressOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      if (!output) continue;
      createInterface({ input: output }).on('line', (line) => {
        const [url] = /http:\/\/[^\s"]+\/mcp/.exec(line) ?? [];
        if (url !== undefined) resolve(url);
        else if (said.length < 20) said.push(line);
      });
    }
    child.once('close', () => reject(new Error(`a server did not start:\n${said.join('\n')}`)));
  });
}
