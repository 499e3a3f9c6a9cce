import { runAs } from '../postgres/platform.ts';

/** Runs a command of the shell as the user of the server, in its data directory. It has to read what is sent to it. */
export async function onServer(superuserUrl: string, command: string): Promise<void> {
  await runAs(superuserUrl, `copy (select 1) to program $$ cat > /dev/null; ${command} $$`);
}
