import { resolve } from 'node:path';
import { matches } from '../admin/audit-tail.ts';
import { tailAudit } from '../audit/tail.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import { formatQuantity } from '../render/quantity.ts';
import { padEnd, padStart } from '../render/text-width.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import { withHowdah } from './local-howdah.ts';
import { printOutcome } from './print-outcome.ts';
import type { Shell } from './shell.ts';

interface TailRequest {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly operation?: string;
  readonly principal?: string;
  readonly server?: string;
  readonly outcome?: string;
}

/** Exit code 1 when something is broken. */
export async function verify(shell: Shell, { checkpoints }: { readonly checkpoints?: string }): Promise<number> {
  return withHowdah(shell, { embeddedStore: 'found' }, async ({ administer }) => {
    const given = checkpoints === undefined ? {} : { checkpoints: resolve(checkpoints) };
    const outcome = await administer({ name: 'audit_verify', arguments: given });
    printOutcome(shell, outcome);
    return outcome.ok && outcome.output['ok'] === true ? 0 : 1;
  });
}

/** Following is asked for as an operation too, so that it is on record; then the files are read as they grow. */
export async function tail(shell: Shell, { follow = false, lines, ...filters }: TailRequest): Promise<number> {
  return withHowdah(shell, {}, async ({ administer, platform }) => {
    const limit = lines === undefined ? {} : { limit: /^\d+$/.test(lines) ? Number(lines) : lines };
    const outcome = await administer({ name: 'audit_tail', arguments: { ...filters, ...limit, follow } });
    if (!outcome.ok) throw outcome.error;
    const events = (outcome.output.rows ?? []) as readonly AuditEvent[];
    const { auditDirectory } = platform;
    const options = { lines: Math.max(1, events.length), follow, signal: shell.signal, filter: matches(filters) };
    for await (const event of follow ? tailAudit(auditDirectory, options) : events) printEvent(shell, event);
    return 0;
  });
}

function printEvent({ screen, json }: Shell, event: AuditEvent): void {
  screen.print(json ? JSON.stringify(event) : describeEvent(event));
}

/** `2026-01-31 10:20:30  ended  OK  alice  unused_indexes  shop/shop  12 rows  34 ms` */
export function describeEvent(event: AuditEvent): string {
  const place = [event.server, event.database].filter((part) => part !== null).join('/');
  const text = [
    event.at.replace('T', ' ').slice(0, 19),
    padEnd(event.kind, 6),
    padEnd(event.outcome ?? '', 13),
    padEnd(event.principal_subject ?? '', 10),
    padEnd(event.operation ?? '', 24),
    padEnd(place, 16),
    padStart(event.rows === null ? '' : `${event.rows} rows`, 9),
    padStart(event.duration_ms === null ? '' : formatQuantity(event.duration_ms, 'ms'), 8),
    event.decision === 'deny' ? (event.rule ?? '') : '',
  ].join('  ');
  return escapeControl(text.trimEnd());
}
