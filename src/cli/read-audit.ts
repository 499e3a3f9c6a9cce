import { resolve } from 'node:path';
import { z } from 'zod';
import { auditFilters, readFilters } from '../admin/audit-filters.ts';
import { matches } from '../audit/filters.ts';
import { tailStore } from '../audit/store-tail.ts';
import { tailAudit } from '../audit/tail.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import { formatQuantity } from '../render/quantity.ts';
import { padEnd, padStart } from '../render/text-width.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import { administer, ADMINISTERING } from './administer.ts';
import { filterArguments } from './audit-arguments.ts';
import { withHowdah } from './local-howdah.ts';
import { numberArgument } from './number-argument.ts';
import type { Shell } from './shell.ts';

type TailRequest = Readonly<Record<string, string | boolean | undefined>> & {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly files?: boolean;
};

/** Exit code 1 when something is broken. */
export async function verify(shell: Shell, { checkpoints }: { readonly checkpoints?: string }): Promise<number> {
  const given = checkpoints === undefined ? {} : { checkpoints: resolve(checkpoints) };
  return administer(shell, 'audit_verify', given, { holds: 'ok' });
}

/** Following is asked for as an operation too, so that it is on record; then what is added is read as it comes. */
export async function tail(
  shell: Shell,
  { follow = false, lines, files = false, ...flags }: TailRequest,
): Promise<number> {
  return withHowdah(shell, { ...ADMINISTERING, ...(files && { embeddedStore: 'none' }) }, async (howdah) => {
    const given = filterArguments(flags);
    const outcome = await howdah.administer({
      name: 'audit_tail',
      arguments: { ...given, ...numberArgument('limit', lines), follow, files },
    });
    if (!outcome.ok) throw outcome.error;
    const events = (outcome.output.rows ?? []) as readonly AuditEvent[];
    const { directory, reader, operations } = howdah.platform.auditSource;
    const filters = readFilters(z.object(auditFilters).parse(given), operations);
    const { signal } = shell;
    const options = { lines: Math.max(1, events.length), follow, signal };
    const store = files ? undefined : reader();
    const followed = () =>
      store === undefined
        ? tailAudit(directory, { ...options, filter: matches(filters) })
        : tailStore(store, { ...options, filters });
    for await (const event of follow ? followed() : events) printEvent(shell, event);
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
