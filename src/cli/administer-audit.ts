import { resolve } from 'node:path';
import { administer } from './administer.ts';
import type { Shell } from './shell.ts';

interface Acceptance {
  readonly reason?: string;
  readonly lost?: string;
  readonly checkpoints?: string;
}

/** What is missing is checked by the operation, so that it is on record who accepted what. */
export function acceptRestore(shell: Shell, { checkpoints, ...given }: Acceptance): Promise<number> {
  return administer(shell, 'accept_restore', { ...given, ...(checkpoints && { checkpoints: resolve(checkpoints) }) });
}

export function showStatement(shell: Shell, callId: string | undefined): Promise<number> {
  return administer(shell, 'audit_statement', callId === undefined ? {} : { call_id: callId });
}
