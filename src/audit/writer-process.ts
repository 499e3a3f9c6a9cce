import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { errorCode } from './unavailable.ts';

/** Which process writes a file. `started` tells it from a later one with the same number; null where there is no /proc. */
export const WriterProcess = z.object({
  pid: z.int().min(1),
  hostname: z.string(),
  started: z.string().nullable(),
});
export type WriterProcess = z.output<typeof WriterProcess>;

export async function thisProcess(): Promise<WriterProcess> {
  return { pid: process.pid, hostname: hostname(), started: await startOf(process.pid) };
}

/** Whether a process is certainly gone. One on another host is never judged from here. */
export async function hasEnded(writer: WriterProcess): Promise<boolean> {
  if (writer.hostname !== hostname()) return false;
  if (!exists(writer.pid)) return true;
  const started = await startOf(writer.pid);
  return started !== null && (started === 'zombie' || (writer.started !== null && started !== writer.started));
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH'; // EPERM: it is another user's
  }
}

/** The boot and the clock tick at which a process began: proc_pid_stat(5), field 22. A zombie writes no more. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1');
    // The second field is the name in parentheses, which may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'zombie' : `${boot.trim()}/${fields[19]}`;
  } catch {
    return null;
  }
}
